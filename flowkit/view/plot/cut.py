"""What figures have in common that show the largest of many: what is left over becomes one row, and the title says so."""

from __future__ import annotations

from typing import Any

import pandas as pd

from flowkit.errors import ContractError
from flowkit.matrix.endpoints import side_names
from flowkit.matrix.flowmatrix import MEASURES, FlowMatrix
from flowkit.view.fallback import port_text
from flowkit.view.plot.theme import INK

LEVELS = ("workload", "namespace")


def check_measure(measure: str) -> None:
    """Raise `ContractError` for a measure that no edge has."""
    if measure not in MEASURES:
        raise ContractError(f"no measure '{measure}': choose one of {', '.join(MEASURES)}")


def check_level(by: str) -> None:
    """Raise `ContractError` for a level that no figure has."""
    if by not in LEVELS:
        raise ContractError(f"no level '{by}': choose one of {', '.join(LEVELS)}")


def amounts(matrix: FlowMatrix, measure: str, by: str = "workload") -> pd.DataFrame:
    """Sum `measure` by ``client``, ``server`` (their names at a level) and ``port`` (``443/TCP``), as ``value``."""
    level = "group" if by == "namespace" else "endpoint"
    edges = matrix.edges
    ports = edges[["port", "proto"]].drop_duplicates()
    words = {
        (port, proto): port_text(-1 if pd.isna(port) else int(port), int(proto))
        for port, proto in zip(ports["port"], ports["proto"], strict=True)
    }
    numbers = zip(edges["port"], edges["proto"], strict=True)
    table = pd.DataFrame(
        {
            "client": side_names(edges, "from")[level].to_numpy(),
            "server": side_names(edges, "to")[level].to_numpy(),
            "port": pd.Series([words[one] for one in numbers], dtype="str").to_numpy(),
            "value": edges[measure].astype("int64").to_numpy(),
        }
    )
    return table.groupby(["client", "server", "port"], as_index=False).agg(value=("value", "sum"))


def with_others(table: pd.DataFrame, column: str, most: int) -> tuple[pd.DataFrame, int]:
    """Put all but the `most` largest names of a column under one name that says how many; second, how many those are."""
    total = table.groupby(column)["value"].sum()
    kept = total.nlargest(most).index
    few = len(total) - len(kept)
    if not few:
        return table, 0
    others = table.assign(**{column: table[column].where(table[column].isin(kept), f"{few:,} others")})
    names = [name for name in table.columns if name != "value"]
    return others.groupby(names, as_index=False).agg(value=("value", "sum")), few


def base_layout(title: str, **more: Any) -> dict[str, Any]:
    """The layout of every figure: a title, ink that suits light and dark pages, no ground of its own."""
    return {
        "title": {"text": title, "font": {"size": 15}},
        "font": {"color": INK, "size": 11},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "margin": {"l": 10, "r": 10, "t": 60, "b": 10},
        **more,
    }
