"""A FlowMetric as a query: the four verbs in a row, over whatever table it is asked of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from flowkit.engine.query import (
    Align,
    All,
    Carry,
    Condition,
    Either,
    Filter,
    Flatten,
    Group,
    HasPart,
    Measure,
    Plan,
    Predicate,
    Remap,
    Scan,
    fields_of,
    parent_of,
)
from flowkit.manifests.flowmetric import DEFAULT_BUCKETS, FilterSpec, FlowMetricSpec
from flowkit.transform.aggregate import Aggregation, aggregated

_END = "TimeFlowEndMs"
# Copies of fields under names no label can have, so that neither flatten nor remap changes what the metric measures.
_VALUE, _TIME = ">value", ">time"
STEP = ">step"  # the end of the step a flow ended in, milliseconds since 1970


def plan(spec: FlowMetricSpec, step: int | None = None) -> Plan:
    """Flatten, filter, remap, aggregate: the definition as a plan; with a `step` in milliseconds, also by ``STEP``.

    Filters see what upstream lets them see: those on a flattened field the part (and ``$(Field)`` in them too), the
    others the flow as it came. Flows without a step are in no row.

    >>> type(plan(FlowMetricSpec("m", "Counter", labels=("DstPort",)))).__name__
    'Sort'
    """
    table = _scan(spec) if step is None else _stepped(spec, step)
    if spec.flatten:
        table = Flatten(table, spec.flatten, _children(spec))
    tests = tuple(test for _, test in _steps(spec))
    if tests:
        table = Filter(table, All(tests))
    if spec.remap:
        table = Remap(table, tuple((label, spec.remap[label]) for label in spec.labels if label in spec.remap))
    return aggregated(table, (*spec.targets, *(() if step is None else (STEP,))), _aggregation(spec))


def funnel(spec: FlowMetricSpec) -> tuple[list[tuple[str, bool]], Group]:
    """The metric's steps by name, each with whether flows can be counted at it, and the plan that counts them.

    A filter on flattened parts that refers to another flattened field asks nothing of a flow alone: no count.
    """
    named = list(_flow_tests(spec))
    tests = [test for _, test in named if test is not None]
    measures = (Measure(f"step {n}", "where", test=All(tuple(tests[:n]))) for n in range(len(tests) + 1))
    return [(name, test is not None) for name, test in named], Group(_scan(spec), (), tuple(measures))


def timeless(spec: FlowMetricSpec, step: int) -> Group:
    """The plan that counts the flows which pass the metric's tests (those that ask of a flow alone) and are in no step."""
    tests = (test for _, test in _flow_tests(spec) if test is not None)
    lost = Measure("flows", "where", test=All((*tests, Condition(STEP, "", "Absence"))))
    return Group(Align(_scan(spec), STEP, _END, step), (), (lost,))


def _stepped(spec: FlowMetricSpec, step: int) -> Plan:
    return Filter(Align(_scan(spec), STEP, _END, step), Condition(STEP, "", "Presence"))


def _scan(spec: FlowMetricSpec) -> Scan | Carry:
    """The flows, and the copies that later steps need of them."""
    copies = [(_VALUE, spec.value_field)] if spec.value_field else []
    copies += [(_TIME, _END)] if spec.type == "Gauge" else []
    copies += [(f">{field}", field) for field in spec.flatten if _is_referred_to(field, spec)]
    return Carry(Scan(), tuple(copies)) if copies else Scan()


def _is_referred_to(field: str, spec: FlowMetricSpec) -> bool:
    """Whether a filter on the flow names the flattened `field` in ``$(Field)``: it means the list, not the part."""
    on_flow = (_written(one) for one in spec.filters if not parent_of(one.field, spec.flatten))
    return any(field in condition.fields[1:] for condition in on_flow)


def _children(spec: FlowMetricSpec) -> tuple[str, ...]:
    """The nested names the metric uses of what it flattens."""
    named = {*spec.labels, *(field for _, test in _steps(spec) for field in fields_of(test))}
    return tuple(sorted(name for name in named if ">" in name and parent_of(name, spec.flatten)))


def _aggregation(spec: FlowMetricSpec) -> Aggregation:
    value = _VALUE if spec.value_field else None
    # Like upstream's client, a histogram that names no buckets has the default ones.
    return Aggregation(spec.type, value, spec.divider, spec.buckets or DEFAULT_BUCKETS, _TIME)


def _steps(spec: FlowMetricSpec) -> Iterator[tuple[str, Predicate]]:
    """Each test that must hold, as a user would name it: the alternatives on one field together, then the direction."""
    for field in dict.fromkeys(one.field for one in spec.filters):
        same = [one for one in spec.filters if one.field == field]
        tests = tuple(_condition(one, spec) for one in same)
        yield " or ".join(str(_written(one)) for one in same), tests[0] if len(tests) == 1 else Either(tests)
    if spec.direction != "Any":
        # The operator's code, not its documentation: a flow without FlowDirection passes. Ours is ANDed with the user's.
        other = FilterSpec("FlowDirection", "1" if spec.direction == "Ingress" else "0", "NotEqual")
        yield f"direction {spec.direction}: {_written(other)}", _condition(other, spec)


def _flow_tests(spec: FlowMetricSpec) -> Iterator[tuple[str, Predicate | None]]:
    """The same as what they ask of an unflattened flow, given those before; None where that is no such question."""
    on_parts: dict[str, tuple[Predicate, ...]] = {}
    for name, test in _steps(spec):
        owners = {parent_of(field, spec.flatten) for field in fields_of(test)}
        owner = owners.pop()
        if owners:
            yield name, None
        elif owner is None:
            yield name, test
        else:
            on_parts[owner] = (*on_parts.get(owner, ()), test)
            yield name, HasPart(owner, All(on_parts[owner]))
    counts = _aggregation(spec).counts
    if counts:
        yield f"{spec.value_field} is a number" + (" from 0 up" if spec.type == "Counter" else ""), counts


def _written(filter_: FilterSpec) -> Condition:
    return Condition(filter_.field, filter_.value, filter_.match_type)


def _condition(filter_: FilterSpec, spec: FlowMetricSpec) -> Condition:
    """A filter whose references are resolved where upstream looks them up: in the part, or in the flow."""
    condition = _written(filter_)
    resolve = _in_part if parent_of(condition.field, spec.flatten) else _in_flow
    pieces = condition.pieces
    words = (piece if place % 2 == 0 else resolve(piece, spec.flatten) for place, piece in enumerate(pieces))
    return replace(condition, value="".join(words))


def _in_part(field: str, flattened: tuple[str, ...]) -> str:
    return f"$({field})" if parent_of(field, flattened) else ""


def _in_flow(field: str, flattened: tuple[str, ...]) -> str:
    if ">" in field:
        return ""
    return f"$(>{field})" if field in flattened else f"$({field})"
