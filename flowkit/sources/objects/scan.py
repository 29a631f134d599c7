"""JSON objects out of text that is no JSON: cut, glued, with commas and brackets between, or damaged in places."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from flowkit.contract import FIELDS

_BETWEEN = re.compile(r"[\s,\[\]\ufeff\x00]*")
# Where reading goes on after damage: the next line, or the next object of a list.
_NEXT = re.compile(r"\n|(?<=\})\s*\]?\s*[,\[]?\s*(?=\{)")
_DECODER = json.JSONDecoder()


def objects_in(text: str) -> Iterator[tuple[int, str, bool]]:
    """Yield (offset, piece, whole): every JSON object of `text`, and every broken piece between them.

    What follows damage on the same line counts only if it has a flow's field, because it may be the inside of the broken
    object (a network event, say).

    >>> [(piece, whole) for _, piece, whole in objects_in('[{"a":1},{"b":2}][{"c"')]
    [('{"a":1}', True), ('{"b":2}', True), ('{"c"', False)]
    """
    place, damaged = 0, False
    while True:
        place = _after(_BETWEEN, text, place)
        if place >= len(text):
            return
        end, is_flow = _object_at(text, place)
        if end and (is_flow or not damaged):
            yield place, text[place:end], True
            place, damaged = end, False
            continue
        found = _NEXT.search(text, max(place + 1, end))
        until = found.end() if found else len(text)
        damaged = found is not None and found.group() != "\n"
        yield place, text[place:until], False
        place = until


def _after(pattern: re.Pattern[str], text: str, place: int) -> int:
    found = pattern.match(text, place)
    return found.end() if found else place


def _object_at(text: str, place: int) -> tuple[int, bool]:
    """Where the object that begins at `place` ends (0 when there is none), and whether it has a flow's field."""
    if text[place] != "{":
        return 0, False
    try:
        value, end = _DECODER.raw_decode(text, place)
    except (ValueError, RecursionError):
        return 0, False
    return end, any(key in FIELDS for key in value)
