"""The busiest ports and the busiest ends, as plotly bars."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from flowkit.errors import ContractError
from flowkit.matrix.endpoints import ENDS
from flowkit.view.plot.cut import amounts, base_layout, check_level, check_measure, with_others
from flowkit.view.plot.theme import RAMP, amount, graph_objects, label, linear_ticks

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from flowkit.matrix import FlowMatrix

MOST = 100


def ports(matrix: FlowMatrix, measure: str = "connections", most: int = 20) -> go.Figure:
    """Draw the `most` busiest server ports (at most 100) as bars; what is left over is one bar that says how many they are.

    Raises `ContractError` for an unknown measure, `FlowkitError` without plotly.

    >>> import pandas as pd
    >>> from flowkit.matrix import EDGE_COLUMNS, FlowMatrix
    >>> ports(FlowMatrix(pd.DataFrame(columns=list(EDGE_COLUMNS)))).layout.title.text
    'Connections by port of the server: no traffic'
    """
    check_measure(measure)
    return _bars(amounts(matrix, measure), ("port", "port of the server"), measure, most)


def top(
    matrix: FlowMatrix, end: str = "client", measure: str = "connections", by: str = "workload", most: int = 20
) -> go.Figure:
    """Draw the `most` busiest clients or servers (`end`) as bars, as `ports` does; `by` is workload or namespace.

    >>> import pandas as pd
    >>> from flowkit.matrix import EDGE_COLUMNS, FlowMatrix
    >>> top(FlowMatrix(pd.DataFrame(columns=list(EDGE_COLUMNS))), "server").layout.title.text
    'Connections by server: no traffic'
    """
    check_measure(measure)
    check_level(by)
    if end not in ENDS:
        raise ContractError(f"no end '{end}': choose {' or '.join(ENDS)}")
    level = "" if by == "workload" else ", as namespaces"
    return _bars(amounts(matrix, measure, by), (end, f"{end}{level}"), measure, most)


def _bars(table: pd.DataFrame, what: tuple[str, str], measure: str, most: int) -> go.Figure:
    if not 1 <= most <= MOST:
        raise ContractError(f"between 1 and {MOST} bars can be read, not {most}")
    column, words = what
    shown, few = with_others(table, column, most)
    sums = (
        shown.groupby(column, as_index=False).agg(value=("value", "sum")).sort_values(["value", column], kind="stable")
    )
    go = graph_objects()
    title = f"{measure.capitalize()} by {words}"
    if sums.empty:
        return go.Figure(layout=base_layout(f"{title}: no traffic"))
    count = f"the {most} busiest of {most + few:,}" if few else f"all {len(sums)}"
    places, names = list(range(len(sums))), [label(name) for name in sums[column]]
    values = sums["value"].tolist()
    texts = [amount(value, measure) for value in values]
    layout = base_layout(
        f"{title}: {count}",
        height=110 + 20 * len(sums),
        yaxis={"tickvals": places, "ticktext": names, "automargin": True, "ticks": ""},
        xaxis={"title": {"text": measure}, "rangemode": "tozero", **linear_ticks(values, measure)},
    )
    bar = go.Bar(
        x=values,
        y=places,
        orientation="h",
        marker={"color": RAMP[3]},
        text=texts,
        customdata=names,
        textposition="auto",
        hovertemplate="%{customdata}: %{text}<extra></extra>",
    )
    return go.Figure(bar, layout=layout)
