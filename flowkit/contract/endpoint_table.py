"""The endpoint table of flowkit's own layout: one row a distinct end of a flow, numbered once and for good.

An end is what NetObserv writes about it in every flow: Kubernetes object, owner, node, zone, network and subnet label. Number
0 is the end about which nothing is known. Rows are only ever added, so a number in a file written earlier keeps its meaning.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from flowkit.contract.fields import FIELDS
from flowkit.contract.replacing import replacing

FILE = "endpoints.parquet"
NUMBER = "Endpoint"
SIDES = ("Src", "Dst")
STAMP = b"flowkit.endpoints"
LABELS = tuple(name.removeprefix("Src") for name in FIELDS if name.startswith("SrcK8S_") or name == "SrcSubnetLabel")

Numbers = npt.NDArray[np.int64]


def number_column(side: str) -> str:
    """The column that holds the number of one side's end.

    >>> number_column("Src")
    'SrcEp'
    """
    return f"{side}Ep"


def side_of(name: str) -> str | None:
    """The side whose end the field `name` describes, None for any other column.

    >>> side_of("DstK8S_Zone"), side_of("DstPort")
    ('Dst', None)
    """
    return name[:3] if name[:3] in SIDES and name[3:] in LABELS else None


def load(folder: Path) -> pa.Table:
    """Load a folder's endpoint table, a new one if none is there: ``Endpoint`` and one text column a label, by number."""
    path = folder / FILE
    table = pq.read_table(path, partitioning=None) if path.exists() else _table([(None,) * len(LABELS)])
    columns = [_text(table, name) for name in LABELS]
    return pa.table([pa.array(np.arange(len(table)), pa.uint32()), *columns], names=[NUMBER, *LABELS])


def _text(table: pa.Table, name: str) -> Any:
    """A label's texts; missing everywhere in a table that was written before the contract had the label."""
    return table.column(name).cast(pa.string()) if name in table.column_names else pa.nulls(len(table), pa.string())


def _table(ends: list[tuple[str | None, ...]]) -> pa.Table:
    columns = [pa.array(texts, pa.string()) for texts in zip(*ends, strict=True)]
    return pa.table([pa.array(np.arange(len(ends)), pa.uint32()), *columns], names=[NUMBER, *LABELS])


def save(table: pa.Table, folder: Path) -> None:
    """Put a (longer) endpoint table in the place of the folder's own, whole or not at all."""
    with replacing(folder / FILE) as stream:
        pq.write_table(table.replace_schema_metadata({STAMP: b"1"}), stream, compression="zstd")


def number(flows: pd.DataFrame, known: pa.Table) -> tuple[dict[str, Numbers], pa.Table]:
    """The number of each row's end by side, and the table with the ends that were new appended.

    >>> numbers, table = number(pd.DataFrame({"SrcSubnetLabel": ["Pods", None, "Pods"]}), load(Path("nowhere")))
    >>> numbers["Src"].tolist(), numbers["Dst"].tolist(), table.num_rows
    ([1, 0, 1], [0, 0, 0], 2)
    """
    ends = list(zip(*(known.column(name).to_pylist() for name in LABELS), strict=True))
    places = {end: place for place, end in enumerate(ends)}
    numbers = {}
    for side in SIDES:
        codes, distinct = _distinct(flows, side)
        numbers[side] = np.array([places.setdefault(end, len(places)) for end in distinct], dtype=np.int64)[codes]
    return numbers, _table(list(places)) if len(places) > len(ends) else known


def _distinct(flows: pd.DataFrame, side: str) -> tuple[Numbers, list[tuple[str | None, ...]]]:
    """Each row's end as a code, and the labels of each code's end."""
    names = [name for name in LABELS if side + name in flows.columns]
    code: Numbers = np.zeros(len(flows), dtype=np.int64)
    for name in names:
        column = flows[side + name].astype("category").cat
        code = pd.factorize(code * (len(column.categories) + 1) + column.codes.to_numpy(dtype=np.int64) + 1)[0]
    _, heads = np.unique(code, return_index=True)
    found = {name: _plain(flows[side + name].iloc[heads]) for name in names}
    nothing: list[str | None] = [None] * len(heads)
    return code, list(zip(*(found.get(name, nothing) for name in LABELS), strict=True))


def _plain(column: pd.Series[Any]) -> list[str | None]:
    return [None if missing else str(value) for value, missing in zip(column, column.isna(), strict=True)]
