"""Durations as Prometheus writes them, and moments as people do: both in milliseconds."""

from __future__ import annotations

import re
from datetime import timedelta

import pandas as pd

from flowkit.errors import ContractError, SpecError

When = str | pd.Timestamp | float | None
_UNITS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000, "y": 31_536_000_000}
_DURATION = re.compile(r"(\d+)(ms|[smhdwy])")
_LONGEST = 100 * _UNITS["y"]


def milliseconds(duration: str | timedelta) -> int:
    """A duration as Prometheus writes it (``30s``, ``1m``, ``1h30m``), or a timedelta, in milliseconds.

    Raises `SpecError` for what is none, is zero, finer than a millisecond or longer than a hundred years.

    >>> milliseconds("1h30m"), milliseconds(timedelta(seconds=15))
    (5400000, 15000)
    """
    found = _parsed(duration) if isinstance(duration, str) else duration / timedelta(milliseconds=1)
    if not 0 < found <= _LONGEST or found % 1:
        raise SpecError(f"'{duration}' is no step: write it like 30s, 1m or 1h30m")
    return int(found)


def _parsed(text: str) -> int:
    if not re.fullmatch(rf"({_DURATION.pattern})+", text) or len(text) > 50:
        return 0
    return sum(int(count) * _UNITS[unit] for count, unit in _DURATION.findall(text))


def moment(when: When) -> int:
    """A moment in milliseconds since 1970, from seconds, text or a Timestamp; without a zone it is UTC.

    >>> moment("2026-01-12T08:00:00Z") == moment("2026-01-12 08:00") == moment(1768204800)
    True
    """
    if isinstance(when, int | float):
        return round(when * 1000)
    try:
        found = when if isinstance(when, pd.Timestamp) else pd.Timestamp(str(when))
        found = (found.tz_localize("UTC") if found.tzinfo is None else found).as_unit("ms")
        return int(found.value // 1_000_000)
    except (ValueError, OverflowError, AttributeError):
        raise ContractError(
            f"'{str(when)[:40]}' is no moment: write 2026-01-12T08:00:00Z, or seconds since 1970"
        ) from None
