"""A flow table at rest: which file endings there are and how a table lies in each.

Parquet keeps dtypes and provenance. JSON lines are NetObserv's own form: one object a flow, absent fields left out, Flags as
names. CSV names Flags joined by ``|`` and guards cells that a spreadsheet would run as a formula.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, cast

import pandas as pd

from flowkit.contract.flags import flag_names
from flowkit.contract.layout import write_layout
from flowkit.contract.replacing import replacing
from flowkit.errors import ContractError, FlowkitError

_CHUNK = 100_000
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def write(flows: pd.DataFrame, path: str | Path) -> Path:
    """Write a flow table to `path`, whole or not at all; the ending says how: .parquet, .json, .jsonl (also .gz), .csv.

    A path without an ending is a folder in flowkit's own layout, to which flows are added (`flowkit.contract.layout`). An
    existing file is replaced, missing folders are made. Raises `ContractError` for an ending nobody knows.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write(pd.DataFrame({"SrcAddr": ["10.0.0.1"]}), folder + "/flows.jsonl").read_text()
    '{"SrcAddr":"10.0.0.1"}\\n'
    """
    path = Path(path)
    if path.is_dir() or not path.suffix:
        return write_layout(flows, path)
    writer = _writer(path)
    with replacing(path) as stream:
        if path.name.endswith(".gz"):
            with gzip.GzipFile(fileobj=stream, mode="wb", mtime=0) as packed:
                writer(flows, cast("IO[bytes]", packed))
        else:
            writer(flows, stream)
    return path


def check_ending(path: Path) -> None:
    """Refuse a file ending that `write` does not know; raises `ContractError`."""
    _writer(path)


def _writer(path: Path) -> Callable[[pd.DataFrame, IO[bytes]], None]:
    name = path.name.removesuffix(".gz")
    writer = next((writer for ending, writer in _WRITERS.items() if name.endswith(ending)), None)
    if writer is None or (path.name.endswith(".gz") and writer is _parquet):
        raise ContractError(f"cannot write '{path}': give it an ending of {', '.join(_WRITERS)}")
    return writer


def check_place(path: Path, *, force: bool) -> None:
    """Refuse to write over something that is there, unless `force`; raises `FlowkitError`.

    >>> check_place(Path("/"), force=True)
    Traceback (most recent call last):
    flowkit.errors.FlowkitError: '/' is a folder: name a file in it
    """
    if path.is_dir():
        raise FlowkitError(f"'{path}' is a folder: name a file in it")
    if path.exists() and not force:
        raise FlowkitError(f"'{path}' is there already: give another name, or --force to replace it")


def json_lines(flows: pd.DataFrame) -> Iterator[str]:
    """Yield a flow table as text chunks of JSON lines, ready to be written one after the other."""
    for start in range(0, len(flows), _CHUNK):
        part = _named_flags(flows.iloc[start : start + _CHUNK])
        columns = {name: part[name].astype(object).where(part[name].notna(), None).tolist() for name in part.columns}
        rows = zip(*columns.values(), strict=True)
        yield "".join(
            json.dumps({k: v for k, v in zip(columns, row, strict=True) if v is not None}, separators=(",", ":")) + "\n"
            for row in rows
        )


def json_records(table: pd.DataFrame) -> str:
    """A result table as one JSON list of objects: all columns in every object, missing as null, times as ISO 8601 in UTC.

    >>> print(json_records(pd.DataFrame({"port": pd.array([443, None], dtype="UInt16")})))
    [
    {"port": 443},
    {"port": null}
    ]
    """
    columns = {name: _plain_values(table[name]) for name in table.columns}
    rows = zip(*columns.values(), strict=True)
    objects = [json.dumps(dict(zip(columns, row, strict=True)), ensure_ascii=False) for row in rows]
    return "[\n" + ",\n".join(objects) + "\n]" if objects else "[]"


def csv_text(table: pd.DataFrame) -> str:
    """A result table as CSV with guarded cells, missing as empty, times as ISO 8601 in UTC."""
    stream = io.BytesIO()
    _csv(table, stream)
    return stream.getvalue().decode("utf-8")


def _plain_values(column: pd.Series[Any]) -> list[Any]:
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        return [None if pd.isna(value) else value.isoformat(timespec="milliseconds") for value in column]
    return column.astype(object).where(column.notna(), None).tolist()


def guard(text: pd.Series[Any]) -> pd.Series[Any]:
    """Prefix with ``'`` every text that a spreadsheet would take for a formula.

    >>> guard(pd.Series(["=1+1", "shop"])).tolist()
    ["'=1+1", 'shop']
    """
    return text.where(~text.astype("str").str.startswith(_FORMULA), "'" + text.astype("str"))


def _named_flags(flows: pd.DataFrame) -> pd.DataFrame:
    if "Flags" in flows.columns and flows["Flags"].dtype != object:
        return flows.assign(Flags=flag_names(flows["Flags"]))
    return flows


def _parquet(flows: pd.DataFrame, stream: IO[bytes]) -> None:
    flows.to_parquet(stream, index=False, compression="zstd")


def _json(flows: pd.DataFrame, stream: IO[bytes]) -> None:
    for chunk in json_lines(flows):
        stream.write(chunk.encode("utf-8"))


def _csv(flows: pd.DataFrame, stream: IO[bytes]) -> None:
    named = _named_flags(flows)
    texts = {
        name: guard(_joined(named[name])) for name in named.columns if not pd.api.types.is_numeric_dtype(named[name])
    }
    named.assign(**texts).to_csv(stream, index=False, quoting=csv.QUOTE_MINIMAL, lineterminator="\n")


def _joined(column: pd.Series[Any]) -> pd.Series[Any]:
    text = column.astype(object).map(lambda value: "|".join(map(str, value)) if isinstance(value, list) else value)
    # Python quotes a cell for a line feed, not for a carriage return, which readers take for the end of the row as well.
    return text.where(column.notna(), "").astype("str").str.replace("\r", "\n")


_WRITERS: dict[str, Callable[[pd.DataFrame, IO[bytes]], None]] = {
    ".parquet": _parquet,
    ".jsonl": _json,
    ".json": _json,
    ".csv": _csv,
}
