"""The console's filters in one text: ``src_namespace=shop,"web"&dst_port!=443|protocol=udp``.

``,`` separates alternatives, ``&`` filters that must all hold, ``|`` groups of which one must hold. Operators: ``=`` and ``~``
(has one of the values), ``!=`` and ``!~`` (has none of them; what is absent passes), ``>=`` for numbers. What stands in double
quotes is text, its ``, & |`` included. Source: the console's URL and API form of filters.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches

from flowkit.contract.plain import plain
from flowkit.engine.query import All, Either, Not, Predicate
from flowkit.errors import SpecError
from flowkit.view.console.filter_ids import FILTER_IDS
from flowkit.view.console.ranges import Range
from flowkit.view.console.values import at_least, passes

_LONGEST = 20_000
_MOST_VALUES = 1_000
_FILTER = re.compile(r"\s*(\w+)\s*(>=|!=|!~|=|~)(.*)", re.DOTALL)


@dataclass(frozen=True)
class Asked:
    """What a filter text asks: the predicate, and the address ranges whose columns it looks at."""

    test: Predicate
    ranges: tuple[Range, ...] = ()


def asked_for(text: str) -> Asked:
    """Read a filter text of the console.

    Raises `SpecError` that names the filter and what it takes, with a hint for a misspelt one.

    >>> asked_for('dst_port=https&protocol=TCP').test.of[0]
    Condition(field='DstPort', value='443', match='Equal')
    """
    if len(text) > _LONGEST:
        raise SpecError(f"longer than {_LONGEST:,} characters", place="filters")
    groups = [[_filter(one) for one in _cut(group, "&")] for group in _cut(text, "|")]
    if sum(len(group) for group in groups) > _MOST_VALUES:
        raise SpecError(f"more than {_MOST_VALUES:,} filters", place="filters")
    ranges = (one for group in groups for asked in group for one in asked.ranges)
    return Asked(_either([_all([one.test for one in group]) for group in groups]), tuple(dict.fromkeys(ranges)))


def _filter(text: str) -> Asked:
    found = _FILTER.fullmatch(text)
    if found is None:
        raise SpecError(f"'{plain(text)[:40]}' is no filter: write one like src_namespace=shop", place="filters")
    name, operator, values = found.groups()
    if name not in FILTER_IDS:
        close = get_close_matches(name, FILTER_IDS, n=1)
        hint = f": did you mean '{close[0]}'?" if close else f": there are {', '.join(sorted(FILTER_IDS))}"
        raise SpecError(f"no filter '{plain(name)[:40]}'{hint}", place="filters")
    return _compared(name, operator, [one.strip() for one in _cut(values, ",")])


def _compared(name: str, operator: str, values: list[str]) -> Asked:
    if "" in values:
        raise SpecError(f'a value is missing: write {name}="" for empty or absent', place="filters", key=name)
    if operator == ">=":
        return Asked(_either([at_least(name, FILTER_IDS[name], value) for value in values]))
    found = [passes(name, FILTER_IDS[name], value) for value in values]
    test = _either([one for one, _ in found])
    return Asked(Not(test) if operator.startswith("!") else test, tuple(each for _, ranges in found for each in ranges))


def _either(tests: list[Predicate]) -> Predicate:
    return tests[0] if len(tests) == 1 else Either(tuple(tests))


def _all(tests: list[Predicate]) -> Predicate:
    return tests[0] if len(tests) == 1 else All(tuple(tests))


def _cut(text: str, mark: str) -> Iterator[str]:
    """The parts between marks that stand outside double quotes."""
    pieces = text.split('"')
    if len(pieces) % 2 == 0:
        raise SpecError("a text that is not closed: a double quote is missing", place="filters")
    part = ""
    for number, piece in enumerate(pieces):
        if number % 2:
            part += f'"{piece}"'
            continue
        *done, rest = piece.split(mark)
        for one in done:
            yield part + one
            part = ""
        part += rest
    yield part
