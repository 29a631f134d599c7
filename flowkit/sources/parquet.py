"""Flow tables in Parquet: flowkit's own files, and any Parquet whose columns are NetObserv fields."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from flowkit.contract import FIELDS, Provenance, conform, provenance, stack, with_provenance
from flowkit.errors import SourceError

NAME = "Parquet"

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

    Raises `SourceError` naming the file when one is damaged or holds no field of the flow contract.
    """
    return stack([_read(path) for path in paths])


def _read(path: Path) -> pd.DataFrame:
    try:
        schema = pq.read_schema(path)
        texts = [name for name in schema.names if name in FIELDS and FIELDS[name].is_text]
        table = pq.read_table(path, read_dictionary=texts, partitioning=None)
    except (pa.ArrowException, OSError) as error:
        raise SourceError(f"cannot read '{path}': {str(error).splitlines()[0]}") from error
    if not any(name in FIELDS for name in table.column_names):
        raise SourceError(
            f"cannot read '{path}': none of its columns is a flow field ({', '.join(table.column_names[:5])}, …)"
        )
    flows = table.to_pandas(types_mapper=_NULLABLE.get, ignore_metadata=True)
    flows.attrs = _attrs(schema)
    written = provenance(flows)
    return conform(
        with_provenance(flows, written if written.sources else Provenance((path.name,)).losing(written.losses))
    )


def _attrs(schema: pa.Schema) -> dict[str, Any]:
    try:
        attributes = json.loads((schema.metadata or {}).get(b"PANDAS_ATTRS", b"{}"))
    except ValueError:
        return {}
    return attributes if isinstance(attributes, dict) else {}
