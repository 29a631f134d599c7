"""flowkit's own Parquet layout: a folder of flows in the order of time, in which each end of a flow is one small number.

``endpoints.parquet`` says what the numbers mean; every other Parquet file holds flows in the order of ``TimeFlowEndMs``, in
blocks of a quarter million: the columns that describe an end are replaced by ``SrcEp`` and ``DstEp``, ``Flags`` is the bit set
(``FlagsList`` where the bit set cannot hold it), all else lies as in memory. A query by workload then reads two numbers instead
of a dozen texts. Within a block the flows of one bit set lie together, so that a query for SYN passes over the others unread.
Files are put in place whole, the endpoint table before the flows that need it, so a folder is readable at any moment, also
while it grows. Version 1 had no order by Flags; it is read all the same.
"""

from __future__ import annotations

import fcntl
import io
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from flowkit.contract import endpoint_table
from flowkit.contract.conform import conform
from flowkit.contract.endpoint_table import Numbers, number_column, side_of
from flowkit.contract.fields import FIELDS
from flowkit.contract.provenance import provenance, with_provenance
from flowkit.contract.replacing import replacing
from flowkit.errors import ContractError

VERSION = 2
STAMP = b"flowkit.layout"
FLAG_LISTS = "FlagsList"
ROWS_A_FILE = 1_000_000
ROWS_A_GROUP = 250_000
# What almost every query reads: dictionary numbers hardly shrink, and unpacking them costs more than reading them.
_NOT_PACKED = ("SrcEp", "DstEp", "SrcPort", "DstPort", "Flags")
_TIME = "TimeFlowEndMs"
_LISTS = {
    "flags": pa.list_(pa.string()),
    "texts": pa.list_(pa.string()),
    "ints": pa.list_(pa.int64()),
    "maps": pa.list_(pa.map_(pa.string(), pa.string())),
}


@dataclass(frozen=True)
class Stamp:
    """What a file of this layout says of itself: its version, and the plain columns it stands for, in their order."""

    version: int
    columns: tuple[str, ...]


def stamp_of(metadata: Mapping[bytes, bytes] | None) -> Stamp | None:
    """Read the stamp from a Parquet file's metadata; None for any other Parquet.

    Raises `ContractError` for a layout younger than this flowkit.

    >>> stamp_of({b"flowkit.layout": b'{"version": 1, "columns": ["SrcAddr"]}'})
    Stamp(version=1, columns=('SrcAddr',))
    """
    if not metadata or STAMP not in metadata:
        return None
    said = json.loads(metadata[STAMP])
    if said["version"] > VERSION:
        raise ContractError(
            f"layout {said['version']} is younger than this flowkit, which knows {VERSION}: update flowkit"
        )
    return Stamp(said["version"], tuple(said["columns"]))


def is_layout(folder: str | Path) -> bool:
    """Whether a folder holds flows in this layout (nested folders are not looked at).

    >>> is_layout("/nowhere")
    False
    """
    return (Path(folder) / endpoint_table.FILE).is_file()


def write_layout(flows: pd.DataFrame, folder: str | Path) -> Path:
    """Add flows to a folder in flowkit's own layout, which is made if it is not there; returns the folder.

    Rows are sorted by ``TimeFlowEndMs`` (rows without it last), those of one millisecond by ``Flags`` where it is the bit
    set, and cut into files of a million; that is the order in which `flowkit.read` gives them. Values keep the contract's
    form: what `conform` makes of them is what comes back, with map values as text. Two programs may add to one folder at
    a time.

    Raises `ContractError` for a column that is called like one of the layout's own, or that Parquet cannot hold.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = write_layout(pd.DataFrame({"SrcK8S_Zone": ["a"], "TimeFlowEndMs": [1_000]}), folder)
    ...     sorted(each.name for each in path.glob("*.parquet"))
    ['19700101T000001.000Z-0.parquet', 'endpoints.parquet']
    """
    folder = Path(folder)
    flows = _clustered(conform(flows))
    _check_names(flows)
    with _alone(folder):
        known = endpoint_table.load(folder)
        numbers, grown = endpoint_table.number(flows, known)
        if grown is not known or not is_layout(folder):
            endpoint_table.save(grown, folder)
        for start in range(0, len(flows), ROWS_A_FILE):
            rows = slice(start, start + ROWS_A_FILE)
            part = flows.iloc[rows] if start == 0 else _without_counts(flows.iloc[rows])
            _write_file(part, {side: found[rows] for side, found in numbers.items()}, len(grown), folder)
    return folder


def _clustered(flows: pd.DataFrame) -> pd.DataFrame:
    """The flows in the order of time, those of one block of a file by their flags."""
    if _TIME not in flows.columns:
        return flows
    is_bits = "Flags" in flows.columns and flows["Flags"].dtype != object
    flags = flows["Flags"].to_numpy(dtype=np.int64, na_value=1 << 16) if is_bits else np.zeros(len(flows), np.int64)
    time = flows[_TIME].to_numpy(dtype=np.int64, na_value=np.iinfo(np.int64).max)
    order = np.lexsort((flags, time))
    block = np.arange(len(flows)) // ROWS_A_GROUP
    return flows.take(order[np.lexsort((flags[order], block))])


def in_time(flows: pd.DataFrame) -> pd.DataFrame:
    """The flows of a file in the order of time, in which `write_layout` was given them; rows without a time last."""
    if _TIME not in flows.columns or flows[_TIME].is_monotonic_increasing:
        return flows
    return flows.sort_values(_TIME, kind="stable", na_position="last", ignore_index=True)


def _check_names(flows: pd.DataFrame) -> None:
    own = {*map(number_column, endpoint_table.SIDES), FLAG_LISTS}
    for name in flows.columns:
        if name in own:
            raise ContractError(f"column '{name}' is called like one of the layout's own: rename or drop it")


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Be the only writer of the folder: two must not give one number to different ends, nor one name to two files."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _without_counts(flows: pd.DataFrame) -> pd.DataFrame:
    """Losses stand in the first file of a write only, or reading the folder would add them up once a file."""
    return with_provenance(flows, replace(provenance(flows), losses={}, folded={}))


def _write_file(flows: pd.DataFrame, numbers: dict[str, Numbers], ends: int, folder: Path) -> None:
    table = stored(flows, numbers, ends)
    packed = {path: "none" if path in _NOT_PACKED else "zstd" for path in _paths(table.schema)}
    with replacing(_free_name(flows, folder)) as stream:
        pq.write_table(table, stream, compression=packed, row_group_size=ROWS_A_GROUP)


def _paths(schema: pa.Schema) -> list[str]:
    """The columns as Parquet names them, those within lists and maps by their path."""
    nothing = io.BytesIO()
    pq.write_table(schema.empty_table(), nothing)
    columns = pq.ParquetFile(nothing).schema
    return [columns.column(place).path for place in range(len(columns))]


def _free_name(flows: pd.DataFrame, folder: Path) -> Path:
    """Names sort as time does; a second file of the same millisecond gets the next number."""
    first = flows[_TIME].min() if _TIME in flows.columns else 0
    when = pd.Timestamp(0 if pd.isna(first) else int(first), unit="ms")
    name = f"{when:%Y%m%dT%H%M%S}.{when.microsecond // 1000:03d}Z"
    turn = 0
    while (folder / f"{name}-{turn}.parquet").exists():
        turn += 1
    return folder / f"{name}-{turn}.parquet"


def stored(flows: pd.DataFrame, numbers: dict[str, Numbers], ends: int) -> pa.Table:
    """Conformed flows as they lie in a file, with its metadata; `ends` is how many endpoints there are in all."""
    # One type a folder, not a file, as long as it lasts: engines that unite files then need no cast.
    kind = pa.uint16() if ends <= 1 << 16 else pa.uint32()
    columns = {number_column(side): pa.array(found, kind) for side, found in numbers.items()}
    for name in flows.columns:
        if side_of(name) is None:
            is_list = name == "Flags" and flows[name].dtype == object
            columns[FLAG_LISTS if is_list else name] = _column(flows[name])
    said = {"version": VERSION, "columns": list(flows.columns)}
    return pa.table(columns, metadata={STAMP: json.dumps(said), b"PANDAS_ATTRS": json.dumps(flows.attrs)})


def _column(column: pd.Series[Any]) -> Any:
    field = FIELDS.get(str(column.name))
    try:
        if field is not None and field.is_list and column.dtype == object:
            return pa.array([_items(value, field.type) for value in column], _LISTS[field.type])
        if isinstance(column.dtype, pd.CategoricalDtype):
            column = column.cat.remove_unused_categories()
        return pa.array(column, from_pandas=True)
    except (pa.ArrowException, TypeError, ValueError) as error:
        raise ContractError(f"column '{column.name}' cannot be written: {str(error).splitlines()[0]}") from error


def _items(value: Any, type_: str) -> list[Any] | None:
    if not isinstance(value, list | tuple | np.ndarray):
        return None
    return [_pairs(item) for item in value] if type_ == "maps" else list(value)


def _pairs(item: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [
        (key, value if isinstance(value, str) else json.dumps(value))
        for key, value in item.items()
        if value is not None
    ]
