"""JSON objects into columns, each key in its field's own form; keys that are no field come along as text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from flowkit.contract import FIELDS, Field
from flowkit.sources.losses import EXAMPLES, Loss, example
from flowkit.sources.objects.coded import Column, coded, flows_of, series, spoiled_values
from flowkit.sources.objects.numerals import SQL_TYPES, number_sql

_MOST_UNKNOWN = 500
_AT_ONCE = 16


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
    examples = tuple(example("", key) for key in unknown[:EXAMPLES])
    losses = [Loss("keys that are no field, beyond 500", len(unknown), examples)]
    for start in range(0, len(kept), _AT_ONCE):
        for key, (column, spoiled) in _some(connection, kept[start : start + _AT_ONCE], start + 1).items():
            flows[key] = column
            losses.append(spoiled_values(key, spoiled))
    return pd.DataFrame(flows), losses


def columns_of(table: pa.Table) -> tuple[pd.DataFrame, list[Loss]]:
    """The same from a table of texts, one column a key.

    >>> columns_of(pa.table({"DstPort": ["443", "70000"]}))[0]["DstPort"].tolist()
    [443, <NA>]
    """
    typed, losses = coded(table)
    flows, more = flows_of([typed], typed.column_names)
    return flows, [*losses, *more]


def _pointer(key: str) -> str:
    return "/" + key.replace("~", "~0").replace("/", "~1")


def _some(connection: duckdb.DuckDBPyConnection, keys: Sequence[str], first: int) -> dict[str, Column]:
    """Several keys at once, because every pass over ``texts`` costs; `first` is the place of the first key in it."""
    known = [FIELDS.get(key) for key in keys]
    selected = [_sql(f"texts[{place}]", place, field) for place, field in enumerate(known, start=first)]
    table = connection.sql(f"SELECT {', '.join(selected)} FROM texts").to_arrow_table()  # noqa: S608 - fixed texts
    return {
        key: _column(table.column(f"value_{place}"), table.column(f"spoiled_{place}"), field)
        for place, (key, field) in enumerate(zip(keys, known, strict=True), start=first)
    }


def _is_number(known: Field | None) -> bool:
    return known is not None and known.type in SQL_TYPES


def _sql(text: str, place: int, known: Field | None) -> str:
    value, spoiled = (
        number_sql(text, known.type) if known is not None and _is_number(known) else (text, "NULL::VARCHAR")
    )
    return f"{value} AS value_{place}, {spoiled} AS spoiled_{place}"


def _column(values: Any, spoiled: Any, known: Field | None) -> Column:
    """One key's values in the field's own form, and those that had to be left out because they are not its type."""
    if _is_number(known):
        return series(values, known)[0], pc.drop_null(spoiled).to_pylist()
    return series(values.dictionary_encode(), known)
