"""All entries of a period, page by page in the order of time, none lost and none twice.

A full page may be cut amid entries of one timestamp, and Loki can only be asked from a timestamp on. So the last timestamp of
a full page is dropped and asked for again. Within one timestamp Loki itself keeps equal lines of a stream once, so an entry
that comes twice is one entry.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from flowkit.errors import SourceError

Ask = Callable[[Mapping[str, str]], dict[str, Any]]

_DAY = 24 * 3600 * 10**9  # Loki refuses periods that are too long, by default more than 30 days
_MOST = 1 << 20  # entries of one timestamp
_PATIENCE = 3


@dataclass(frozen=True)
class Period:
    """What to ask: `query` in LogQL, from `start` (ns, included) until `end` (not included), `limit` entries a page."""

    query: str
    start: int
    end: int
    limit: int = 5000


class Entry(NamedTuple):
    """One log entry: when (ns), its stream's labels as sorted pairs, and the line."""

    time: int
    labels: tuple[tuple[str, str], ...]
    line: str


class Page(NamedTuple):
    """Entries in order of time, where to go on (ns), and how many entries came twice."""

    entries: list[Entry]
    following: int
    twice: int


def pages(ask: Ask, period: Period) -> Iterator[Page]:
    """Yield the period's pages; a reader that stops may go on later with a period that starts at ``following``.

    Raises `SourceError` when one timestamp has more entries than the server gives at once, rather than losing some.
    """
    start = period.start
    while start < period.end:
        end = min(start + _DAY, period.end)
        page = _page(ask, Period(period.query, start, end, period.limit))
        yield page
        start = page.following


def _page(ask: Ask, period: Period) -> Page:
    limit = period.limit
    while True:
        found, inside = _answered(ask, period, limit)
        whole = sorted(set(inside))
        twice = len(found) - len(whole)
        if len(found) < limit:
            return Page(whole, period.end, twice)
        if not whole:
            raise SourceError("Loki answers again and again with entries of another time than it was asked for")
        last = whole[-1].time
        if last > period.start:
            return Page([entry for entry in whole if entry.time < last], last, twice)
        if limit >= _MOST:
            raise SourceError(_CROWDED.format(period.start))
        limit = _more(ask, period, limit)


def _answered(ask: Ask, period: Period, limit: int) -> tuple[list[Entry], list[Entry]]:
    """All entries of the answer, and those of the period; entries of another time are another page, so it is asked again."""
    found: list[Entry] = []
    inside: list[Entry] = []
    for _ in range(_PATIENCE):
        found = _entries(ask(_parameters(period, limit)))
        inside = [entry for entry in found if period.start <= entry.time < period.end]
        if len(inside) == len(found):
            break
    return found, inside


_CROWDED = (
    "Loki has more entries of one timestamp ({} ns) than it gives at once: narrow the query with `where`, "
    "or raise the server's max_entries_limit_per_query"
)


def _more(ask: Ask, period: Period, limit: int) -> int:
    """A larger limit for a timestamp that fills a page, if the server allows one."""
    try:
        ask(_parameters(Period(period.query, period.start, period.start + 1), limit * 2))
    except SourceError as error:
        raise SourceError(f"{_CROWDED.format(period.start)} ({error})") from None
    return limit * 2


def _parameters(period: Period, limit: int) -> dict[str, str]:
    return {
        "query": period.query,
        "start": str(period.start),
        "end": str(period.end),
        "limit": str(limit),
        "direction": "forward",
    }


def _entries(data: Mapping[str, Any]) -> list[Entry]:
    """The answer's entries in no particular order; raises `SourceError` where it has another form."""
    found = []
    try:
        for stream in data.get("result") or ():
            labels = tuple(sorted((str(key), str(value)) for key, value in stream["stream"].items()))
            found += [Entry(int(value[0]), labels, str(value[1])) for value in stream["values"]]
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise SourceError("Loki's answer does not have the form of log streams") from error
    return found
