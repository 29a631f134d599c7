"""RE2, NetObserv's regular expressions, by the copy inside DuckDB: Python's differ in look-ahead, ``$``, ``\\d`` and more."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache, lru_cache
from typing import Any

import duckdb

_REACH = 10  # RE2 rewrites with one digit


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


def whole(pattern: str, texts: Iterable[str]) -> frozenset[str]:
    """Those of `texts` that `pattern` matches from beginning to end, as Prometheus' label matchers do.

    >>> sorted(whole("a|b", ["a", "ab", "b"]))
    ['a', 'b']
    """
    return matching(rf"\A(?:{pattern})\z", texts)


def replaced(pattern: str, template: str, texts: Iterable[str]) -> list[str | None]:
    """Each text that `pattern` matches as a whole, written as `template` says (``$1``, ``${name}``, ``$$``); None for others.

    Source: Go's ``Regexp.Expand``: a name is as long as can be, one that no group has is nothing.

    >>> replaced("(.*):(?P<port>.*)", "${port} of $1", ["db:5432", "web"])
    ['5432 of db', None]
    """
    rewrite = _rewrite(template, _groups(pattern))
    query = "SELECT CASE WHEN regexp_full_match(t, ?) THEN regexp_replace(t, ?, ?) END FROM (SELECT unnest(?::VARCHAR[]) AS t)"
    with _database().cursor() as connection:
        anchored = rf"\A(?:{pattern})\z"
        return [text for (text,) in connection.execute(query, [pattern, anchored, rewrite, list(texts)]).fetchall()]


def _groups(pattern: str) -> dict[str, int]:
    """The capturing groups of a pattern, by number and by name."""
    bare = re.sub(r"\\Q.*?(\\E|$)|\\.|\[\^?\]?(\\.|\[:\w+:\]|[^\]\\])*\]", "", pattern, flags=re.DOTALL)
    names = [found[1] or "" for found in re.finditer(r"\((?!\?)|\(\?P?<(\w+)>", bare)]
    numbers = {str(number): number for number in range(len(names) + 1)}
    return {**{name: number for number, name in enumerate(names, start=1) if name}, **numbers}


def _rewrite(template: str, groups: Mapping[str, int]) -> str:
    """A template of Go's as one of RE2's."""

    def written(found: re.Match[str]) -> str:
        name = found["brace"] or found["bare"]
        if found[0] == "$$":
            return "$"
        return f"\\{groups[name]}" if groups.get(name, _REACH) < _REACH else ""

    return re.sub(r"\$\$|\$(?:\{(?P<brace>\w+)\}|(?P<bare>\w+))", written, template.replace("\\", "\\\\"))
