"""Who talks to whom as a circle of namespaces or workloads: for a few, for a picture; the matrix is what can be read."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from flowkit.view.plot.cut import amounts, base_layout, check_level, check_measure, with_others
from flowkit.view.plot.theme import amount, colour, graph_objects, label

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from flowkit.matrix import FlowMatrix

MOST = 40  # past some dozens of ends nobody reads a network drawn as lines (facts: Ghoniem and others, 2004)
_THICKEST = 6.0
_BENT, _STEPS = 0.35, 12


def topology(matrix: FlowMatrix, measure: str = "connections", by: str = "namespace") -> go.Figure:
    """Draw each client → server as a curve that is the thicker the more goes over it, ends on a circle; `by` as in `sankey`.

    At most 40 ends of each side have a place of their own, the rest is one that says how many they are; what goes from an end
    to itself is said where the pointer is. Raises `ContractError` for an unknown measure or level.

    >>> import pandas as pd
    >>> from flowkit.matrix import EDGE_COLUMNS, FlowMatrix
    >>> topology(FlowMatrix(pd.DataFrame(columns=list(EDGE_COLUMNS)))).layout.title.text
    'Connections between namespaces: no traffic'
    """
    check_measure(measure)
    check_level(by)
    table = amounts(matrix, measure, by).groupby(["client", "server"], as_index=False).agg(value=("value", "sum"))
    table, few = _largest(table)
    go = graph_objects()
    title = f"{measure.capitalize()} between {by}s"
    if table.empty:
        return go.Figure(layout=base_layout(f"{title}: no traffic"))
    circle = _Circle(sorted({*table["client"], *table["server"]}))
    bare = {"visible": False, "range": [-1.5, 1.5]}
    count = f"the {MOST} busiest of {MOST + few}" if few else f"all {len(circle.names)}"
    layout = base_layout(
        f"{title}: {count}", xaxis=bare, yaxis={**bare, "scaleanchor": "x"}, height=720, showlegend=False
    )
    return go.Figure([*_curves(go, table, circle, measure), _ends(go, table, circle, measure)], layout=layout)


def _largest(table: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """The busiest ends of both sides together; the others as one."""
    sides = [table[[side, "value"]].set_axis(["end", "value"], axis=1) for side in ("client", "server")]
    both = pd.concat(sides, ignore_index=True)
    named, few = with_others(both, "end", MOST)
    kept = set(named["end"])
    ends = {side: table[side].where(table[side].isin(kept), f"{few:,} others") for side in ("client", "server")}
    return table.assign(**ends).groupby(["client", "server"], as_index=False).agg(value=("value", "sum")), few


@dataclass(frozen=True)
class _Circle:
    names: list[str]

    def at(self, name: str) -> tuple[float, float]:
        angle = 2 * math.pi * self.names.index(name) / len(self.names)
        return math.sin(angle), math.cos(angle)

    def curve(self, client: str, server: str) -> tuple[list[float], list[float]]:
        """A curve bent towards the middle, the two directions on two sides of the chord."""
        (x0, y0), (x1, y1) = self.at(client), self.at(server)
        x, y = (x0 + x1) * _BENT + (y1 - y0) * 0.08, (y0 + y1) * _BENT - (x1 - x0) * 0.08
        steps = [step / _STEPS for step in range(_STEPS + 1)]
        parts = [((1 - t) ** 2, 2 * t * (1 - t), t**2) for t in steps]
        return [a * x0 + b * x + c * x1 for a, b, c in parts], [a * y0 + b * y + c * y1 for a, b, c in parts]


def _curves(go: Any, table: pd.DataFrame, circle: _Circle, measure: str) -> list[Any]:
    others = table[table["client"] != table["server"]]
    highest = math.log1p(max(others["value"], default=1))
    return [_curve(go, row, circle, (measure, highest)) for row in others.itertuples(index=False)]


def _curve(go: Any, row: Any, circle: _Circle, scale: tuple[str, float]) -> Any:
    measure, highest = scale
    x, y = circle.curve(row.client, row.server)
    sentence = f"{label(row.client)} → {label(row.server)}: {amount(row.value, measure)}"
    return go.Scatter(
        x=x,
        y=y,
        mode="lines",
        line={"color": colour(row.client), "width": max(0.6, _THICKEST * math.log1p(row.value) / (highest or 1))},
        opacity=0.6,
        text=[sentence] * len(x),
        hovertemplate="%{text}<extra></extra>",
    )


def _ends(go: Any, table: pd.DataFrame, circle: _Circle, measure: str) -> Any:
    within = table[table["client"] == table["server"]].set_index("client")["value"].to_dict()
    places = [circle.at(name) for name in circle.names]
    names = [label(name) for name in circle.names]
    inside = [f"{amount(within.get(name, 0), measure)} within" for name in circle.names]
    return go.Scatter(
        x=[x for x, _ in places],
        y=[y for _, y in places],
        mode="markers+text",
        text=names,
        textposition=[_side(x, y) for x, y in places],
        marker={"size": 12, "color": [colour(name) for name in circle.names]},
        customdata=inside,
        cliponaxis=False,
        hovertemplate="%{text}: %{customdata}<extra></extra>",
    )


def _side(x: float, y: float) -> str:
    if abs(x) < 0.2:
        return "top center" if y > 0 else "bottom center"
    return "middle right" if x > 0 else "middle left"
