"""DuckDB, embedded: plans over pandas and Arrow tables (no copy), over Parquet and over JSON lines (streamed)."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeAlias

import duckdb
import pandas as pd
import pyarrow as pa
from sqlglot import exp

from flowkit.contract import Provenance, provenance, with_provenance
from flowkit.engine.files import Files, Paths, described, found
from flowkit.engine.frames import narrow, plain_strings, to_pandas
from flowkit.engine.json_lines import open_lines
from flowkit.engine.kinds import BOOLEAN, FLAGS, FLOAT, INTEGER, NAMES, OTHER, TEXT, Kind, is_flags
from flowkit.engine.parquet import damaged_among, open_parquet
from flowkit.engine.query import Plan, flattened
from flowkit.engine.sifting import sifted
from flowkit.engine.sql import TABLE, query_text, spelling_of
from flowkit.errors import FlowkitError, SourceError

Tables: TypeAlias = pd.DataFrame | pa.Table
Flows: TypeAlias = Tables | Paths

# Nothing is fetched from the network, and no Python variable is taken for a table because of its name.
_CONFIG: dict[str, Any] = {"autoinstall_known_extensions": False, "python_enable_replacements": False}
_INTEGERS = {"tinyint", "smallint", "integer", "bigint", "hugeint"}
_INTEGERS |= {f"u{name}" for name in _INTEGERS}


@dataclass(frozen=True)
class DuckDB:
    """Runs plans on this machine.

    `memory` ("1GB", "400MB") is the most it may hold; what does not fit goes to a temporary folder and is removed with it.
    Without it, DuckDB's own limit holds: 80 % of the machine's. `damaged` says what a file that cannot be read means:
    "refuse" raises, "skip" uses the others and counts it in the provenance.
    """

    memory: str | None = None
    damaged: Literal["refuse", "skip"] = "refuse"

    def run(self, plan: Plan, flows: Flows) -> pd.DataFrame:
        """Run a plan as it stands; the answer's provenance is that of `flows`, and what was left out of them.

        Raises `SourceError` for files that cannot be read, `FlowkitError` when the memory does not suffice.

        >>> from flowkit.engine.query import Condition, Filter, Scan
        >>> DuckDB().run(Filter(Scan(), Condition("Proto", "6")), pd.DataFrame({"Proto": [6, 17]}))["Proto"].tolist()
        [6]
        """
        with self.refusals():
            if isinstance(flows, pd.DataFrame | pa.Table):
                return self._answered(plan, flows)
            files = found(flows)
            origin = Provenance(described(flows))
            try:
                return self._restated(plan, files, origin)
            except duckdb.Error as error:
                rest, left_out = self.without_damaged(files, spelling_of(plan).values(), error)
                return self._restated(plan, rest, origin.losing({"damaged files": len(left_out)}).noting(*left_out))

    def schema_of(self, flows: Tables, plan: Plan) -> dict[str, Kind]:
        """The kinds of those columns of a table that `plan` mentions; columns that hold nothing are left out."""
        with _opened(self, plan, flows) as (_, schema, _):
            return schema

    def _restated(self, plan: Plan, files: Files, origin: Provenance) -> pd.DataFrame:
        found_here = self._answered(plan, files)
        return with_provenance(found_here, origin.losing(provenance(found_here).losses))

    def _answered(self, plan: Plan, flows: Tables | Files) -> pd.DataFrame:
        with _opened(self, plan, flows) as (connection, schema, origin):
            text, names = query_text(plan, schema)
            answer = connection.sql(text).to_arrow_table()
        return with_provenance(to_pandas(answer, list(names)), origin)

    def without_damaged(self, files: Files, columns: Iterable[str], error: Exception) -> tuple[Files, list[str]]:
        """The files that can be read, and a sentence for each that cannot; raises `SourceError` unless told to skip."""
        # A damaged footer may ask for terabytes; one that asks for more than the limit only is none.
        is_short = isinstance(error, duckdb.OutOfMemoryException)
        with _connection(replace(self, memory=None), files) as connection:
            damaged = damaged_among(connection, files, () if is_short else columns)
        if not damaged and is_short:
            raise error
        if not damaged:
            raise SourceError(f"cannot read {files.summary}: {first_line(error)}") from None
        sentences = [f"cannot read '{name}': {why}" for name, why in damaged.items()]
        if self.damaged == "refuse" or len(damaged) == len(files.names):
            more = f" (and {len(damaged) - 1} more damaged files)" if len(damaged) > 1 else ""
            raise SourceError(sentences[0] + more) from None
        rest = tuple(name for name in files.names if name not in damaged)
        return replace(files, names=rest), [f"left out: {sentence}" for sentence in sentences]

    @contextmanager
    def refusals(self) -> Iterator[None]:
        """Say in flowkit's words that the memory does not suffice."""
        try:
            yield
        except duckdb.OutOfMemoryException as error:
            limit = f"memory='{self.memory}'" if self.memory else "this machine's memory"
            raise FlowkitError(
                f"{limit} does not suffice: allow more, or ask for fewer labels ({first_line(error)})"
            ) from None


def schema_of(flows: Tables, plan: Plan) -> dict[str, Kind]:
    """The kinds of columns as `DuckDB.schema_of` finds them."""
    return DuckDB().schema_of(flows, plan)


def first_line(error: Exception) -> str:
    """What an engine says, in one line."""
    return str(error).strip().splitlines()[0]


@contextmanager
def _opened(engine: DuckDB, plan: Plan, flows: Tables | Files) -> Iterator[tuple[Any, dict[str, Kind], Provenance]]:
    """A connection in which the table is called ``flows``, the kinds of its columns, and where it comes from."""
    spelling = spelling_of(plan)
    with _connection(engine, flows) as connection:
        if isinstance(flows, Files):
            types, origin = _open_files(connection, flows, spelling)
        else:
            types, origin = _open_table(connection, flows, spelling, plan)
        kinds = {name: _kind(types[sql], name) for name, sql in spelling.items() if sql in types}
        yield connection, {name: kind for name, kind in kinds.items() if kind is not None}, origin


@contextmanager
def _connection(engine: DuckDB, flows: Tables | Files) -> Iterator[Any]:
    """A cursor of one database for tables in memory (registered names are its own), otherwise a database of its own."""
    if engine.memory is None and not isinstance(flows, Files):
        with _database().cursor() as cursor:
            yield cursor
        return
    limit = {} if engine.memory is None else {"memory_limit": engine.memory}
    with tempfile.TemporaryDirectory(prefix="flowkit-") as folder, _connected(limit, folder) as connection:
        yield connection


@cache
def _database() -> Any:
    # DuckDB would spill into the working directory; it makes the folder only when it must and removes it itself.
    folder = Path(tempfile.gettempdir()) / f"flowkit-{os.getpid()}"
    return duckdb.connect(config={**_CONFIG, "temp_directory": str(folder)})


def _connected(limit: dict[str, str], folder: str) -> Any:
    try:
        return duckdb.connect(config={**_CONFIG, **limit, "temp_directory": folder})
    except duckdb.Error as error:
        raise FlowkitError(
            f"memory='{limit.get('memory_limit')}' is no amount such as '1GB': {first_line(error)}"
        ) from None


def _open_table(
    connection: Any, flows: Tables, spelling: dict[str, str], plan: Plan
) -> tuple[dict[str, Any], Provenance]:
    flows_in = sifted(plan, narrow(flows, spelling, flattened(plan)), spelling)
    connection.register(TABLE, flows_in)
    origin = (
        provenance(flows).noting(*plain_strings(flows, spelling)) if isinstance(flows, pd.DataFrame) else Provenance()
    )
    return _types(connection, TABLE), origin


def _open_files(connection: Any, files: Files, spelling: dict[str, str]) -> tuple[dict[str, Any], Provenance]:
    if files.form == "JSON lines":
        losses = open_lines(connection, files, spelling, TABLE)
        return _types(connection, TABLE), Provenance(losses=losses)
    open_parquet(connection, files, spelling, TABLE)
    return _types(connection, TABLE), Provenance()


def _types(connection: Any, name: str) -> dict[str, Any]:
    nothing = exp.select("*").from_(name).limit(0).sql(dialect="duckdb")
    return {column[0]: column[1] for column in connection.execute(nothing).description}


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
    return INTEGER if _is_whole(type_) else OTHER


def _is_whole(type_: Any) -> bool:
    """Spark writes unsigned 64-bit integers as decimals without a fraction."""
    return type_.id in _INTEGERS or (type_.id == "decimal" and dict(type_.children)["scale"] == 0)


def _flags_kind(type_: Any) -> Kind | None:
    """A number is the bit set, a list the list of names; nothing else is a flag set."""
    if type_.id in _INTEGERS:
        return FLAGS
    if type_.id in ("float", "double"):
        return replace(FLAGS, item=FLOAT)
    return NAMES if type_.id == "list" else _kind(type_, "")
