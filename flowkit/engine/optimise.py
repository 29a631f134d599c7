"""Rewrites of a plan into a cheaper one with exactly the same result (``tests/parity`` holds them to it).

1. A filter on fields that a rename or flatten leaves alone goes below it.
2. A filter on one flattened field goes below it too: the list keeps only the items that pass (a bit test for Flags) and
   flows without such an item fall out, so nothing is exploded that a filter would throw away.
3. Rows are grouped by the columns as they stand first; lists are flattened and labels turned into text once a group.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import reduce

from flowkit.engine.query import (
    Aggregate,
    All,
    Filter,
    Flatten,
    Group,
    HasPart,
    Measure,
    Narrow,
    Plan,
    Predicate,
    Remap,
    conjuncts,
    fields_of,
    parent_of,
    rewritten,
)


def optimise(plan: Plan) -> Plan:
    """Give the same table at less cost.

    >>> from flowkit.engine.query import Condition, Scan
    >>> type(optimise(Filter(Flatten(Scan(), ("Flags",)), Condition("Flags", "SYN")))).__name__
    'Flatten'
    """
    return rewritten(rewritten(plan, _sunk), _grouped_first)


def _sunk(plan: Plan) -> Plan:
    """Move a filter down: into a filter, below a rename it does not see, below flatten."""
    if not isinstance(plan, Filter):
        return plan
    match plan.source:
        case Filter(source, test):
            return _sunk(Filter(source, All((test, plan.test))))
        case Remap(source, names) if fields_of(plan.test).isdisjoint(name for pair in names for name in pair):
            return replace(plan.source, source=_sunk(Filter(source, plan.test)))
        case Flatten():
            return _below_flatten(plan.source, list(conjuncts(plan.test)))
    return plan


def _below_flatten(flatten: Flatten, tests: list[Predicate]) -> Plan:
    below, left = _flow_tests(flatten, tests)
    for field in flatten.fields:
        own = [test for test in left if _owners(test, flatten) == {field}]
        left = [test for test in left if test not in own]
        below = _narrowed(below, field, own)
    flattened = replace(flatten, source=below)
    return Filter(flattened, All(tuple(left))) if left else flattened


def _flow_tests(flatten: Flatten, tests: Sequence[Predicate]) -> tuple[Plan, list[Predicate]]:
    own = tuple(test for test in tests if _owners(test, flatten) == {None})
    rest = [test for test in tests if test not in own]
    return (Filter(flatten.source, All(own)) if own else flatten.source), rest


def _owners(test: Predicate, flatten: Flatten) -> set[str | None]:
    return {parent_of(name, flatten.fields) for name in fields_of(test)}


def _narrowed(below: Plan, field: str, tests: Sequence[Predicate]) -> Plan:
    if not tests:
        return below
    test = All(tuple(tests))
    return Narrow(Filter(below, HasPart(field, test)), field, test)


def _grouped_first(plan: Plan) -> Plan:
    if not isinstance(plan, Aggregate):
        return plan
    steps, base = _steps(plan.source)
    if not _untouched(plan.measures, steps):
        return plan
    stages = [_staged(measure, f">{number}") for number, measure in enumerate(plan.measures)]
    wanted = reduce(_needed, steps, frozenset(plan.by))
    grouped: Plan = Group(base, tuple(sorted(wanted)), tuple(first for first, _ in stages))
    for step in reversed(steps):
        grouped = replace(step, source=grouped)
    return replace(plan, source=grouped, measures=tuple(second for _, second in stages))


def _steps(plan: Plan) -> tuple[list[Remap | Flatten | Filter], Plan]:
    """The steps that can wait until rows are grouped, top first: renames, flattens, and filters above a flatten."""
    steps: list[Remap | Flatten | Filter] = []
    while isinstance(plan, Remap | Flatten | Filter):
        steps.append(plan)
        plan = plan.source
    while steps and isinstance(steps[-1], Filter):
        plan = steps.pop()
    return steps, plan


def _untouched(measures: Sequence[Measure], steps: Sequence[Remap | Flatten | Filter]) -> bool:
    """Whether no step changes what the measures look at."""
    changed: set[str] = set()
    for step in steps:
        if isinstance(step, Flatten):
            changed.update((*step.fields, *step.children))
        elif isinstance(step, Remap):
            changed.update(name for pair in step.names for name in pair)
    return changed.isdisjoint(name for measure in measures for name in measure.fields)


def _needed(above: frozenset[str], step: Remap | Flatten | Filter) -> frozenset[str]:
    """The columns a step needs below it to give those needed above it."""
    match step:
        case Filter(_, test):
            return above | fields_of(test)
        case Flatten(_, fields, _):
            return frozenset(name for name in above if not parent_of(name, fields)) | frozenset(fields)
        case Remap(_, names):
            targets = {target: field for field, target in names}
            sources = frozenset(field for field, _ in names)
            kept = frozenset(name for name in above if name not in targets and name not in sources)
            return kept | frozenset(targets[name] for name in above if name in targets)


def _staged(measure: Measure, partial: str) -> tuple[Measure, Measure]:
    """A measure in two stages: over the rows of a group, then over groups."""
    match measure.op:
        case "sum":
            return replace(measure, name=partial, divider=1.0), replace(measure, field=partial)
        case "last":
            first = replace(measure, name=partial, op="latest", divider=1.0)
            return first, Measure(measure.name, "last_of", partial, divider=measure.divider)
        case _:
            return replace(measure, name=partial), Measure(measure.name, "sum", partial)
