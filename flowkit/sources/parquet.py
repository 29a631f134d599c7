"""Flow tables in Parquet: flowkit's own files and layout, and any Parquet whose columns are NetObserv fields."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from flowkit.contract import FIELDS, Provenance, conform, endpoint_table, provenance, stack, with_provenance
from flowkit.contract.endpoint_table import number_column
from flowkit.contract.layout import FLAG_LISTS, in_time, stamp_of
from flowkit.errors import ContractError, SourceError
from flowkit.sources.columns import ends, lists

NAME = "Parquet"
Period = tuple[int, int]

_TIME = "TimeFlowEndMs"
_NULLABLE = {
    pa.int8(): pd.Int8Dtype(),
    pa.int16(): pd.Int16Dtype(),
    pa.int32(): pd.Int32Dtype(),
    pa.int64(): pd.Int64Dtype(),
    pa.uint8(): pd.UInt8Dtype(),
    pa.uint16(): pd.UInt16Dtype(),
    pa.uint32(): pd.UInt32Dtype(),
    pa.uint64(): pd.UInt64Dtype(),
    pa.bool_(): pd.BooleanDtype(),
}


def recognises(head: bytes, name: str) -> bool:  # noqa: ARG001 - every source is asked the same way
    """Parquet begins with its magic number."""
    return head.startswith(b"PAR1")


def read(paths: list[Path]) -> pd.DataFrame:
    """Read Parquet files of flows into one conformed table; provenance written with them comes back.

    Files of flowkit's own layout get the columns of their ends from the endpoint table next to them.
    Raises `SourceError` naming the file when one is damaged or holds no field of the flow contract.
    """
    return _stacked(paths, None)


def read_period(paths: list[Path], period: Period) -> pd.DataFrame:
    """Read those flows whose ``TimeFlowEndMs`` is from the first to before the second time of `period` (ms epoch).

    Blocks of rows that lie outside by their statistics are not read. A flow without the time is in no period.
    """
    return _stacked(paths, [(_TIME, ">=", period[0]), (_TIME, "<", period[1])])


def time_range(path: Path) -> Period | None:
    """The first and last ``TimeFlowEndMs`` of a file, None when no flow in it has one.

    Raises `SourceError` for a damaged file.
    """
    try:
        file = pq.ParquetFile(path)
        if _TIME not in file.schema_arrow.names:
            return None
        edges = _statistics(file) or pc.min_max(file.read([_TIME]).column(0)).as_py()
    except (pa.ArrowException, OSError) as error:
        raise _unreadable(path, error) from error
    return None if edges["min"] is None else (int(edges["min"]), int(edges["max"]))


def written_losses(path: Path) -> dict[str, int]:
    """What had been lost of a file's flows before they were written, as the file says."""
    flows = pd.DataFrame()
    flows.attrs.update(_attrs(pq.read_schema(path)))
    return dict(provenance(flows).losses)


def _statistics(file: Any) -> dict[str, Any] | None:
    """The extremes of the time by the statistics of all row groups; None when one of them has none."""
    groups = [file.metadata.row_group(place) for place in range(file.metadata.num_row_groups)]
    columns = [group.column(place) for group in groups for place in range(group.num_columns)]
    found = [column.statistics for column in columns if column.path_in_schema == _TIME]
    if not found or any(one is None or not one.has_min_max for one in found):
        return None
    return {"min": min(one.min for one in found), "max": max(one.max for one in found)}


def _stacked(paths: list[Path], test: list[tuple[str, str, int]] | None) -> pd.DataFrame:
    # Listed before this moment, every file's ends are in its folder's table by now.
    tables = {folder: endpoint_table.load(folder) for folder in {path.parent for path in paths}}
    found = (_read(path, tables[path.parent], test) for path in paths)
    return stack([flows for flows in found if flows is not None])


def _read(path: Path, ends_: pa.Table, test: list[tuple[str, str, int]] | None) -> pd.DataFrame | None:
    """One file's flows; None for an endpoint table, and for a file without times where a period is asked for."""
    try:
        schema = pq.read_schema(path)
        if endpoint_table.STAMP in (schema.metadata or {}) or (test and _TIME not in schema.names):
            return None
        stamp = stamp_of(schema.metadata)
        texts = [name for name in schema.names if name in FIELDS and FIELDS[name].is_text]
        table = pq.read_table(path, read_dictionary=texts, partitioning=None, filters=test)
    except (pa.ArrowException, OSError, ContractError) as error:
        raise _unreadable(path, error) from error
    return _conformed(_plain(table, ends_, stamp.columns) if stamp else _foreign(table, path), schema, path)


def _unreadable(path: Path, error: Exception) -> SourceError:
    return SourceError(f"cannot read '{path}': {str(error).splitlines()[0]}")


def _conformed(flows: pd.DataFrame, schema: pa.Schema, path: Path) -> pd.DataFrame:
    flows.attrs.update(_attrs(schema))
    written = provenance(flows)
    return conform(
        with_provenance(flows, written if written.sources else Provenance((path.name,)).losing(written.losses))
    )


def _foreign(table: pa.Table, path: Path) -> pd.DataFrame:
    if not any(name in FIELDS for name in table.column_names):
        raise SourceError(
            f"cannot read '{path}': none of its columns is a flow field ({', '.join(table.column_names[:5])}, …)"
        )
    return _frame(table)


def _plain(table: pa.Table, ends_: pa.Table, names: tuple[str, ...]) -> pd.DataFrame:
    """The plain columns that a file of flowkit's own layout stands for."""
    kept = _frame(table)
    if FLAG_LISTS in kept.columns:
        kept = kept.rename(columns={FLAG_LISTS: "Flags"})
    columns = {name: kept[name] if name in kept.columns else _end(name, table, ends_) for name in names}
    return in_time(pd.DataFrame(columns, columns=list(names)))


def _end(name: str, table: pa.Table, ends_: pa.Table) -> pd.Series[Any]:
    return ends(table.column(number_column(name[:3])), ends_.column(name[3:]))


def _frame(table: pa.Table) -> pd.DataFrame:
    opened = [name for name in table.column_names if pa.types.is_list(table.schema.field(name).type) and _is_list(name)]
    flows = table.drop_columns(opened).to_pandas(types_mapper=_NULLABLE.get, ignore_metadata=True)
    columns = {name: lists(table.column(name)) if name in opened else flows[name] for name in table.column_names}
    return pd.DataFrame(columns, columns=table.column_names)


def _is_list(name: str) -> bool:
    return name == FLAG_LISTS or (name in FIELDS and FIELDS[name].is_list)


def _attrs(schema: pa.Schema) -> dict[str, Any]:
    try:
        attributes = json.loads((schema.metadata or {}).get(b"PANDAS_ATTRS", b"{}"))
    except ValueError:
        return {}
    return attributes if isinstance(attributes, dict) else {}
