"""Controls around the explorer for what Python must answer: which flows, of which time, as which metric, by which profile."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import ipywidgets
import numpy as np
import pandas as pd

from flowkit.contract import conform, provenance
from flowkit.enrich.sides import integers
from flowkit.errors import ContractError
from flowkit.matrix import FlowMatrix, matrix
from flowkit.metric import FlowMetric
from flowkit.view.header import period
from flowkit.view.judged import Judged
from flowkit.view.names import plural, shown
from flowkit.view.terminal import text_table
from flowkit.view.widget import Explorer, explore

STEPS = 60
ROWS = 15
_ALL = "none"

Tables = pd.DataFrame | Mapping[str, pd.DataFrame]


def controls(
    flows: Tables,
    *,
    metrics: Sequence[FlowMetric] = (),
    policies: Mapping[str, Judged] | None = None,
    by: str | None = None,
) -> Controls:
    """Show the matrix of `flows` with controls around it: source, time, FlowMetric and the network plugin's profile.

    `flows` is a table, or several by the name of their source. `policies` are verdicts by profile, one row an edge of the
    matrix, so they ask for one table. A control with nothing to choose is left out. ``.explorer`` is the live widget,
    ``.flows`` are those of the chosen time, ``.metric_table`` is the chosen metric of them. Raises `ContractError` for policies
    with several tables and for no table at all.

    >>> flows = pd.DataFrame({"SrcAddr": ["10.0.0.2"], "DstAddr": ["10.0.0.1"], "SrcPort": [51000], "DstPort": [443],
    ...                       "Proto": [6], "Flags": [2], "TimeFlowStartMs": [0], "TimeFlowEndMs": [9000]})
    >>> panel = controls(flows)
    >>> panel.time.value = (0, 5000)
    >>> len(panel.flows), panel.explorer.brush
    (0, [0, 5000])
    """
    tables = {"flows": flows} if isinstance(flows, pd.DataFrame) else dict(flows)
    if not tables:
        raise ContractError("no flows to look at: give a table, or several by the name of their source")
    if policies and len(tables) > 1:
        raise ContractError("verdicts are of one table's edges: give policies with one table of flows")
    return Controls(tables, tuple(metrics), dict(policies or {}), by)


class Controls(ipywidgets.VBox):  # type: ignore[misc]
    """The explorer and its controls, see `controls`."""

    def __init__(
        self,
        tables: dict[str, pd.DataFrame],
        metrics: tuple[FlowMetric, ...],
        policies: dict[str, Judged],
        by: str | None,
    ) -> None:
        self._tables, self._policies, self._by = tables, policies, by
        self._matrix = matrix(next(iter(tables.values())), by=by)
        self.source = ipywidgets.Dropdown(options=list(tables), description="Source")
        self.profile = ipywidgets.Dropdown(options=list(policies), description="Profile")
        self.metric = ipywidgets.Dropdown(
            options=[(_ALL, None), *((shown(one.name), one) for one in metrics)], description="Metric"
        )
        self.time = ipywidgets.SelectionRangeSlider(
            options=_times(self._table), description="Time", layout={"width": "36em"}
        )
        self.explorer: Explorer = explore(self._matrix, flows=self._table, policies=self._judged)
        self._table_view = ipywidgets.HTML()
        self._listen()
        offered = ((self.source, len(tables) > 1), (self.time, len(self.time.options) > 2))
        further = ((self.profile, len(policies) > 1), (self.metric, bool(metrics)))
        bar = [control for control, is_of_use in (*offered, *further) if is_of_use]
        super().__init__([ipywidgets.HBox(bar, layout={"flex_flow": "row wrap"}), self.explorer, self._table_view])

    @property
    def flows(self) -> pd.DataFrame:
        """The flows of the chosen source that end in the chosen time, or that the page's brush keeps."""
        if not self.explorer.brush:
            return self._table
        start, end = self.explorer.brush
        ends = integers(conform(self._table), "TimeFlowEndMs")
        return self._table[(ends >= start) & (ends < end)]

    @property
    def metric_table(self) -> pd.DataFrame | None:
        """The chosen metric of `flows`; None where none is chosen."""
        metric: FlowMetric | None = self.metric.value
        return None if metric is None else metric.apply(self.flows)

    @property
    def matrix(self) -> FlowMatrix:
        """The matrix on the screen."""
        return self.explorer.matrix

    @property
    def _table(self) -> pd.DataFrame:
        return self._tables[self.source.value]

    @property
    def _judged(self) -> Judged | None:
        return self._policies.get(self.profile.value)

    def _listen(self) -> None:
        self.source.observe(self._turn, "value")
        self.profile.observe(self._judge, "value")
        self.time.observe(self._cut, "value")
        self.metric.observe(self._count, "value")
        self.explorer.observe(self._count, "brush")

    def _turn(self, _: Any) -> None:
        """Another source: other flows, other times."""
        self._matrix = matrix(self._table, by=self._by)
        self.explorer.brush = []
        options = _times(self._table)
        self.time.unobserve(self._cut, "value")
        self.time.options, self.time.index = options, (0, len(options) - 1)
        self.time.observe(self._cut, "value")
        self._judge(None)
        self._count(None)

    def _judge(self, _: Any) -> None:
        self.explorer.update(self._matrix, flows=self._table, policies=self._judged)

    def _cut(self, _: Any) -> None:
        """The whole range is no brush: flows without a time are in it, too."""
        whole = (self.time.options[0][1], self.time.options[-1][1])
        self.explorer.brush = [] if tuple(self.time.value) == whole else list(self.time.value)

    def _count(self, _: Any) -> None:
        table = self.metric_table
        self._table_view.value = "" if table is None else _listed(table)


def _listed(table: pd.DataFrame) -> str:
    """The largest values as text, escaped: names come from strangers."""
    largest = table.sort_values("value", ascending=False, kind="stable").head(ROWS)
    of = f"{len(largest)} of {plural(len(table), 'row')}"
    notes = [note for note in provenance(table).notes if "flows" in note]
    return f"<pre>{escape(chr(10).join([text_table(largest), of, *notes]))}</pre>"


def _times(flows: pd.DataFrame) -> list[tuple[str, int]]:
    """At most `STEPS` + 1 moments over the time of the flows, a whole number of seconds apart."""
    known = conform(flows)
    start, end = integers(known, "TimeFlowStartMs"), integers(known, "TimeFlowEndMs")
    start, end = start[start >= 0], end[end >= 0]
    if not len(start) or not len(end):
        return [("all", 0), ("all ", 1)]
    first, last = int(start.min()) // 1000 * 1000, int(end.max()) + 1
    step = max(1, -(-(last - first) // (STEPS * 1000))) * 1000
    moments = np.arange(first, last + step, step).tolist()
    return [(period(at, at).split(" – ")[0], at) for at in moments]
