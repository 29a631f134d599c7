"""Queries on flowkit's own Parquet layout: what describes an end is looked up once a group instead of once a flow.

Three rewrites of an optimised plan: tests on the labels of one end become a test on its number, grouping by labels becomes
grouping by the number, and the labels are attached to the groups, which the plan's upper half then unites by text. Where a plan
has no such shape, and for other programs, the plain columns are a view.
"""

from __future__ import annotations

import glob
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa
from sqlglot import exp

from flowkit.contract import FLAG_BITS, Provenance, endpoint_table, with_provenance
from flowkit.contract.endpoint_table import NUMBER, SIDES, number_column, side_of
from flowkit.contract.layout import FLAG_LISTS
from flowkit.engine.dialects import written
from flowkit.engine.duckdb import DuckDB
from flowkit.engine.expressions import Operand, column, filtered, masked, not_null, number, text_literal
from flowkit.engine.frames import to_pandas
from flowkit.engine.kinds import FLAGS, TEXT
from flowkit.engine.layout_files import ENDS, FILES, STORED, Folder, Stored, folders_of, opened, without_damaged
from flowkit.engine.optimise import optimise
from flowkit.engine.query import (
    Aggregate,
    All,
    Filter,
    Flatten,
    Group,
    Plan,
    Predicate,
    Remap,
    Scan,
    Series,
    Sort,
    conjuncts,
    fields_of,
    mentioned,
    rewritten,
)
from flowkit.engine.sql import TABLE, Relation, spelling_of, statement

Expression = Any  # sqlglot ships no types

_CONFIG: dict[str, Any] = {"autoinstall_known_extensions": False, "python_enable_replacements": False}
_GROUPS = "groups"
_Tests = dict[str, tuple[Predicate, ...]]


def run_on_layout(plan: Plan, folders: str | Path | Sequence[Path], engine: DuckDB | None = None) -> pd.DataFrame:
    """Run a plan on folders in flowkit's own layout: the table that `flowkit.engine.run` gives of the plain columns.

    `engine` says how much memory there is and what a damaged file means, as it does for plain Parquet.
    Raises `SourceError` for files that cannot be read, `FlowkitError` when the memory does not suffice.
    """
    engine = engine or DuckDB()
    paths = [Path(folders)] if isinstance(folders, str | Path) else list(folders)
    origin = Provenance(tuple(map(str, paths)))
    found = folders_of(paths)
    if not found:
        return with_provenance(DuckDB().run(plan, pd.DataFrame()), origin)
    with engine.refusals():
        try:
            return with_provenance(_answered(plan, found, engine), origin)
        except duckdb.Error as error:
            columns = [*mentioned(plan), FLAG_LISTS, *map(number_column, SIDES)]
            rest, left_out = without_damaged(found, engine, columns, error)
            origin = origin.losing({"damaged files": len(left_out)}).noting(*left_out)
            return with_provenance(_answered(plan, rest, engine), origin)


def _answered(plan: Plan, folders: Sequence[Folder], engine: DuckDB) -> pd.DataFrame:
    with opened(folders, engine.memory) as stored:
        relation = _lowered(optimise(plan), stored)
        found = stored.connection.sql(written(relation.select, "duckdb")).to_arrow_table()
    return to_pandas(found, list(relation.schema))


def plain_sql(folder: str | Path) -> str:
    """A SELECT for DuckDB of the plain NetObserv columns of a folder, its files found anew whenever it runs.

    ``Flags`` is the bit set; where a file of the folder keeps lists of names, it is the list of names in every row.
    """
    folder = Path(folder)
    files, ends = ((str(Path(glob.escape(str(folder))) / name)) for name in (FILES, endpoint_table.FILE))
    with duckdb.connect(config=_CONFIG) as connection:
        names = connection.read_parquet(files, union_by_name=True).columns
    own = [name for name in names if name not in map(number_column, SIDES)]
    labels = [side + label for side in SIDES for label in endpoint_table.LABELS]
    united = exp.EQ(this=exp.to_identifier("union_by_name"), expression=exp.true())
    return written(_plain(own, labels, _file(files, united), _file(ends)), "duckdb")


def _file(pattern: str, *options: Expression) -> Expression:
    return exp.Table(this=exp.Anonymous(this="read_parquet", expressions=[text_literal(pattern), *options]))


def plain_view(connection: duckdb.DuckDBPyConnection, folder: str | Path, name: str = "flows") -> None:
    """Make a view of the plain columns of a folder in a DuckDB connection, for SQL by hand.

    >>> import tempfile
    >>> from flowkit.contract.layout import write_layout
    >>> with tempfile.TemporaryDirectory() as folder, duckdb.connect() as connection:
    ...     _ = write_layout(pd.DataFrame({"SrcK8S_Namespace": ["shop"], "DstPort": [443]}), folder)
    ...     plain_view(connection, folder)
    ...     connection.sql("SELECT SrcK8S_Namespace, DstPort FROM flows").fetchall()
    [('shop', 443)]
    """
    view = exp.Create(this=exp.to_identifier(name, quoted=True), kind="VIEW", replace=True).sql(dialect="duckdb")
    connection.execute(f"{view} AS {plain_sql(folder)}")


def _lowered(plan: Plan, stored: Stored) -> Relation:
    """The SELECT of a plan: late, where it groups flows as they lie; else over the plain columns it mentions."""
    above, group = _cut(plan)
    if group is None:
        return _scanned(plan, stored, {})
    tests = _end_tests(group.source)
    keys = tuple(name for name in group.by if side_of(name))
    numbers = dict.fromkeys(number_column(name[:3]) for name in keys)
    by = (*(name for name in group.by if name not in keys), *numbers)
    below = _scanned(replace(group, source=_without(group.source), by=by), stored, tests)
    return _above(above, below, spelling_of(group), keys)


def _cut(plan: Plan) -> tuple[list[Plan], Group | None]:
    """The steps above the grouping of flows as they lie, top first, and that grouping; None where there is none."""
    above: list[Plan] = []
    while not isinstance(plan, Group | Scan):
        above.append(plan)
        plan = plan.source
    if isinstance(plan, Scan) or any(isinstance(step, _CHANGING) for step in _steps(plan.source)):
        return above, None
    return above, plan


# Steps after which a name need not be the flow's own column any more.
_CHANGING = (Remap, Flatten, Group, Aggregate, Series, Sort)


def _steps(plan: Plan) -> Iterator[Plan]:
    while not isinstance(plan, Scan):
        yield plan
        plan = plan.source


def _one_end(test: Predicate) -> str | None:
    """The side whose labels are all that `test` looks at, None for any other test."""
    sides = {side_of(name) for name in fields_of(test)}
    return sides.pop() if len(sides) == 1 else None


def _end_tests(base: Plan) -> _Tests:
    tests: _Tests = {}
    for step in _steps(base):
        for test in conjuncts(step.test) if isinstance(step, Filter) else ():
            side = _one_end(test)
            if side is not None:
                tests[side] = (*tests.get(side, ()), test)
    return tests


def _without(base: Plan) -> Plan:
    """The plan without the tests that `_end_tests` takes."""

    def rule(step: Plan) -> Plan:
        if not isinstance(step, Filter):
            return step
        left = tuple(test for test in conjuncts(step.test) if _one_end(test) is None)
        return replace(step, test=All(left)) if left else step.source

    return rewritten(base, rule)


def _scanned(plan: Plan, stored: Stored, tests: _Tests) -> Relation:
    """The SELECT of a plan over the folder, of whose plain columns only those are made that it mentions."""
    names = mentioned(plan)
    kept = [name for name in stored.columns if name in names or (name == FLAG_LISTS and "Flags" in names)]
    select = _plain(kept, sorted(name for name in names if side_of(name)), exp.to_table(STORED), exp.to_table(ENDS))
    for side, of in tests.items():
        select = _where_end(select, side, _passing(of, side, stored.ends), stored)
    stored.connection.execute(f"CREATE VIEW {TABLE} AS {written(select, 'duckdb')}")
    sample = stored.connection.sql(f"FROM {TABLE} LIMIT 0").to_arrow_table()
    return statement(plan, DuckDB().schema_of(sample, plan))


def _plain(names: Sequence[str], labels: Sequence[str], stored: Expression, ends: Expression) -> Expression:
    """``SELECT`` the columns `names` of the table `stored`, and the `labels` of its ends from the table `ends`."""
    own = [name for name in names if name not in (FLAG_LISTS, "Flags")]
    columns: list[Expression] = [_of(STORED, name) for name in own]
    columns += [exp.alias_(_flags(names), "Flags", quoted=True)] if len(own) < len(names) else []
    columns += [exp.alias_(_of(name[:3], name[3:]), name, quoted=True) for name in labels]
    select = exp.select(*(columns or [number(1)])).from_(exp.alias_(stored, STORED, table=True))
    for side in dict.fromkeys(name[:3] for name in labels):
        select = _with_end(select, STORED, side, ends)
    return select


def _with_end(select: Expression, table: str, side: str, ends: Expression) -> Expression:
    """Join the endpoint table, under the name of a side, to the number of that side in `table`."""
    on = exp.EQ(this=_of(table, number_column(side)), expression=_of(side, NUMBER))
    return select.join(exp.alias_(ends, side, table=True), on=on, join_type="left")


def _of(table: str, name: str) -> Expression:
    return exp.column(exp.to_identifier(name, quoted=True), table=table)


def _flags(names: Sequence[str]) -> Expression:
    """The flags of a file: bits; beside lists that bits cannot hold, the list of names."""
    bits = Operand(column("Flags"), FLAGS)
    if FLAG_LISTS not in names:
        return bits.sql
    if "Flags" not in names:
        return column(FLAG_LISTS)
    words = [
        exp.case().when(exp.NEQ(this=masked(bits, bit), expression=number(0)), text_literal(name))
        for name, bit in FLAG_BITS.items()
    ]
    named = filtered(exp.Array(expressions=words), not_null(exp.to_identifier("item")))
    return exp.Coalesce(this=column(FLAG_LISTS), expressions=[exp.case().when(not_null(bits.sql), named)])


def _passing(tests: Sequence[Predicate], side: str, ends: pa.Table) -> list[int]:
    """The numbers of those ends whose labels pass, asked of the endpoint table with the engine itself."""
    named = ends.rename_columns([NUMBER, *(side + label for label in endpoint_table.LABELS)])
    return list(DuckDB().run(Filter(Scan((NUMBER,)), All(tuple(tests))), named)[NUMBER])


def _where_end(select: Expression, side: str, passing: list[int], stored: Stored) -> Expression:
    if len(passing) == stored.ends.num_rows:
        return select
    name = f"{side}_passing"
    stored.connection.register(name, pa.table({NUMBER: pa.array(passing, pa.uint32())}))
    key = _of(STORED, number_column(side))
    return select.where(key.isin(query=exp.select(column(NUMBER)).from_(name)))


def _above(steps: list[Plan], groups: Relation, spelling: dict[str, str], keys: tuple[str, ...]) -> Relation:
    """The steps above the grouping, over the groups with their labels attached."""
    upper: Plan = Scan((*groups.schema, *keys))
    for step in reversed(steps):
        upper = upper if isinstance(step, Scan) else replace(step, source=upper)
    schema = {name: kind for name, kind in groups.schema.items() if name not in map(number_column, SIDES)}
    relation = statement(upper, {**schema, **dict.fromkeys(keys, TEXT)})
    names = spelling_of(upper)
    columns = [(_of(_GROUPS, spelling[name]), name) for name in schema]
    columns += [(_of(key[:3], key[3:]), key) for key in keys]
    select = exp.select(*(exp.alias_(sql, names.get(name, name), quoted=True) for sql, name in columns))
    select = select.from_(groups.select.subquery(_GROUPS))
    for side in dict.fromkeys(key[:3] for key in keys):
        select = _with_end(select, _GROUPS, side, exp.to_table(ENDS))
    return Relation(relation.select.transform(lambda node: _instead(node, select)), relation.schema)


def _instead(node: Expression, select: Expression) -> Expression:
    """A SELECT in the place of the flow table."""
    return select.subquery(TABLE) if isinstance(node, exp.Table) and node.name == TABLE else node
