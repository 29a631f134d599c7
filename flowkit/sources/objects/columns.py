"""JSON objects into columns, each key in its field's own form; keys that are no field come along as text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import duckdb
import pandas as pd
import pyarrow.compute as pc

from flowkit.contract import FIELDS, Field
from flowkit.sources.lists import lists
from flowkit.sources.losses import EXAMPLES, Loss, example

# Whole numbers (Go also writes them with an empty fraction) and booleans; DuckDB alone would round 443.5 to 444.
_NUMERAL = "-?[0-9]+(\\.0+)?|true|false"
_SQL_TYPES = {
    "u8": "UTINYINT",
    "u16": "USMALLINT",
    "u32": "UINTEGER",
    "u64": "UBIGINT",
    "i32": "INTEGER",
    "i64": "BIGINT",
    "bool": "BOOLEAN",
}
_MOST_UNKNOWN = 500
_AT_ONCE = 16

_Column: TypeAlias = tuple["pd.Series[Any]", list[str]]


def columns(connection: duckdb.DuckDBPyConnection, keys: Sequence[str]) -> tuple[pd.DataFrame, list[Loss]]:
    """The table ``given(json)`` as columns, one a key, and the values that are not their field's type.

    Of keys that are no field the first 500 are kept; what uses more is no flow but somebody's data in the keys' place.
    """
    unknown = [key for key in keys if key not in FIELDS][_MOST_UNKNOWN:]
    kept = [key for key in keys if key not in set(unknown)]
    connection.execute(
        "CREATE TEMP TABLE texts AS SELECT json_extract_string(json, $pointers) AS texts FROM given",
        {"pointers": [_pointer(key) for key in kept]},
    )
    flows: dict[str, pd.Series[Any]] = {}
    losses = [Loss("keys that are no field, beyond 500", len(unknown), _first(unknown))]
    for start in range(0, len(kept), _AT_ONCE):
        for key, (column, spoiled) in _some(connection, kept[start : start + _AT_ONCE], start + 1).items():
            flows[key] = column
            losses.append(Loss(f"values of {key} that are not its type", len(spoiled), _first(spoiled)))
    return pd.DataFrame(flows), losses


def _pointer(key: str) -> str:
    return "/" + key.replace("~", "~0").replace("/", "~1")


def _first(texts: Sequence[str]) -> tuple[str, ...]:
    return tuple(example("", text) for text in texts[:EXAMPLES])


def _some(connection: duckdb.DuckDBPyConnection, keys: Sequence[str], first: int) -> dict[str, _Column]:
    """Several keys at once, because every pass over ``texts`` costs; `first` is the place of the first key in it."""
    known = [FIELDS.get(key) for key in keys]
    selected = [_sql(place, field) for place, field in enumerate(known, start=first)]
    table = connection.sql(f"SELECT {', '.join(selected)} FROM texts").to_arrow_table()  # noqa: S608 - fixed texts
    return {
        key: _column(table.column(f"value_{place}"), table.column(f"spoiled_{place}"), field)
        for place, (key, field) in enumerate(zip(keys, known, strict=True), start=first)
    }


def _sql(place: int, known: Field | None) -> str:
    sql_type = _SQL_TYPES.get(known.type) if known is not None else None
    if sql_type is None:
        return f"texts[{place}] AS value_{place}, NULL::VARCHAR AS spoiled_{place}"
    number = f"CASE WHEN texts[{place}] SIMILAR TO '{_NUMERAL}' THEN TRY_CAST(texts[{place}] AS {sql_type}) END"
    return f"{number} AS value_{place}, CASE WHEN value_{place} IS NULL THEN texts[{place}] END AS spoiled_{place}"


def _column(values: Any, spoiled: Any, known: Field | None) -> _Column:
    """One key's values in the field's own form, and those that had to be left out because they are not its type."""
    if known is not None and known.type in _SQL_TYPES:
        dtype = pd.api.types.pandas_dtype(known.dtype)
        return values.to_pandas(types_mapper=lambda _: dtype), pc.drop_null(spoiled).to_pylist()
    if known is not None and known.is_list:
        return lists(values.to_pandas(), known.type)
    return values.dictionary_encode().to_pandas(), []
