"""The query tree: predicates and plans, as frozen values. What they mean stands here; how they run is the engines' affair.

A plan turns a table into a table. A field that a table lacks is missing in every row, which is no error. Predicates are
two-valued: they hold or they do not, a missing field included (``facts`` of FlowMetric: see each class).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

Match = Literal["Equal", "NotEqual", "Presence", "Absence", "MatchRegex", "NotMatchRegex"]
_OPPOSITE: dict[Match, Match] = {
    "Equal": "NotEqual",
    "Presence": "Absence",
    "MatchRegex": "NotMatchRegex",
    "NotEqual": "Equal",
    "Absence": "Presence",
    "NotMatchRegex": "MatchRegex",
}
_REFERENCE = re.compile(r"\$\(([^)]+)\)")


@dataclass(frozen=True)
class Condition:
    """One test of a field's text, by FlowMetric's six match types.

    A missing field passes NotEqual, Absence and NotMatchRegex only. ``$(Field)`` in the value of Equal and NotEqual
    is that field's text ("" where missing). Regular expressions are RE2 and searched, not anchored.

    >>> Condition("SrcK8S_Zone", "$(DstK8S_Zone)", "NotEqual").fields
    ('SrcK8S_Zone', 'DstK8S_Zone')
    """

    field: str
    value: str = ""
    match: Match = "Equal"

    @property
    def pieces(self) -> tuple[str, ...]:
        """The value cut at its references: plain text at even places, field names at odd ones."""
        return tuple(_REFERENCE.split(self.value)) if self.match in ("Equal", "NotEqual") else (self.value,)

    @property
    def fields(self) -> tuple[str, ...]:
        """Every field it looks at."""
        return (self.field, *self.pieces[1::2])

    def __str__(self) -> str:
        return f"{self.field} {self.match}" + ("" if self.match in ("Presence", "Absence") else f' "{self.value}"')


@dataclass(frozen=True)
class Comparison:
    """A field's number against another; a field that is missing or no finite number fails."""

    field: str
    operator: Literal["<", "<=", ">", ">="]
    number: float

    def __str__(self) -> str:
        return f"{self.field} {self.operator} {self.number:g}"


@dataclass(frozen=True)
class Measurable:
    """Whether a field holds a finite number: what a metric can add, set or observe."""

    field: str


@dataclass(frozen=True)
class HasPart:
    """Whether flattening `field` leaves a part for which `test` holds; an absent or empty list has one empty part."""

    field: str
    test: Predicate


@dataclass(frozen=True)
class All:
    """Every one of `of` holds."""

    of: tuple[Predicate, ...]


@dataclass(frozen=True)
class Either:
    """At least one of `of` holds."""

    of: tuple[Predicate, ...]


@dataclass(frozen=True)
class Not:
    """`of` does not hold."""

    of: Predicate


Predicate: TypeAlias = Condition | Comparison | Measurable | HasPart | All | Either | Not


def together(conditions: Iterable[Condition]) -> All:
    """Combine conditions as FlowMetric does: those on one field are alternatives (a true union), fields are ANDed.

    >>> len(together([Condition("Flags", "SYN"), Condition("Flags", "FIN"), Condition("Proto", "6")]).of)
    2
    """
    by_field: dict[str, list[Condition]] = {}
    for condition in conditions:
        by_field.setdefault(condition.field, []).append(condition)
    return All(tuple(same[0] if len(same) == 1 else Either(tuple(same)) for same in by_field.values()))


def fields_of(predicate: Predicate) -> frozenset[str]:
    """Every field a predicate looks at."""
    match predicate:
        case Condition():
            return frozenset(predicate.fields)
        case All(of) | Either(of):
            return frozenset(name for one in of for name in fields_of(one))
        case Not(of):
            return fields_of(of)
        case HasPart(field, _):
            return frozenset((field,))
        case _:
            return frozenset((predicate.field,))


def conjuncts(predicate: Predicate) -> tuple[Predicate, ...]:
    """The predicates that must all hold, with nested `All` opened."""
    if isinstance(predicate, All):
        return tuple(part for one in predicate.of for part in conjuncts(one))
    return (predicate,)


def positive(predicate: Predicate, *, holds: bool = True) -> Predicate:
    """The same truth without any `Not` but on comparisons, by De Morgan; ``holds=False`` gives the opposite.

    Engines then never meet NULL under NOT, where SQL's third value would decide wrongly.
    """
    match predicate:
        case Not(of):
            return positive(of, holds=not holds)
        case All(of) | Either(of):
            kind = All if isinstance(predicate, All) == holds else Either
            return kind(tuple(positive(one, holds=holds) for one in of))
        case Condition() if not holds:
            return replace(predicate, match=_OPPOSITE[predicate.match])
        case _:
            return predicate if holds else Not(predicate)


@dataclass(frozen=True)
class Measure:
    """One aggregated column. `op` says how:

    ``sum`` of `field` · ``below``: rows whose `field` over `divider` is at most `bound` · ``last``: `field` of the row
    with the greatest `order` (ties: the greatest value) · ``latest`` and ``last_of``: the same in two stages ·
    ``where``: rows for which `test` holds. Without a `field` every row's is 1. `divider` scales all but ``latest``.
    """

    name: str
    op: Literal["sum", "below", "last", "latest", "last_of", "where"]
    field: str = ""
    order: str = ""
    bound: float = 0.0
    divider: float = 1.0
    test: Predicate | None = None

    @property
    def fields(self) -> tuple[str, ...]:
        """Every field it looks at."""
        return (*filter(None, (self.field, self.order)), *(fields_of(self.test) if self.test else ()))


@dataclass(frozen=True)
class Scan:
    """The table the query is asked of; `columns` are those a result must have that no step mentions."""

    columns: tuple[str, ...] = ()


@dataclass(frozen=True)
class Carry:
    """Add columns that are copies: (new name, field)."""

    source: Plan
    names: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Align:
    """Add the column `name`: `field`, milliseconds since 1970, at the end of the step of `step` milliseconds it is in.

    A step ends with its last millisecond; a time before 1970 or after the year 9999 has none and is missing.
    """

    source: Plan
    name: str
    field: str
    step: int


@dataclass(frozen=True)
class Flatten:
    """One row a part: a list's item in its field's place, several lists multiplied; of maps the `children` named.

    The first field varies fastest. An absent or empty list gives one empty part. A field that is no list is lost.
    """

    source: Plan
    fields: tuple[str, ...]
    children: tuple[str, ...] = ()


@dataclass(frozen=True)
class Filter:
    """The rows for which `test` holds."""

    source: Plan
    test: Predicate


@dataclass(frozen=True)
class Narrow:
    """Keep of the list `field` the items whose parts pass `test`, where rows without such a part are gone already."""

    source: Plan
    field: str
    test: Predicate


@dataclass(frozen=True)
class Remap:
    """Rename columns, all at once: (field, new name). A new name hides a column that had it; the rest stays."""

    source: Plan
    names: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Group:
    """One row a distinct combination of `by` as the columns stand, with `measures`."""

    source: Plan
    by: tuple[str, ...]
    measures: tuple[Measure, ...]


@dataclass(frozen=True)
class Aggregate:
    """One row a label set: `by` in text form, missing and "" being one, with `measures`."""

    source: Plan
    by: tuple[str, ...]
    measures: tuple[Measure, ...]


@dataclass(frozen=True)
class Series:
    """One row a Prometheus series of a histogram: ``series`` (_bucket, _sum, _count), ``le`` and `value` after `by`."""

    source: Plan
    by: tuple[str, ...]
    rows: tuple[tuple[str, str, str], ...]  # (series, le, measure)


@dataclass(frozen=True)
class Sort:
    """Rows in the order of `by`."""

    source: Plan
    by: tuple[str, ...]


VALUE, ROW = "value", ">row"  # the column of values in a result; a column that stands for rows where none is wanted

Plan: TypeAlias = Scan | Carry | Align | Flatten | Filter | Narrow | Remap | Group | Aggregate | Series | Sort


def rewritten(plan: Plan, rule: Callable[[Plan], Plan]) -> Plan:
    """Apply `rule` to every node of a plan, from the scan upwards."""
    return rule(plan if isinstance(plan, Scan) else replace(plan, source=rewritten(plan.source, rule)))


def mentioned(plan: Plan) -> frozenset[str]:
    """Every column name a plan mentions, whether a table carries it or a step makes it."""
    if isinstance(plan, Scan):
        return frozenset(plan.columns)
    return mentioned(plan.source) | _own_names(plan)


def _own_names(plan: Plan) -> frozenset[str]:
    match plan:
        case Filter(_, test):
            return fields_of(test)
        case Narrow(_, field, _):
            return frozenset((field,))
        case Flatten(_, fields, children):
            return frozenset((*fields, *children))
        case Align(_, name, field, _):
            return frozenset((name, field))
        case Carry(_, names) | Remap(_, names):
            return frozenset(name for pair in names for name in pair)
        case Group(_, by, measures) | Aggregate(_, by, measures):
            return frozenset((*by, *(name for one in measures for name in (one.name, *one.fields))))
        case Sort(_, by) | Series(_, by, _):
            return frozenset(by)
    return frozenset()


def flattened(plan: Plan) -> frozenset[str]:
    """Every field a plan flattens."""
    below = frozenset() if isinstance(plan, Scan) else flattened(plan.source)
    return below | frozenset(plan.fields) if isinstance(plan, Flatten) else below


def parent_of(name: str, fields: Sequence[str]) -> str | None:
    """Which of the flattened `fields` owns `name`, itself or as ``Parent>child``.

    >>> parent_of("NetworkEvents>Name", ["Flags", "NetworkEvents"])
    'NetworkEvents'
    """
    parent = name.split(">", 1)[0]
    return parent if parent in fields else None
