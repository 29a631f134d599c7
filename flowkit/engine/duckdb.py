"""DuckDB, embedded: plans over pandas tables and Arrow (no copy) and over Parquet files, folders and globs (streamed)."""

from __future__ import annotations

import glob
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

import duckdb
import pandas as pd
import pyarrow as pa
from sqlglot import exp

from flowkit.engine.frames import narrow, to_pandas
from flowkit.engine.kinds import BOOLEAN, FLAGS, FLOAT, INTEGER, NAMES, OTHER, TEXT, Kind, is_flags
from flowkit.engine.optimise import optimise
from flowkit.engine.query import Flatten, Plan, Scan
from flowkit.engine.sql import TABLE, spelling_of, statement
from flowkit.errors import SourceError

Flows: TypeAlias = pd.DataFrame | pa.Table | str | Path | Sequence[str | Path]

# Nothing is fetched from the network, and no Python variable is taken for a table because of its name.
_CONFIG: dict[str, Any] = {"autoinstall_known_extensions": False, "python_enable_replacements": False}
_INTEGERS = {"tinyint", "smallint", "integer", "bigint", "hugeint"}
_INTEGERS |= {f"u{name}" for name in _INTEGERS}


def run(plan: Plan, flows: Flows) -> pd.DataFrame:
    """Run a plan, optimised, on a pandas table, an Arrow table or Parquet (file, folder, glob, or several).

    Raises `SourceError` for files that cannot be read.

    >>> from flowkit.engine.query import Condition, Filter
    >>> run(Filter(Scan(), Condition("Proto", "6")), pd.DataFrame({"Proto": [6, 17]}))["Proto"].tolist()
    [6]
    """
    return run_as_is(optimise(plan), flows)


def run_as_is(plan: Plan, flows: Flows) -> pd.DataFrame:
    """Run a plan as it stands, as `run` does."""
    with _opened(plan, flows) as (connection, schema):
        relation = statement(plan, schema)
        try:
            found = connection.sql(relation.select.sql(dialect="duckdb", copy=False)).to_arrow_table()
        except (duckdb.IOException, duckdb.InvalidInputException) as error:
            if isinstance(flows, pd.DataFrame | pa.Table):
                raise
            raise SourceError(_first_line(error)) from None
    return to_pandas(found, list(relation.schema))


def schema_of(flows: Flows, plan: Plan) -> dict[str, Kind]:
    """The kinds of those columns of `flows` that `plan` mentions; columns that hold nothing are left out."""
    with _opened(plan, flows) as (_, schema):
        return schema


@contextmanager
def _opened(plan: Plan, flows: Flows) -> Iterator[tuple[Any, dict[str, Kind]]]:
    """A connection in which the table is called ``flows``, and the kinds of its columns."""
    spelling = spelling_of(plan)
    with _connection(flows) as connection:
        types = _named(connection, flows, spelling, _flattened(plan))
        found = {name: _kind(types[sql], name) for name, sql in spelling.items() if sql in types}
        yield connection, {name: kind for name, kind in found.items() if kind is not None}


@cache
def _database() -> Any:
    return duckdb.connect(config=_CONFIG)


def _connection(flows: Flows) -> Any:
    """A cursor of one database for tables in memory (registered names are its own), a database of its own for files."""
    return _database().cursor() if isinstance(flows, pd.DataFrame | pa.Table) else duckdb.connect(config=_CONFIG)


def _flattened(plan: Plan) -> frozenset[str]:
    below = frozenset() if isinstance(plan, Scan) else _flattened(plan.source)
    return below | frozenset(plan.fields) if isinstance(plan, Flatten) else below


def _named(connection: Any, flows: Flows, spelling: dict[str, str], lists: frozenset[str]) -> dict[str, Any]:
    """Give the table its name in this connection; return its columns' types."""
    if isinstance(flows, pd.DataFrame | pa.Table):
        flows = narrow(flows, spelling, lists)
        # One row has all the types; reading them from all rows would cost as much as a small query.
        connection.register("sample", flows[:1] if isinstance(flows, pd.DataFrame) else flows.slice(0, 1))
        connection.register(TABLE, flows)
        return _types(connection, "sample")
    paths = [flows] if isinstance(flows, str | Path) else list(flows)
    try:
        connection.read_parquet([_pattern(path) for path in paths], union_by_name=True).create_view(TABLE)
    except duckdb.Error as error:
        raise SourceError(f"{', '.join(map(str, paths))}: {_first_line(error)}") from None
    return _types(connection, TABLE)


def _types(connection: Any, name: str) -> dict[str, Any]:
    nothing = exp.select("*").from_(name).limit(0).sql(dialect="duckdb")
    return {column[0]: column[1] for column in connection.execute(nothing).description}


def _pattern(path: str | Path) -> str:
    """A folder is every Parquet file in it; a file that exists is meant itself, whatever its name looks like."""
    if Path(path).is_dir():
        return str(Path(glob.escape(str(path))) / "**" / "*.parquet")
    return glob.escape(str(path)) if Path(path).exists() else str(path)


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]


def _kind(type_: Any, name: str) -> Kind | None:
    if is_flags(name):
        return _flags_kind(type_)
    children = dict(type_.children) if type_.id in ("list", "array", "struct", "map") else {}
    match type_.id:
        case "varchar" | "enum":
            return TEXT
        case "boolean":
            return BOOLEAN
        case "float" | "double":
            return FLOAT
        case "list" | "array":
            return Kind("list", _kind(children["child"], "") or TEXT)
        case "struct":
            keys = ((key, _kind(child, "")) for key, child in children.items())
            return Kind("struct", keys=tuple((key, kind) for key, kind in keys if kind))
        case "map":
            return Kind("map", _kind(children["value"], "") or TEXT)
        case "null":
            return None
    return INTEGER if type_.id in _INTEGERS else OTHER


def _flags_kind(type_: Any) -> Kind | None:
    """A number is the bit set, a list the list of names; nothing else is a flag set."""
    if type_.id in _INTEGERS:
        return FLAGS
    if type_.id in ("float", "double"):
        return replace(FLAGS, item=FLOAT)
    return NAMES if type_.id == "list" else _kind(type_, "")
