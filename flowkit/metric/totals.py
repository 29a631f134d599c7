"""One metric's running totals while flows come in: what a scraper sees, with series that end when nothing touches them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import pandas as pd

from flowkit.engine.query import VALUE
from flowkit.metric.flowmetric import FlowMetric
from flowkit.metric.steps import TIME

_TOUCHED, _ENDED = ">touched", ">ended"
_FINEST = "1ms"


@dataclass(frozen=True)
class Totals:
    """A metric and its label sets so far, each with when it was last touched; methods return new ones."""

    metric: FlowMetric
    held: pd.DataFrame = field(default_factory=pd.DataFrame)

    def adding(self, flows: pd.DataFrame, now: float) -> Totals:
        """The totals after further flows, which came at `now` (seconds); a Gauge keeps the value of the flow that ended last.

        >>> from flowkit.manifests import FlowMetricSpec
        >>> totals = Totals(FlowMetric(FlowMetricSpec("m", "Counter", labels=("DstPort",))))
        >>> for now in (1, 2):
        ...     totals = totals.adding(pd.DataFrame({"DstPort": [443, 443]}), now)
        >>> totals.table.values.tolist()
        [['443', 4]]
        """
        fresh = (
            _ended_last(self.metric, flows) if self.metric.spec.type == "Gauge" else _exact(self.metric.apply(flows))
        )
        if fresh.empty:
            return self
        every = pd.concat([self.held, fresh.assign(**{_TOUCHED: now})], ignore_index=True)
        keys = [name for name in fresh.columns if name not in (VALUE, _ENDED)]
        if not keys:
            # A metric without labels is one series; grouping needs something to group by.
            every, keys = every.assign(**{"": ""}), [""]
        return replace(self, held=self._merged(every, keys).drop(columns="", errors="ignore"))

    def _merged(self, every: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
        if self.metric.spec.type == "Gauge":
            latest = every.sort_values(_ENDED, kind="stable").drop_duplicates(keys, keep="last")
            touched = every.groupby(keys, sort=False)[_TOUCHED].transform("max")
            return latest.assign(**{_TOUCHED: touched.loc[latest.index]}).sort_values(keys, ignore_index=True)
        grouped = every.groupby(keys, sort=False)
        return grouped.agg(**{VALUE: (VALUE, "sum"), _TOUCHED: (_TOUCHED, "max")}).reset_index()

    def without_old(self, before: float) -> Totals:
        """The totals less the label sets that nothing touched since `before`; should they come again, they begin anew."""
        if self.held.empty or (self.held[_TOUCHED] >= before).all():
            return self
        return replace(self, held=self.held[self.held[_TOUCHED] >= before].reset_index(drop=True))

    @property
    def table(self) -> pd.DataFrame:
        """The metric table, as `exposition` takes it."""
        return self.held.drop(columns=[_TOUCHED, _ENDED], errors="ignore")


def _exact(table: pd.DataFrame) -> pd.DataFrame:
    """Whole numbers as Python's own, whose sums stay exact beyond 64 bits."""
    return table if table[VALUE].dtype.kind == "f" else table.astype({VALUE: object})


def _ended_last(metric: FlowMetric, flows: pd.DataFrame) -> pd.DataFrame:
    """A Gauge's table with when each value was; flows without a time come before all others."""
    timed = metric.apply(flows, step=_FINEST).rename(columns={TIME: _ENDED})
    named = {name: timed[name] for name in timed.columns if name != _ENDED}
    ends: Any = timed[_ENDED].astype("int64")
    return pd.DataFrame(named).assign(**{_ENDED: ends})
