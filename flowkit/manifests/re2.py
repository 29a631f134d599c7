"""RE2, NetObserv's regular expressions, by the copy inside DuckDB: Python's differ in look-ahead, ``$``, ``\\d`` and more."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache, lru_cache
from typing import Any

import duckdb


def complaint(pattern: str) -> str | None:
    """Say what RE2 has against `pattern`; None when it is fine.

    >>> complaint("^a|b$"), complaint("(?=a)")
    (None, 'invalid perl operator: (?=')
    """
    try:
        matching(pattern, ("",))
    except duckdb.Error as error:
        return str(error).split(": ", 1)[-1].splitlines()[0]
    return None


def matching(pattern: str, texts: Iterable[str]) -> frozenset[str]:
    """Those of a few `texts` in which `pattern` is found somewhere (a search, as in Go's ``MatchString``).

    >>> sorted(matching("^SYN", ["SYN", "SYN_ACK", "ACK"]))
    ['SYN', 'SYN_ACK']
    """
    return _matching(pattern, tuple(texts))


@lru_cache(maxsize=1024)
def _matching(pattern: str, texts: tuple[str, ...]) -> frozenset[str]:
    with _database().cursor() as connection:
        query = "SELECT t FROM (SELECT unnest(?::VARCHAR[]) AS t) WHERE regexp_matches(t, ?)"
        return frozenset(text for (text,) in connection.execute(query, [list(texts), pattern]).fetchall())


@cache
def _database() -> Any:
    # Opening one takes 17 ms, a pattern half of one; with one thread, the caller's, a process may fork afterwards.
    return duckdb.connect(config={"threads": 1})
