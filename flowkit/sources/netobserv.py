"""NetObserv's JSON: one flow an object, as lines or as one array.

DuckDB parses; a line it cannot parse, or that is no object, is counted and left out. Keys that are no contract field come
along as text, so that nothing is lost.
"""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow.compute as pc

from flowkit.contract import FIELDS, Field, Provenance, conform, stack, with_provenance
from flowkit.errors import SourceError

NAME = "NetObserv JSON"

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


def recognises(head: bytes, name: str) -> bool:  # noqa: ARG001 - every source is asked the same way
    """JSON of flows begins with an object or an array."""
    return head.lstrip()[:1] in (b"{", b"[")


def read(paths: list[Path]) -> pd.DataFrame:
    """Read NetObserv JSON files (lines or arrays, plain or gzipped) into one conformed flow table.

    Raises `SourceError` when an array is broken, and when a file holds no flow at all.
    """
    return stack([_read(path) for path in paths])


def _read(path: Path) -> pd.DataFrame:
    with duckdb.connect() as connection:
        connection.execute("SET preserve_insertion_order = true")
        _load(connection, path)
        total, objects = connection.execute(
            "SELECT count(*), count(*) FILTER (json_type(json) = 'OBJECT') FROM lines"
        ).fetchone() or (0, 0)
        if not objects:
            raise SourceError(
                f"cannot read '{path}': none of its {total} JSON values is an object, so there is no flow"
            )
        keys = [key for (key,) in connection.execute(_KEYS).fetchall()]
        flows, spoiled = _columns(connection, keys)
    losses = {"broken JSON lines": total - objects, **spoiled}
    return conform(with_provenance(flows, Provenance((path.name,)).losing(losses)))


_KEYS = """
    SELECT key FROM (SELECT unnest(json_keys(json)) AS key FROM lines WHERE json_type(json) = 'OBJECT')
    GROUP BY key ORDER BY count(*) DESC, key
"""


def _load(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    reader = "read_json_objects(?, format='array')" if _is_array(path) else "read_ndjson_objects(?, ignore_errors=true)"
    try:
        connection.execute(f"CREATE TEMP TABLE lines AS SELECT json FROM {reader}", [str(path)])  # noqa: S608 - two fixed texts
    except duckdb.Error as error:
        raise SourceError(f"cannot read '{path}' as a JSON array: {str(error).splitlines()[0]}") from error


def _is_array(path: Path) -> bool:
    with path.open("rb") as stream:
        packed = stream.read(2) == b"\x1f\x8b"
    with gzip.open(path) if packed else path.open("rb") as stream:
        return stream.read(1024).lstrip()[:1] == b"["


def _columns(connection: duckdb.DuckDBPyConnection, keys: list[str]) -> tuple[pd.DataFrame, dict[str, int]]:
    pointers = ["/" + key.replace("~", "~0").replace("/", "~1") for key in keys]
    connection.execute(
        "CREATE TEMP TABLE texts AS "
        "SELECT json_extract_string(json, $pointers) AS texts FROM lines WHERE json_type(json) = 'OBJECT'",
        {"pointers": pointers},
    )
    flows: dict[str, pd.Series[Any]] = {}
    spoiled: dict[str, int] = {}
    for place, key in enumerate(keys, start=1):
        flows[key], lost = _column(connection, place, FIELDS.get(key))
        spoiled[f"values of {key} that are not its type"] = lost
    return pd.DataFrame(flows), spoiled


def _column(connection: duckdb.DuckDBPyConnection, place: int, known: Field | None) -> tuple[pd.Series[Any], int]:
    """One key's values in the field's own form, and how many had to be left out because they are not its type."""
    sql_type = _SQL_TYPES.get(known.type) if known is not None else None
    value = f"CASE WHEN text SIMILAR TO '{_NUMERAL}' THEN TRY_CAST(text AS {sql_type}) END" if sql_type else "text"
    table = connection.sql(
        f"SELECT {value} AS value, text IS NOT NULL AS present FROM (SELECT texts[$place] AS text FROM texts)",  # noqa: S608 - fixed texts
        params={"place": place},
    ).to_arrow_table()
    column = table.column("value")
    if known is not None and sql_type is not None:
        spoiled = int(pc.sum(table.column("present")).as_py() or 0) - (len(column) - column.null_count)
        return pd.Series(pd.array(column.to_pandas(integer_object_nulls=True), dtype=known.dtype)), spoiled
    return _lists(
        column.to_pandas()
    ) if known is not None and known.is_list else column.dictionary_encode().to_pandas(), 0


def _lists(column: pd.Series[Any]) -> pd.Series[Any]:
    """JSON texts to Python values, each distinct text parsed once; the text of a null is missing."""
    codes, distinct = pd.factorize(column)
    parsed = [json.loads(text) for text in distinct]
    return pd.Series([None if code < 0 else parsed[code] for code in codes], dtype=object)
