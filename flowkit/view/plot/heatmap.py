"""The matrix as a plotly heat map: clients down, servers across, logarithmic colour."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from flowkit.errors import ContractError
from flowkit.matrix.endpoints import side_names
from flowkit.matrix.flowmatrix import MEASURES
from flowkit.view.names import plural
from flowkit.view.plot.theme import GROUND, INK, LINE, RAMP, amount, graph_objects, label, log_ticks

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from flowkit.matrix import FlowMatrix

MOST = 300
LEVELS = ("workload", "namespace")
LABELLED = 90
CELL, LETTER = 19, 6


def heatmap(matrix: FlowMatrix, measure: str = "connections", by: str | None = None) -> go.Figure:
    """Draw `measure` (connections, flows, bytes or packets) of every client → server as a plotly figure.

    `by` is workload or namespace; without it workloads, unless there are more than 300 on a side: a cell smaller than a
    pixel would be lost, so namespaces stand for them and the title says so. Cells without traffic are blank; refused and
    unanswered edges count, `matrix.answered` leaves them out. Raises `ContractError` for an unknown measure or level,
    `FlowkitError` without plotly.

    >>> import pandas as pd
    >>> from flowkit.matrix import EDGE_COLUMNS, FlowMatrix
    >>> heatmap(FlowMatrix(pd.DataFrame(columns=list(EDGE_COLUMNS)))).layout.title.text
    'Connections, client → server: no traffic'
    """
    _check(measure, by)
    grid = _grid(matrix, measure, by)
    go = graph_objects()
    figure = go.Figure(layout=_layout(grid))
    if grid.values:
        figure.add_trace(go.Heatmap(**_trace(grid)))
    return figure


@dataclass(frozen=True)
class _Grid:
    """Names and groups of rows and columns in the order of `endpoints`, and the values of the cells that have any."""

    rows: pd.DataFrame
    columns: pd.DataFrame
    values: dict[tuple[int, int], int]
    measure: str
    remark: str


def _check(measure: str, by: str | None) -> None:
    if measure not in MEASURES:
        raise ContractError(f"no measure '{measure}': choose one of {', '.join(MEASURES)}")
    if by is not None and by not in LEVELS:
        raise ContractError(f"no level '{by}': choose one of {', '.join(LEVELS)}")


def _grid(matrix: FlowMatrix, measure: str, by: str | None) -> _Grid:
    ends = matrix.endpoints
    crowded = max(int(ends["client"].sum()), int(ends["server"].sum())) > MOST
    level = "group" if by == "namespace" or crowded else "endpoint"
    remark = " by namespace" if level == "group" else ""
    if crowded and by != "namespace":
        remark += f" (more than {MOST} workloads on a side)"
    cells = _cells(matrix, measure, level)
    kept, few = _busiest(cells)
    if few:
        remark += f", the {MOST} busiest of each side"
    order = ends.assign(name=ends[level]).drop_duplicates("name")[["name", "group"]]
    rows, columns = (order[order["name"].isin(kept[side])].reset_index(drop=True) for side in ("client", "server"))
    row_at, column_at = ({name: at for at, name in enumerate(side["name"])} for side in (rows, columns))
    cell_values = zip(kept["client"], kept["server"], kept["value"], strict=True)
    values = {(row_at[client], column_at[server]): int(value) for client, server, value in cell_values}
    return _Grid(rows, columns, values, measure, remark)


def _cells(matrix: FlowMatrix, measure: str, level: str) -> pd.DataFrame:
    named = {side: side_names(matrix.edges, end)[level] for side, end in (("client", "from"), ("server", "to"))}
    table = pd.DataFrame({**named, "value": matrix.edges[measure].astype("int64")})
    return table.groupby(["client", "server"], as_index=False).sum()


def _busiest(cells: pd.DataFrame) -> tuple[pd.DataFrame, bool]:
    """Leave out all but the `MOST` busiest names of each side; the second value tells whether any were left out."""
    kept = cells
    for side in ("client", "server"):
        total = cells.groupby(side)["value"].sum()
        kept = kept[kept[side].isin(total.nlargest(MOST).index)]
    return kept, len(kept) < len(cells)


def _trace(grid: _Grid) -> dict[str, Any]:
    shape = (len(grid.rows), len(grid.columns))
    ticks = log_ticks(list(grid.values.values()), grid.measure)
    low, high = ticks["tickvals"][0], ticks["tickvals"][-1]
    return {
        "z": _fill(shape, {at: math.log10(max(1, value)) for at, value in grid.values.items()}),
        "text": _fill(shape, {at: _sentence(grid, *at) for at in grid.values}),
        "hovertemplate": "%{text}<extra></extra>",
        "hoverongaps": False,
        "colorscale": list(RAMP),
        "zmin": low,
        "zmax": high if high > low else low + 1,
        "xgap": 1 if max(shape) <= LABELLED else 0,
        "ygap": 1 if max(shape) <= LABELLED else 0,
        "colorbar": {**ticks, "title": {"text": grid.measure, "side": "top"}, "thickness": 12, "outlinewidth": 0},
    }


def _fill(shape: tuple[int, int], values: dict[tuple[int, int], Any]) -> list[list[Any]]:
    """A table of None, which is null in JSON and blank on screen, with the values put in."""
    table: list[list[Any]] = [[None] * shape[1] for _ in range(shape[0])]
    for (row, column), value in values.items():
        table[row][column] = value
    return table


def _sentence(grid: _Grid, row: int, column: int) -> str:
    unit = "" if grid.measure == "bytes" else f" {grid.measure}"
    value = amount(grid.values[row, column], grid.measure) + unit
    return f"{label(grid.rows['name'][row])} → {label(grid.columns['name'][column])}<br><b>{value}</b>"


def _layout(grid: _Grid) -> dict[str, Any]:
    what = f"{grid.measure.capitalize()}, client → server{grid.remark}"
    rows, columns = len(grid.rows), len(grid.columns)
    axes = _axis(grid.columns, "server"), _axis(grid.rows, "client")
    room = [LETTER * max((len(text) for text in axis["ticktext"]), default=0) for axis in axes]
    size = "no traffic" if not grid.values else f"{plural(rows, 'client')} × {plural(columns, 'server')}"
    return {
        "title": {"text": f"{what}: {size}", "font": {"size": 15}},
        "width": round(180 + room[1] + max(220, min(1000, CELL * columns))),
        "height": round(130 + room[0] + max(120, min(1100, CELL * rows))),
        "font": {"color": INK, "size": 11},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": GROUND,
        "margin": {"l": 10, "r": 10, "t": 60, "b": 10},
        "xaxis": {**axes[0], "side": "bottom", "tickangle": -90},
        "yaxis": {**axes[1], "autorange": "reversed"},
        "shapes": [*_separators(grid.columns, "x", "y"), *_separators(grid.rows, "y", "x")],
    }


def _axis(ends: pd.DataFrame, title: str) -> dict[str, Any]:
    """Positions are numbers and names only their text, so that no name can be taken for a number, a date or a key."""
    at, text = list(range(len(ends))), [label(name) for name in ends["name"]]
    if len(ends) > LABELLED:
        middle = pd.Series(at).groupby(ends["group"], sort=False).mean()
        at, text = middle.tolist(), [label(name) for name in middle.index]
    return {
        "title": {"text": title},
        "tickvals": at,
        "ticktext": text,
        "automargin": True,
        "showgrid": False,
        "zeroline": False,
        "ticks": "",
    }


def _separators(ends: pd.DataFrame, axis: str, other: str) -> list[dict[str, Any]]:
    """Thin lines between namespaces."""
    groups = ends["group"].tolist()
    borders = [at - 0.5 for at in range(1, len(groups)) if groups[at] != groups[at - 1]]
    if len(borders) == len(groups) - 1:  # every line is a namespace: nothing to set apart
        return []
    line = {"type": "line", "line": {"color": LINE, "width": 1}, f"{other}ref": f"{other} domain"}
    return [{**line, f"{axis}0": at, f"{axis}1": at, f"{other}0": 0, f"{other}1": 1} for at in borders]
