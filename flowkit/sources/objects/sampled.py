"""A look at a few objects all over a file: which keys they have, and which of these hold plain numbers."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from flowkit.contract import FIELDS
from flowkit.sources.objects.coded import EXACT
from flowkit.sources.objects.scan import objects_in

_PLACES = 48
_AROUND = 1 << 15
_OBJECTS = 12
_LOOSE = (b'" :', b'"\t:', b'"\r:', b'"\n:')


@dataclass(frozen=True)
class Sampled:
    """Keys, and those number fields whose values are all whole numbers that a float holds."""

    keys: frozenset[str]
    numbers: frozenset[str]


def sampled(path: Path, form: str) -> Sampled | None:
    """Look into lines, or into an array; None where something is no JSON object, or spaced as no program writes it."""
    keys: set[str] = set()
    others: set[str] = set()
    for piece, whole in _pieces(path):
        if any(mark in piece for mark in _LOOSE):
            return None
        objects = _lines(piece, whole) if form == "newline_delimited" else _items(piece)
        for value in islice(objects, _OBJECTS):
            if not isinstance(value, dict):
                return None
            keys |= value.keys()
            others.update(key for key, each in value.items() if not _is_plain(each))
    numbers = {key for key in keys - others if key in FIELDS and FIELDS[key].is_number}
    return Sampled(frozenset(keys), frozenset(numbers))


def _is_plain(value: Any) -> bool:
    return type(value) is int and abs(value) < EXACT


def _pieces(path: Path) -> Iterator[tuple[bytes, slice]]:
    """Pieces of the file, and which of their lines are whole."""
    size = path.stat().st_size
    with path.open("rb") as stream:
        for place in np.unique(np.linspace(0, max(size - _AROUND, 0), _PLACES, dtype=np.int64)).tolist():
            stream.seek(place)
            yield stream.read(_AROUND), slice(1 if place else 0, None if place + _AROUND >= size else -1)


def _lines(piece: bytes, whole: slice) -> Iterator[Any]:
    """The values of whole lines; None for what is none."""
    for line in piece.split(b"\n")[whole]:
        if line.strip():
            yield _value(line.removeprefix(b"\xef\xbb\xbf"))


def _value(line: bytes) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _items(piece: bytes) -> Iterable[Any]:
    """Whole objects of an array, which may begin and end anywhere in the piece."""
    return (json.loads(text) for _, text, whole in objects_in(piece.decode("utf-8", "ignore")) if whole)
