"""How much goes from whom over which port to whom, as a plotly Sankey diagram."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from flowkit.view.plot.cut import amounts, base_layout, check_level, check_measure, with_others
from flowkit.view.plot.theme import INK, amount, colour, graph_objects, label

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from flowkit.matrix import FlowMatrix

MOST = 25
PORTS = 12


def sankey(matrix: FlowMatrix, measure: str = "bytes", by: str = "namespace") -> go.Figure:
    """Draw `measure` from clients over ports to servers; `by` is namespace or workload.

    At most the 25 largest clients and servers and the 12 largest ports have a bar of their own; the rest is one bar that says
    how many they are. Raises `ContractError` for an unknown measure or level, `FlowkitError` without plotly.

    >>> import pandas as pd
    >>> from flowkit.matrix import EDGE_COLUMNS, FlowMatrix
    >>> sankey(FlowMatrix(pd.DataFrame(columns=list(EDGE_COLUMNS)))).layout.title.text
    'Bytes, client → port → server: no traffic'
    """
    check_measure(measure)
    check_level(by)
    table = amounts(matrix, measure, by)
    for column, most in (("client", MOST), ("port", PORTS), ("server", MOST)):
        table, _ = with_others(table, column, most)
    go = graph_objects()
    what = f"{measure.capitalize()}, client → port → server"
    if table.empty:
        return go.Figure(layout=base_layout(f"{what}: no traffic"))
    total = amount(int(table["value"].sum()), measure)
    tallest = max(table[column].nunique() for column in ("client", "port", "server"))
    layout = base_layout(f"{what} by {by}: {total}", height=140 + 26 * tallest)
    return go.Figure(go.Sankey(**_trace(table, measure)), layout=layout)


def _trace(table: pd.DataFrame, measure: str) -> dict[str, Any]:
    columns = ("client", "port", "server")
    nodes = [(column, name) for column in columns for name in sorted(table[column].unique())]
    place = {node: at for at, node in enumerate(nodes)}
    halves = [_links(table, place, left, right) for left, right in (("client", "port"), ("port", "server"))]
    links = pd.concat(halves, ignore_index=True)
    names = [label(name) for _, name in nodes]
    sentences = [
        f"{names[source]} → {names[target]}: {amount(value, measure)}"
        for source, target, value in links.itertuples(index=False)
    ]
    return {
        "arrangement": "snap",
        "node": {
            "label": names,
            "color": [INK if column == "port" else colour(name) for column, name in nodes],
            "pad": 8,
            "thickness": 12,
            "line": {"width": 0},
            "hovertemplate": "%{label}<extra></extra>",
        },
        "link": {
            "source": links["source"].tolist(),
            "target": links["target"].tolist(),
            "value": links["value"].tolist(),
            "customdata": sentences,
            "color": "rgba(128,128,128,0.28)",
            "hovertemplate": "%{customdata}<extra></extra>",
        },
    }


def _links(table: pd.DataFrame, place: dict[tuple[str, str], int], left: str, right: str) -> pd.DataFrame:
    summed = table.groupby([left, right], as_index=False)["value"].sum()
    ends = {
        end: [place[column, name] for name in summed[column]] for end, column in (("source", left), ("target", right))
    }
    return pd.DataFrame({**ends, "value": summed["value"]})
