"""Tables and sentences for a terminal: aligned, without the control characters a stranger may have put into a name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from flowkit.contract import Provenance
from flowkit.contract.plain import plain

_GAP = "  "


def text_table(table: pd.DataFrame, columns: Sequence[str] | None = None) -> str:
    """Lay a table out as aligned text, numbers to the right, missing values empty.

    >>> print(text_table(pd.DataFrame({"client": ["shop/api"], "port": [443]})))
    client    port
    shop/api   443
    """
    shown = table if columns is None else table[list(columns)]
    cells = [cell_texts(shown[name]) for name in shown.columns]
    widths = [max([len(str(name)), *map(len, column)]) for name, column in zip(shown.columns, cells, strict=True)]
    right = [pd.api.types.is_numeric_dtype(shown[name]) for name in shown.columns]
    header = [plain(name) for name in shown.columns]
    rows = [header, *(list(row) for row in zip(*cells, strict=True))]
    return "\n".join(_line(row, widths, right) for row in rows)


def cell_texts(column: pd.Series[Any]) -> list[str]:
    """What stands in the cells of a column for a person to read: counts in thousands, times in UTC, missing empty.

    >>> cell_texts(pd.Series([1234, None], dtype="Int64", name="bytes"))
    ['1,234', '']
    """
    counted = _is_count(str(column.name))
    return [_cell(value, counted=counted) for value in column.tolist()]


def _is_count(name: str) -> bool:
    """Ports and protocol numbers are names: nobody counts them in thousands."""
    return not name.lower().endswith(("port", "proto", "protocol", "dscp", " id", "type", "code"))


def _cell(value: Any, *, counted: bool) -> str:
    if value is None or value is pd.NA or value is pd.NaT or value != value:
        return ""
    if isinstance(value, pd.Timestamp):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    return f"{value:,}" if counted and isinstance(value, int) else plain(value)


def _line(row: list[str], widths: list[int], right: list[bool]) -> str:
    cells = (text.rjust(w) if r else text.ljust(w) for text, w, r in zip(row, widths, right, strict=True))
    return _GAP.join(cells).rstrip()


def loss_lines(provenance: Provenance) -> list[str]:
    """What a reader must know of the data behind a result: what was lost, what was folded, then notes, one line each."""
    lost = [f"left out: {count:,} {plain(reason)}" for reason, count in provenance.losses.items()]
    sampled = provenance.sampling if provenance.sampling and provenance.sampling > 1 else None
    warning = [f"sampled 1:{sampled}: what is not seen may still exist"] if sampled else []
    folded = [f"folded: {count:,} {plain(reason)}" for reason, count in provenance.folded.items()]
    return [*lost, *folded, *warning, *map(plain, provenance.notes)]
