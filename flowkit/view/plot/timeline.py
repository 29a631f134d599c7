"""Bytes over time by the server's namespace, as stacked plotly areas."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from flowkit.matrix import FlowMatrix
from flowkit.view import times
from flowkit.view.plot.cut import base_layout, with_others
from flowkit.view.plot.theme import amount, colour, graph_objects, label, linear_ticks

if TYPE_CHECKING:
    import plotly.graph_objects as go

MOST = 12


def timeline(flows: pd.DataFrame | FlowMatrix, bins: int = times.BINS) -> go.Figure:
    """Draw the bytes of `flows` over time, stacked by the namespace of the server, in at most `bins` steps.

    A matrix alone knows of each edge only its first and last sight, between which its bytes are spread evenly; the title says
    so. At most the 12 namespaces with the most bytes have an area of their own. Raises `FlowkitError` without plotly.

    >>> import pandas as pd
    >>> from flowkit.matrix import EDGE_COLUMNS
    >>> timeline(FlowMatrix(pd.DataFrame(columns=list(EDGE_COLUMNS)))).layout.title.text
    'Bytes over time by namespace of the server: no traffic'
    """
    alone = isinstance(flows, FlowMatrix)
    table = times.timeline_of_edges(flows, bins) if isinstance(flows, FlowMatrix) else times.timeline(flows, bins)
    go = graph_objects()
    title = "Bytes over time by namespace of the server"
    if table.empty:
        return go.Figure(layout=base_layout(f"{title}: no traffic"))
    table, _ = with_others(table.rename(columns={"bytes": "value"}), "namespace", MOST)
    wide = table.pivot_table(index="time", columns="namespace", values="value", aggfunc="sum", fill_value=0)
    step = f"{(wide.index[1] - wide.index[0]).total_seconds():g} s" if len(wide) > 1 else "one step"
    remark = ", each edge spread evenly from first to last sight" if alone else ""
    highest = wide.sum(axis=1).tolist()
    layout = base_layout(
        f"{title}, in steps of {step}{remark}",
        yaxis={"title": {"text": f"bytes in {step}"}, **linear_ticks(highest, "bytes")},
        xaxis={"title": {"text": "UTC"}},
        hovermode="x unified",
    )
    return go.Figure([_area(go, wide, name) for name in wide.columns], layout=layout)


def _area(go: object, wide: pd.DataFrame, name: str) -> object:
    values = wide[name].tolist()
    return go.Scatter(  # type: ignore[attr-defined]
        x=[time.isoformat() for time in wide.index],
        y=values,
        text=[amount(value, "bytes") for value in values],
        name=label(name),
        stackgroup="bytes",
        mode="lines",
        line={"width": 0.5, "color": colour(name), "shape": "hv"},
        hovertemplate="%{text}",
    )
