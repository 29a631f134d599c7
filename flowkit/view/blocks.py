"""The matrix for a terminal: namespace × namespace, one block a cell, as high as the logarithm of what goes there."""

from __future__ import annotations

import math
import string
from typing import TYPE_CHECKING

import pandas as pd

from flowkit.contract.plain import plain
from flowkit.errors import ContractError
from flowkit.matrix.endpoints import side_names
from flowkit.matrix.flowmatrix import MEASURES
from flowkit.view.names import human_bytes

if TYPE_CHECKING:
    from flowkit.matrix import FlowMatrix

BLOCKS = "▁▂▃▄▅▆▇█"
NARROWEST = 24
_KEYS = string.ascii_lowercase + string.ascii_uppercase
_NAME, _CELL = 32, 2


def text_matrix(matrix: FlowMatrix, measure: str = "connections", width: int = 80) -> str:
    """Lay a matrix out in at most `width` columns of text: clients down, servers across under letters that rows name.

    Names are made fit for a terminal and cut in the middle where they do not fit. Servers that do not fit are left out,
    the least busy first, and a last line says how many and how much. Raises `ContractError` for an unknown measure.

    >>> from flowkit.matrix import matrix
    >>> flows = pd.DataFrame({"SrcAddr": ["10.0.0.2"], "DstAddr": ["10.0.0.1"], "SrcPort": [51000], "DstPort": [443],
    ...                       "Proto": [6], "Flags": [2]})
    >>> print(text_matrix(matrix(flows)).splitlines()[0])
    connections, client ↓ server →
    """
    if measure not in MEASURES:
        raise ContractError(f"no measure '{measure}': choose one of {', '.join(MEASURES)}")
    if width < NARROWEST:
        raise ContractError(f"a matrix needs {NARROWEST} columns of text, not {width}")
    cells = _cells(matrix, measure)
    if cells.empty:
        return "no traffic"
    order = matrix.endpoints["group"].drop_duplicates()
    room = min(_NAME, max(map(len, map(plain, order))), width - 2 - 4 * _CELL)
    most = min(len(_KEYS), (width - room - 2) // _CELL)
    kept = set(cells.groupby("server")["value"].sum().nlargest(most).index)
    servers = [name for name in order if name in kept]
    clients = [name for name in order if name in set(cells["client"])]
    keys = dict(zip(servers, _KEYS, strict=False))
    lines = [f"{measure}, client ↓ server →", " " * (room + 2) + " ".join(keys.values())]
    lines += [_line(name, cells, servers, room) for name in clients]
    return "\n".join([*lines, *_legend(cells, measure), *_names(keys, width), *_left_out(cells, kept, measure)])


def _cells(matrix: FlowMatrix, measure: str) -> pd.DataFrame:
    ends = {end: side_names(matrix.edges, side)["group"] for end, side in (("client", "from"), ("server", "to"))}
    table = pd.DataFrame({**ends, "value": matrix.edges[measure].astype("int64")})
    summed = table.groupby(["client", "server"], as_index=False).agg(value=("value", "sum"))
    scale = [math.log10(max(1, value)) for value in summed["value"]]
    low, high = min(scale, default=0), max(scale, default=0)
    step = (high - low) / (len(BLOCKS) - 1) or 1
    return summed.assign(block=[BLOCKS[round((one - low) / step)] for one in scale])


def _line(client: str, cells: pd.DataFrame, servers: list[str], room: int) -> str:
    mine = cells[cells["client"] == client].set_index("server")["block"]
    return f"{_cut(client, room).ljust(room)}  {' '.join(mine.get(name, '·') for name in servers)}"


def _cut(name: str, room: int) -> str:
    """The name in `room` characters; both ends of a long one tell it apart."""
    text = plain(name)
    return text if len(text) <= room else f"{text[: room // 2]}…{text[len(text) - (room - room // 2 - 1) :]}"


def _legend(cells: pd.DataFrame, measure: str) -> list[str]:
    low, high = (_amount(int(end), measure) for end in (cells["value"].min(), cells["value"].max()))
    return [f"{BLOCKS[0]} {low}  {BLOCKS[-1]} {high}  (logarithmic)  · none"]


def _names(keys: dict[str, str], width: int) -> list[str]:
    """What the letters stand for, as many as fit in a line."""
    lines = [""]
    for name, key in keys.items():
        word = f"{key} {_cut(name, min(_NAME, width - 2))}"
        if lines[-1] and len(lines[-1]) + 2 + len(word) > width:
            lines.append("")
        lines[-1] += ("  " if lines[-1] else "") + word
    return lines


def _left_out(cells: pd.DataFrame, kept: set[str], measure: str) -> list[str]:
    rest = cells[~cells["server"].isin(kept)]
    if rest.empty:
        return []
    amount = _amount(int(rest["value"].sum()), measure)
    unit = "" if measure == "bytes" else f" {measure}"
    return [f"left out: {rest['server'].nunique()} servers", f"of {amount}{unit}"]


def _amount(value: int, measure: str) -> str:
    return human_bytes(value) if measure == "bytes" else f"{value:,}"
