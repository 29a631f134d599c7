"""The charts that a FlowMetric asks for (``spec.charts``) as plotly figures: from flows, or from a Prometheus."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pandas as pd

from flowkit.engine import Flows
from flowkit.errors import ContractError, NothingMatched
from flowkit.manifests import Chart, ChartQuery
from flowkit.metric import FlowMetric
from flowkit.view.plot.theme import GROUND, INK, LINE, graph_objects, label

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from flowkit.sources.prometheus import Prometheus

_WORD = re.compile(r"\{\{\s*(\w+)\s*\}\}")
# Upstream's units, as the console shows them: what the axis says and how plotly writes a value.
_UNITS = {
    "bytes": ("bytes", "~s"),
    "seconds": ("seconds", "~s"),
    "Bps": ("bytes/s", "~s"),
    "pps": ("packets/s", "~s"),
    "percent": ("%", ".1%"),
}
_HOW = {"Line": {"mode": "lines"}, "StackArea": {"mode": "lines", "stackgroup": "all"}}


def charts(
    metric: FlowMetric, flows: Flows | None = None, *, server: Prometheus | str | None = None, **when: Any
) -> list[go.Figure]:
    """Draw a FlowMetric's charts, one figure each, in their order.

    Asked are `flows` (by `promql`) or the Prometheus `server` (by `read_metric`); `when` is ``start``, ``end`` and ``step``
    as they take them. ``$METRIC`` is the series' name, a legend's ``{{label}}`` that label's value; a query shows the `top`
    series of each moment. A SingleStat shows its last value. Raises `ContractError` for a metric without charts and for both or
    neither of flows and server.

    >>> from flowkit.manifests import FlowMetricSpec
    >>> charts(FlowMetric(FlowMetricSpec("m", "Counter")), pd.DataFrame())
    Traceback (most recent call last):
    flowkit.errors.ContractError: FlowMetric 'm' has no charts: write spec.charts
    """
    if not metric.spec.charts:
        raise ContractError(f"FlowMetric '{metric.spec.name}' has no charts: write spec.charts")
    if (flows is None) == (server is None):
        raise ContractError("charts are drawn of flows, or of a server=: give one of them")

    # Here, for the other figures need neither a server nor PromQL.
    from flowkit.metric.promql import promql
    from flowkit.sources.prometheus import read_metric

    def ask(query: str) -> pd.DataFrame:
        with warnings.catch_warnings():
            # An empty chart says so itself.
            warnings.simplefilter("ignore", NothingMatched)
            return promql(query, metric, flows, **when) if server is None else read_metric(query, server, **when)

    return [_figure(chart, metric, ask) for chart in metric.spec.charts]


def _figure(chart: Chart, metric: FlowMetric, ask: Callable[[str], pd.DataFrame]) -> go.Figure:
    go = graph_objects()
    unit, format_ = _UNITS.get(chart.unit, ("", "~s"))
    axis = {"gridcolor": LINE, "zeroline": False}
    figure = go.Figure(
        layout={
            "title": {"text": label(chart.title)},
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": GROUND,
            "font": {"color": INK},
            "xaxis": axis,
            "yaxis": {**axis, "title": {"text": unit}, "tickformat": format_, "rangemode": "tozero"},
        }
    )
    for query in chart.queries:
        table = ask(f"topk({query.top}, {query.promql.replace('$METRIC', metric.name)})")
        if chart.type == "SingleStat":
            _add_stat(figure, table, format_)
        elif len(table):
            _add_lines(figure, table, chart, query)
    if not figure.data:
        figure.update_layout(title={"text": f"{label(chart.title)}: no data"})
    return figure


def _add_stat(figure: go.Figure, table: pd.DataFrame, format_: str) -> None:
    if len(table):
        value = table.sort_values("time")["value"].iloc[-1]
        figure.add_trace({"type": "indicator", "mode": "number", "value": value, "number": {"valueformat": format_}})


def _add_lines(figure: go.Figure, table: pd.DataFrame, chart: Chart, query: ChartQuery) -> None:
    names = [name for name in table.columns if name not in ("time", "value")]
    grouped = table.groupby(names, observed=True, sort=False) if names else [((), table)]
    for texts, rows in grouped:
        labels = {name: str(text) for name, text in zip(names, texts, strict=True)}
        figure.add_trace(
            {
                "type": "scatter",
                "x": rows["time"].tolist(),
                "y": rows["value"].tolist(),
                "name": label(_legend(query.legend, labels)),
                **_HOW[chart.type],
            }
        )


def _legend(template: str, labels: dict[str, str]) -> str:
    """A legend with its labels filled in; without a template the labels themselves.

    >>> _legend("{{port}} of {{ workload }}", {"port": "443", "workload": "web"})
    '443 of web'
    """
    if template:
        return _WORD.sub(lambda found: str(labels.get(found[1], "")), template)
    return ", ".join(f"{name}={text}" for name, text in labels.items() if text)
