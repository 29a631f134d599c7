"""The verb aggregate: one row a label set, as a Counter, Gauge or Histogram."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from flowkit.engine import run
from flowkit.engine.query import (
    VALUE,
    Aggregate,
    Comparison,
    Filter,
    Measurable,
    Measure,
    Plan,
    Predicate,
    Scan,
    Series,
    Sort,
)
from flowkit.errors import ContractError
from flowkit.transform.border import checked, on_spark, restated

Type = Literal["Counter", "Gauge", "Histogram"]


@dataclass(frozen=True)
class Aggregation:
    """How values become one: `value` is the field (None: 1 a flow), `time` orders a Gauge's, `buckets` a Histogram's."""

    type: Type = "Counter"
    value: str | None = None
    divider: float = 1.0
    buckets: tuple[float, ...] = ()
    time: str = "TimeFlowEndMs"

    @property
    def counts(self) -> Predicate | None:
        """What a flow's value must be to count at all: a number, and for a counter none below 0."""
        if self.value is None:
            return None
        return Comparison(self.value, ">=", 0) if self.type == "Counter" else Measurable(self.value)


def aggregate(
    table: pd.DataFrame,
    by: Sequence[str],
    value: str | None = None,
    type: Type = "Counter",  # noqa: A002 (upstream's word)
    divider: float = 1.0,
    buckets: Sequence[float] = (),
) -> pd.DataFrame:
    """Return one row a distinct set of labels `by`, sorted, with ``value``.

    Labels are text as Go prints it, "" where missing. A Counter adds `value` (1 a row without one) over `divider`, a
    Gauge takes the last by ``TimeFlowEndMs``, a Histogram gives Prometheus' cumulative series: ``series`` is _bucket,
    _sum or _count and ``le`` the bound. Rows without a number in `value` do not count, nor below 0 in a Counter. Sums of
    integers are exact. Source: FlowMetric's ``type``, ``valueField``, ``divider``, ``buckets``.
    Raises `FieldNotFound` for an unknown name, `ContractError` when a label is called as a column of the result.

    >>> aggregate(pd.DataFrame({"DstPort": [443, 443, 53], "Bytes": [5, 7, 1]}), ["DstPort"], value="Bytes")
      DstPort  value
    0     443     12
    1      53      1
    """
    how = Aggregation(type, value, divider, tuple(buckets))
    checked(table, (*by, *((value,) if value else ())))
    taken = {"value", "series", "le"} if type == "Histogram" else {"value"}
    for name in by:
        if name in taken or list(by).count(name) > 1:
            raise ContractError(f"two columns would be called '{name}': remap the label first")
    found = run(aggregated(Scan(), tuple(by), how), table)
    return found if on_spark(table) else restated(found, table)


def aggregated(source: Plan, by: tuple[str, ...], how: Aggregation) -> Plan:
    """The plan of `aggregate` over another plan."""
    counted = Filter(source, how.counts) if how.counts else source
    if how.type == "Histogram":
        return Series(Aggregate(counted, by, _histogram(how)), by, _rows(how))
    return Sort(Aggregate(counted, by, (_measure(how),)), by)


def _measure(how: Aggregation) -> Measure:
    if how.type == "Gauge":
        return Measure(VALUE, "last", how.value or "", order=how.time, divider=how.divider)
    return Measure(VALUE, "sum", how.value or "", divider=how.divider)


def _histogram(how: Aggregation) -> tuple[Measure, ...]:
    field = how.value or ""
    below = [Measure(f"below {b}", "below", field, bound=b, divider=how.divider) for b in how.buckets]
    return (*below, Measure("sum", "sum", field, divider=how.divider), Measure("count", "sum"))


def _rows(how: Aggregation) -> tuple[tuple[str, str, str], ...]:
    bounds = [("_bucket", _bound(bound), f"below {bound}") for bound in how.buckets]
    return (*bounds, ("_bucket", "+Inf", "count"), ("_sum", "", "sum"), ("_count", "", "count"))


def _bound(bound: float) -> str:
    """A bound as Prometheus' exposition prints it."""
    return f"{bound:g}" if f"{bound:g}" == repr(bound).removesuffix(".0") else repr(bound).removesuffix(".0")
