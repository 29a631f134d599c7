"""JSON objects into columns, each key in its field's own form; keys that are no field come along as text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from flowkit.contract import FIELDS, Field, conform
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


def columns_of(table: pa.Table) -> tuple[pd.DataFrame, list[Loss]]:
    """The same from a table of texts, one column a key.

    >>> columns_of(pa.table({"DstPort": ["443", "70000"]}))[0]["DstPort"].tolist()
    [443, <NA>]
    """
    found = {key: _of_texts(table.column(key), FIELDS.get(key)) for key in table.column_names}
    losses = [
        Loss(f"values of {key} that are not its type", len(spoiled), _first(spoiled))
        for key, (_, spoiled) in found.items()
    ]
    return pd.DataFrame({key: column for key, (column, _) in found.items()}), losses


def _of_texts(texts: Any, known: Field | None) -> _Column:
    if known is None or known.type not in _SQL_TYPES:
        return _column(texts, None, known)
    numbers = _plain_numbers(texts, known)
    if numbers is not None:
        return _column(numbers, pa.array([], pa.string()), known)
    with duckdb.connect() as connection:
        connection.register("given", pa.table({"texts": texts}))
        table = connection.sql(f"SELECT {_sql('texts', 1, known)} FROM given").to_arrow_table()  # noqa: S608 - fixed texts
    return _column(table.column("value_1"), table.column("spoiled_1"), known)


def _plain_numbers(texts: Any, known: Field) -> Any:
    """What Arrow makes of a column where every text is a plain whole number in range; None otherwise."""
    if known.type == "bool" or pc.any(pc.match_substring(texts, "x")).as_py():  # 0x10 would be one to Arrow
        return None
    try:
        return pc.cast(texts, pa.type_for_alias(known.dtype.lower()))
    except pa.ArrowInvalid:
        return None


def _pointer(key: str) -> str:
    return "/" + key.replace("~", "~0").replace("/", "~1")


def _first(texts: Sequence[str]) -> tuple[str, ...]:
    return tuple(example("", text) for text in texts[:EXAMPLES])


def _some(connection: duckdb.DuckDBPyConnection, keys: Sequence[str], first: int) -> dict[str, _Column]:
    """Several keys at once, because every pass over ``texts`` costs; `first` is the place of the first key in it."""
    known = [FIELDS.get(key) for key in keys]
    selected = [_sql(f"texts[{place}]", place, field) for place, field in enumerate(known, start=first)]
    table = connection.sql(f"SELECT {', '.join(selected)} FROM texts").to_arrow_table()  # noqa: S608 - fixed texts
    return {
        key: _column(table.column(f"value_{place}"), table.column(f"spoiled_{place}"), field)
        for place, (key, field) in enumerate(zip(keys, known, strict=True), start=first)
    }


def _sql(text: str, place: int, known: Field | None) -> str:
    sql_type = _SQL_TYPES.get(known.type) if known is not None else None
    if sql_type is None:
        return f"{text} AS value_{place}, NULL::VARCHAR AS spoiled_{place}"
    number = f"CASE WHEN {text} SIMILAR TO '{_NUMERAL}' THEN TRY_CAST({text} AS {sql_type}) END"
    return f"{number} AS value_{place}, CASE WHEN value_{place} IS NULL THEN {text} END AS spoiled_{place}"


def _column(values: Any, spoiled: Any, known: Field | None) -> _Column:
    """One key's values in the field's own form, and those that had to be left out because they are not its type."""
    if known is not None and known.type in _SQL_TYPES:
        dtype = pd.api.types.pandas_dtype(known.dtype)
        return values.to_pandas(types_mapper=lambda _: dtype), pc.drop_null(spoiled).to_pylist()
    if known is not None and known.is_list:
        coded = values.dictionary_encode().to_pandas()
        return _flags(coded) if known.type == "flags" else lists(coded, known.type)
    return values.dictionary_encode().to_pandas(), []


def _flags(coded: pd.Series[Any]) -> _Column:
    """Flags as the bit set where every text is one, each distinct text looked at once; as what they say otherwise."""
    column, spoiled = lists(coded, "flags")
    distinct, _ = lists(pd.Series(coded.cat.categories, dtype=object), "flags")
    bits = conform(pd.DataFrame({"Flags": distinct}))["Flags"]
    if spoiled or bits.dtype == object or bits.isna().any():
        return column, spoiled
    return pd.Series(pd.array([*bits, None], dtype="UInt16").take(coded.cat.codes.to_numpy())), []
