"""CSV of flows: the console's export, and any table whose header names flow fields.

The console writes the labels of the first stream and the fields of the first flow only, in random order: what the first flow
lacks is lost for all. Values are as Go prints them: ``[SYN ACK]``, ``map[Action:allow]``, ``<nil>``.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.csv as pc

from flowkit.contract import FIELDS, Field, Provenance, conform, stack, with_provenance
from flowkit.sources.lacks import with_lacks
from flowkit.sources.lists import lists
from flowkit.sources.losses import EXAMPLES, Loss, example, losing
from flowkit.sources.objects.unpacked import unpacked
from flowkit.sources.records import one_record_a_flow, today

NAME = "CSV with flow fields"

_MISSING = ["", "<nil>"]
_OLD = {"Interface", "IfDirection", "Duplicate"}
_FIRST_ONLY = (
    "the console exports the fields of its first flow only: a field missing here may have been there for other flows"
)


def recognises(head: bytes, name: str) -> bool:  # noqa: ARG001 - every source is asked the same way
    """A first line of comma-separated names of which two or more are flow fields.

    >>> recognises(b"Timestamp,SrcAddr,DstPort", "export.csv"), recognises(b"a,b,c", "other.csv")
    (True, False)
    """
    return sum(column in FIELDS for column in _header(head)) >= 2


def read(paths: list[Path]) -> pd.DataFrame:
    """Read CSV files of flows into one conformed flow table, columns by their names in the header.

    Rows with more or fewer cells than the header are left out and counted.
    """
    return with_lacks(one_record_a_flow(stack([today(_read(path)) for path in paths])))


def _header(head: bytes) -> list[str]:
    lines = head.decode("utf-8-sig", "replace").splitlines()
    try:
        return next(csv.reader(lines[:1], strict=True), [])
    except csv.Error:
        return []


def _read(path: Path) -> pd.DataFrame:
    with unpacked(path) as (plain, damage):
        table, cut = _table(plain, path)
    losses = [*damage, *cut]
    flows: dict[str, pd.Series[Any]] = {}
    for name in table.column_names:
        flows[name], spoiled = _column(table.column(name), FIELDS.get(name))
        losses.append(
            Loss(
                f"values of {name} that are not its type",
                len(spoiled),
                tuple(example("", one) for one in spoiled[:EXAMPLES]),
            )
        )
    notes = (_FIRST_ONLY,) if "Timestamp" in flows else ()
    known = losing(Provenance((path.name,)).noting(*notes), losses)
    return conform(with_provenance(pd.DataFrame(flows).drop(columns="Timestamp", errors="ignore"), known))


def _table(plain: Path, path: Path) -> tuple[Any, list[Loss]]:
    with plain.open("rb") as stream:
        names = _unique(_header(stream.readline()))
    try:
        return pc.read_csv(
            plain,
            read_options=pc.ReadOptions(column_names=names, skip_rows=1),
            parse_options=pc.ParseOptions(newlines_in_values=True),
            convert_options=pc.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()), null_values=_MISSING, strings_can_be_null=True
            ),
        ), []
    except (pa.ArrowException, OSError):
        return _mended(plain, path, names)


def _mended(plain: Path, path: Path, names: list[str]) -> tuple[Any, list[Loss]]:
    """The rows that fit the header of a file that Arrow refuses as a whole; what is no UTF-8 becomes a replacement mark."""
    good: list[list[str | None]] = []
    bad: list[str] = []
    with plain.open(encoding="utf-8-sig", errors="replace", newline="") as stream:
        rows = csv.reader(stream)
        try:
            next(rows, None)
            for row in filter(None, rows):
                if len(row) == len(names):
                    good.append([None if cell in _MISSING else cell for cell in row])
                else:
                    bad.append(example(f"{path.name}:{rows.line_num}", ",".join(row)))
        except csv.Error as error:
            bad.append(example(f"{path.name}:{rows.line_num}", str(error)))
    columns = list(zip(*good, strict=True)) or [()] * len(names)
    table = pa.table([pa.array(column, pa.string()) for column in columns], names=names)
    return table, [Loss("CSV rows that have other columns than the header", len(bad), tuple(bad[:EXAMPLES]))]


def _unique(names: list[str]) -> list[str]:
    """Names as a table can have them: the second column of a name is another column."""
    return [name if name and name not in names[:place] else f"{name}>{place}" for place, name in enumerate(names)]


def _column(texts: Any, known: Field | None) -> tuple[pd.Series[Any], list[str]]:
    column = texts.to_pandas().astype(object)
    column = column.where(column.notna(), None)
    if known is not None and known.is_list:
        # flowkit's own CSV joins items with a bar; Go's form of that list is read the same way.
        joined = column.str.contains("|", regex=False).eq(other=True) & ~column.str.startswith("[").eq(other=True)
        return lists(column.where(~joined, "[" + column.str.replace("|", " ") + "]"), known.type)
    if known is not None and known.is_number:
        # Go prints large numbers of JSON as floats: 1.700000000000e+12.
        exact = column.str.fullmatch(r"-?\d+").fillna(value=True).astype(bool)
        return column.where(exact, column.map(_go_number)), []
    return column, []


def _go_number(text: Any) -> Any:
    try:
        return str(int(float(text))) if float(text).is_integer() else text
    except (TypeError, ValueError, OverflowError):
        return text
