"""What every figure shares: plotly itself, colours that suit light and dark pages, labels that stay text, logarithmic ticks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from types import ModuleType
from typing import Any
from zlib import crc32

from flowkit.errors import FlowkitError
from flowkit.view.names import human_bytes, shown

# ColorBrewer YlGnBu without its palest and darkest parts, which vanish on white and on black pages.
RAMP = ("#c7e9b4", "#7fcdbb", "#41b6c4", "#1d91c0", "#225ea8")
INK = "#737c86"
LINE = "rgba(128,128,128,0.35)"
GROUND = "rgba(128,128,128,0.08)"
LONGEST = 48
# Okabe and Ito's palette without its black and yellow, which vanish on black and on white pages.
NAMED = ("#56b4e9", "#009e73", "#0072b2", "#d55e00", "#cc79a7", "#e69f00")


def graph_objects() -> ModuleType:
    """Import plotly, or say which extra brings it.

    >>> graph_objects().__name__
    'plotly.graph_objects'
    """
    try:
        import plotly.graph_objects as go
    except ImportError as error:
        raise FlowkitError("plots need plotly: pip install 'flowkit-net[plot]'") from error
    return go  # type: ignore[no-any-return]


def label(name: str) -> str:
    """Write a name for plotly, whose labels understand some HTML: no tag in a name may act.

    >>> label("<b>cart</b>")
    '&lt;b&gt;cart&lt;/b&gt;'
    """
    text = shown(name)
    if len(text) > LONGEST:
        text = text[: LONGEST // 2] + "…" + text[1 - LONGEST // 2 :]
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def amount(value: float, measure: str) -> str:
    """Write a value of a measure: bytes in units, counts with separators.

    >>> amount(134_100_000, "bytes"), amount(1204, "flows")
    ('134.1 MB', '1,204')
    """
    return human_bytes(value) if measure == "bytes" else f"{value:,.0f}"


def log_ticks(values: Sequence[float], measure: str) -> dict[str, Any]:
    """Ticks of a logarithmic colour bar: both ends, and the powers of ten between that do not crowd them.

    >>> log_ticks([3, 250], "flows")["ticktext"]
    ['3', '10', '100', '250']
    """
    low, high = (math.log10(max(1, end)) for end in (min(values), max(values)))
    room = (high - low) * 0.08
    between = [at for at in range(math.ceil(low), math.floor(high) + 1) if low + room < at < high - room]
    at = sorted({low, *between, high})
    return {"tickvals": at, "ticktext": [amount(round(10**tick), measure) for tick in at]}


def linear_ticks(values: Sequence[float], measure: str) -> dict[str, Any]:
    """Five ticks or fewer of a linear axis from 0, at round values, in the measure's own words.

    >>> linear_ticks([450], "flows")["ticktext"]
    ['0', '100', '200', '300', '400']
    """
    high = max(1.0, *values)
    decade = 10 ** math.floor(math.log10(high))
    step = next(one * decade for one in (0.2, 0.5, 1, 2) if high / (one * decade) < 5)
    at = [step * number for number in range(int(high // step) + 1)]
    return {"tickvals": at, "ticktext": [amount(value, measure) for value in at]}


def colour(name: str) -> str:
    """The colour of a name: the same one in every figure and on every day, of a list that colour-blind eyes tell apart.

    >>> colour("shop") == colour("shop")
    True
    """
    return NAMED[crc32(name.encode("utf-8", "surrogatepass")) % len(NAMED)]
