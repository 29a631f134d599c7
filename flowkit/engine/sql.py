"""A plan as one SQL statement: each node becomes a SELECT over the one below it, by sqlglot nodes.

The flow table is called ``flows``. The tree is the same for every engine: what they spell differently is `dialects`' affair.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import assert_never

from sqlglot import exp

from flowkit.engine.dialects import Expression, Total, written
from flowkit.engine.expressions import (
    Operand,
    column,
    is_whole,
    label,
    member,
    narrowed,
    number,
    part,
    predicate,
    text_literal,
    value,
)
from flowkit.engine.kinds import FLOAT, INTEGER, TEXT, Kind, Schema
from flowkit.engine.query import (
    ROW,
    VALUE,
    Aggregate,
    Align,
    Carry,
    Filter,
    Flatten,
    Group,
    Measure,
    Narrow,
    Plan,
    Remap,
    Scan,
    Series,
    Sort,
    fields_of,
    mentioned,
    parent_of,
)

TABLE = "flows"
_LOWEST = -1.7976931348623157e308
_YEAR_10000 = 253_402_300_800_000


@dataclass(frozen=True)
class Relation:
    """A SELECT and what its columns hold, by their names in the plan."""

    select: Expression
    schema: dict[str, Kind]


@dataclass(frozen=True)
class _Scope:
    """How SQL spells the plan's names, and which the scanned table has."""

    spelling: dict[str, str]
    scanned: Schema

    def sql(self, name: str) -> Expression:
        return column(self.spelling[name])

    def operand(self, name: str, schema: Schema) -> Operand | None:
        return Operand(self.sql(name), schema[name]) if name in schema else None

    def as_(self, sql: Expression, name: str) -> Expression:
        return exp.alias_(sql, exp.to_identifier(self.spelling[name], quoted=True))


def spelled(names: Iterable[str]) -> dict[str, str]:
    """A SQL name for each plan name: itself, unless another differs from it only in case, which SQL cannot tell apart.

    >>> spelled(["Bytes", "bytes"])
    {'Bytes': 'Bytes', 'bytes': 'bytes>1'}
    """
    taken: set[str] = set()
    result = {}
    for name in dict.fromkeys(names):
        # A NUL would end the name in every C library on the way; Spark fills in ${...} wherever it stands in a statement.
        base, turn = name.replace("\0", "\N{SYMBOL FOR NULL}").replace("${", "$ {"), 0
        free = base
        while free.lower() in taken:
            turn += 1
            free = f"{base}>{turn}"
        taken.add(free.lower())
        result[name] = free
    return result


def spelling_of(plan: Plan) -> dict[str, str]:
    """The SQL name of every name in a plan; a table is registered under these."""
    return spelled([*sorted(mentioned(plan)), "series", "le", VALUE, ROW])


def statement(plan: Plan, schema: Schema, *, wanted: Iterable[str] | None = None) -> Relation:
    """The SELECT of a plan over a table of this schema, with its result's columns; `wanted` for an open-ended plan."""
    scope = _Scope(spelling_of(plan), schema)
    return _lower(plan, scope, frozenset(schema if wanted is None else wanted))


def query_text(plan: Plan, schema: Schema) -> tuple[str, tuple[str, ...]]:
    """The text of `statement` for DuckDB and its result's columns; kept, for writing it takes as long as half a million rows.

    >>> query_text(Scan(("DstPort",)), {"DstPort": INTEGER})
    ('SELECT "DstPort" FROM flows', ('DstPort',))
    """
    # By its spelling too: a plan that asks for 1 equals one that asks for 1.0, and its query does not.
    return _query_text(plan, tuple(schema.items()), repr(plan))


@lru_cache(maxsize=256)
def _query_text(plan: Plan, schema: tuple[tuple[str, Kind], ...], _: str) -> tuple[str, tuple[str, ...]]:
    relation = statement(plan, dict(schema))
    return written(relation.select, "duckdb"), tuple(relation.schema)


def to_sql(plan: Plan, schema: Schema, dialect: str = "duckdb") -> str:
    """The text of `statement`, to read or to paste."""
    return written(statement(plan, schema).select, dialect, pretty=True)


def _lower(plan: Plan, scope: _Scope, wanted: frozenset[str]) -> Relation:
    match plan:
        case Scan():
            return _scan(scope, wanted)
        case Carry():
            return _carry(plan, scope, wanted)
        case Align():
            return _align(plan, scope, wanted)
        case Filter():
            return _filter(plan, scope, wanted)
        case Flatten():
            return _flatten(plan, scope, wanted)
        case Narrow():
            return _narrow(plan, scope, wanted)
        case Remap():
            return _remap(plan, scope, wanted)
        case Group() | Aggregate():
            return _aggregate(plan, scope)
        case Series():
            return _series(plan, scope)
        case Sort():
            return _sort(plan, scope, wanted)
    assert_never(plan)


def _scan(scope: _Scope, wanted: frozenset[str]) -> Relation:
    names = [name for name in scope.scanned if name in wanted]
    columns = [scope.sql(name) for name in names] or [scope.as_(number(1), ROW)]
    return Relation(exp.select(*columns).from_(TABLE), {name: scope.scanned[name] for name in names})


def _over(below: Relation, columns: list[Expression]) -> Expression:
    return exp.select(*columns).from_(below.select.subquery("t", copy=False), copy=False)


def _kept(below: Relation, scope: _Scope, names: Iterable[str]) -> list[Expression]:
    return [scope.sql(name) for name in names if name in below.schema] or [number(1)]


def _carry(plan: Carry, scope: _Scope, wanted: frozenset[str]) -> Relation:
    copies = {new: field for new, field in plan.names if new in wanted}
    below = _lower(plan.source, scope, (wanted - copies.keys()) | frozenset(copies.values()))
    rest = [name for name in below.schema if name in wanted and name not in copies]
    copied = {new: field for new, field in copies.items() if field in below.schema}
    columns = [*(scope.sql(name) for name in rest), *(scope.as_(scope.sql(f), new) for new, f in copied.items())]
    schema = {**{n: below.schema[n] for n in rest}, **{new: below.schema[f] for new, f in copied.items()}}
    return Relation(_over(below, columns or [number(1)]), schema)


def _align(plan: Align, scope: _Scope, wanted: frozenset[str]) -> Relation:
    below = _lower(plan.source, scope, (wanted - {plan.name}) | {plan.field})
    kept = {name: kind for name, kind in below.schema.items() if name in wanted and name != plan.name}
    columns = [scope.sql(name) for name in kept]
    time = scope.operand(plan.field, below.schema)
    if time is None:
        return Relation(_over(below, columns or [number(1)]), kept)
    return Relation(
        _over(below, [*columns, scope.as_(_aligned(time, plan.step), plan.name)]), {**kept, plan.name: INTEGER}
    )


def _aligned(time: Operand, step: int) -> Expression:
    at = value(time)
    # Compared before it is cast: engines differ in what they do with a number too large for an integer.
    within = exp.and_(exp.GTE(this=at, expression=number(0)), exp.LT(this=at.copy(), expression=number(_YEAR_10000)))
    whole = at.copy() if is_whole(time.kind) else exp.Ceil(this=at.copy())
    late = exp.paren(exp.Add(this=exp.cast(whole, "bigint"), expression=number(step - 1)))
    return exp.case().when(within, exp.Sub(this=late, expression=exp.Mod(this=late.copy(), expression=number(step))))


def _filter(plan: Filter, scope: _Scope, wanted: frozenset[str]) -> Relation:
    below = _lower(plan.source, scope, wanted | fields_of(plan.test))
    test = predicate(plan.test, lambda name: scope.operand(name, below.schema))
    if isinstance(plan.source, Scan | Filter):
        return Relation(below.select.where(test), below.schema)
    return Relation(_over(below, _kept(below, scope, below.schema)).where(test), below.schema)


def _flatten(plan: Flatten, scope: _Scope, wanted: frozenset[str]) -> Relation:
    made = frozenset(name for name in wanted if parent_of(name, plan.fields))
    below = _lower(plan.source, scope, (wanted - made) | frozenset(plan.fields))
    for field in reversed(plan.fields):
        below = _opened(below, scope, field, [child for child in plan.children if child.startswith(f"{field}>")])
    return below


def _opened(below: Relation, scope: _Scope, field: str, children: list[str]) -> Relation:
    """Unnest one list, an empty part standing for an absent or empty one; then take the maps' values out."""
    rest = [name for name in below.schema if name != field]
    schema = {name: below.schema[name] for name in rest}
    operand = scope.operand(field, below.schema)
    parts = part(operand) if operand else None
    if parts is None:
        return Relation(_over(below, _kept(below, scope, rest)), schema)
    item = Operand(scope.sql(field), parts.kind)
    opened = _over(below, [*(scope.sql(name) for name in rest), scope.as_(parts.sql, field)])
    if not item.kind.is_nested:
        return Relation(opened, {**schema, field: item.kind})
    return _children(Relation(opened, schema), scope, item, children)


def _children(below: Relation, scope: _Scope, item: Operand, children: list[str]) -> Relation:
    found = {child: member(item, child.split(">", 1)[1]) for child in children}
    taken = {child: operand for child, operand in found.items() if operand}
    columns = [*(scope.sql(name) for name in below.schema), *(scope.as_(o.sql, c) for c, o in taken.items())]
    schema = {**below.schema, **{child: operand.kind for child, operand in taken.items()}}
    return Relation(_over(below, columns or [number(1)]), schema)


def _narrow(plan: Narrow, scope: _Scope, wanted: frozenset[str]) -> Relation:
    below = _lower(plan.source, scope, wanted | {plan.field})
    operand = scope.operand(plan.field, below.schema)
    if operand is None or not operand.kind.is_list:
        return below
    kept = [scope.sql(name) for name in below.schema if name != plan.field]
    left = narrowed(plan.test, plan.field, operand)
    return Relation(_over(below, [*kept, scope.as_(left.sql, plan.field)]), {**below.schema, plan.field: left.kind})


def _remap(plan: Remap, scope: _Scope, wanted: frozenset[str]) -> Relation:
    targets = {target: field for field, target in plan.names}
    below = _lower(plan.source, scope, (wanted - targets.keys()) | frozenset(targets.values()))
    hidden = targets.keys() | frozenset(targets.values())
    rest = [name for name in below.schema if name not in hidden]
    renamed = {target: field for target, field in targets.items() if field in below.schema}
    columns = [*(scope.sql(name) for name in rest), *(scope.as_(scope.sql(f), t) for t, f in renamed.items())]
    schema = {**{n: below.schema[n] for n in rest}, **{t: below.schema[f] for t, f in renamed.items()}}
    return Relation(_over(below, columns or [number(1)]), schema)


def _aggregate(plan: Group | Aggregate, scope: _Scope) -> Relation:
    fields = frozenset((*plan.by, *(name for measure in plan.measures for name in measure.fields)))
    below = _lower(plan.source, scope, fields)
    keys = _keys(plan, scope, below.schema)
    measures = {one.name: _measure(one, scope, below.schema) for one in plan.measures}
    columns = [scope.as_(sql, name) for name, (sql, _) in {**keys, **measures}.items()]
    query = _over(below, columns)
    live = [place for place, name in enumerate(keys, start=1) if name in below.schema]
    if live:
        query = query.group_by(*(number(place) for place in live))
    else:
        # Without a live label there is one label set, or none when no flow is left.
        query = query.having(exp.GT(this=exp.Count(this=exp.Star()), expression=number(0)))
    return Relation(query, {name: kind for name, (_, kind) in {**keys, **measures}.items()})


def _keys(plan: Group | Aggregate, scope: _Scope, schema: Schema) -> dict[str, tuple[Expression, Kind]]:
    if isinstance(plan, Group):
        return {name: (scope.sql(name), schema[name]) for name in plan.by if name in schema}
    return {name: (label(scope.operand(name, schema)), TEXT) for name in plan.by}


def _measure(measure: Measure, scope: _Scope, schema: Schema) -> tuple[Expression, Kind]:
    operand = _measured(measure, scope, schema)
    order = scope.operand(measure.order, schema)
    whole = INTEGER if operand.kind == INTEGER and measure.divider == 1.0 else FLOAT
    match measure.op:
        case "sum":
            return _scaled(_total(operand) if measure.field else exp.Count(this=exp.Star()), measure), whole
        case "below":
            within = exp.LTE(this=_scaled(value(operand), measure), expression=number(measure.bound))
            return _counted(within), INTEGER
        case "where":
            test = predicate(measure.test, lambda name: scope.operand(name, schema)) if measure.test else exp.true()
            return _counted(test), INTEGER
        case "latest":
            return exp.Max(this=_stamped(value(operand), order)), Kind("struct", keys=(("v", whole),))
        case "last":
            return _scaled(_valued(_stamped(value(operand), order)), measure), whole
        case "last_of":
            kept = dict(operand.kind.keys).get("v", FLOAT)
            return _scaled(_valued(operand.sql), measure), kept if measure.divider == 1.0 else FLOAT
    assert_never(measure.op)


def _total(operand: Operand) -> Expression:
    return Total(this=value(operand)) if operand.kind == INTEGER else exp.Sum(this=value(operand))


def _measured(measure: Measure, scope: _Scope, schema: Schema) -> Operand:
    if not measure.field:
        return Operand(number(1), INTEGER)
    return scope.operand(measure.field, schema) or Operand(exp.cast(exp.null(), "bigint"), INTEGER)


def _valued(stamped: Expression) -> Expression:
    return exp.func("struct_extract", exp.Max(this=stamped.copy()), text_literal("v"))


def _scaled(sql: Expression, measure: Measure) -> Expression:
    if measure.divider == 1.0:
        return sql
    return exp.Div(this=exp.cast(sql, "double"), expression=number(float(measure.divider)))


def _counted(test: Expression) -> Expression:
    one = exp.case().when(test, number(1)).else_(number(0))
    return exp.Coalesce(this=exp.Sum(this=one), expressions=[number(0)])


def _stamped(found: Expression, order: Operand | None) -> Expression:
    """Order and value in one, so that MAX gives the last and, among equally late ones, the greatest value."""
    late = exp.cast(value(order), "double") if order else exp.null()
    stamp = exp.Coalesce(this=late, expressions=[number(_LOWEST)])
    return exp.Struct(
        expressions=[
            exp.PropertyEQ(this=exp.to_identifier("t"), expression=stamp),
            exp.PropertyEQ(this=exp.to_identifier("v"), expression=found.copy()),
        ]
    )


def _series(plan: Series, scope: _Scope) -> Relation:
    """Turn the measures of a label set into rows: a list of (place, series, le, value), unnested."""
    below = _lower(plan.source, scope, frozenset((*plan.by, *(measure for _, _, measure in plan.rows))))
    rows = [
        exp.Struct(
            expressions=[
                exp.PropertyEQ(this=exp.to_identifier("place"), expression=number(place)),
                exp.PropertyEQ(this=exp.to_identifier("series"), expression=text_literal(series)),
                exp.PropertyEQ(this=exp.to_identifier("le"), expression=text_literal(le)),
                exp.PropertyEQ(this=exp.to_identifier("value"), expression=exp.cast(scope.sql(measure), "double")),
            ]
        )
        for place, (series, le, measure) in enumerate(plan.rows)
    ]
    opened = _over(
        below, [*(scope.sql(n) for n in plan.by), exp.alias_(exp.Explode(this=exp.Array(expressions=rows)), "r")]
    )
    fields = {"series": TEXT, "le": TEXT, VALUE: FLOAT}
    taken = [scope.as_(_row(name), name) for name in fields]
    select = exp.select(*(scope.sql(n) for n in plan.by), *taken).from_(opened.subquery("t", copy=False), copy=False)
    order = [*(scope.sql(n) for n in plan.by), _row("place")]
    return Relation(select.order_by(*order), {**dict.fromkeys(plan.by, TEXT), **fields})


def _row(name: str) -> Expression:
    return exp.func("struct_extract", exp.column("r"), text_literal(name))


def _sort(plan: Sort, scope: _Scope, wanted: frozenset[str]) -> Relation:
    below = _lower(plan.source, scope, wanted | frozenset(plan.by))
    if not plan.by:
        return below
    return Relation(below.select.order_by(*(scope.sql(name) for name in plan.by)), below.schema)
