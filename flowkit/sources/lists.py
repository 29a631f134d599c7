"""List fields from text: JSON arrays, lists as Go prints them (``[SYN ACK]``), and single values of older records."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

_GO_LIST = re.compile(r"\[(.*)\]", re.DOTALL)
_GO_MAP = re.compile(r"map\[([^\]]*)\]")
_GO_PAIR = re.compile(r"(?:^| )(\w+):")


def lists(texts: pd.Series[Any], kind: str) -> tuple[pd.Series[Any], list[str]]:
    """Read a column of texts as lists of `kind` (``texts``, ``ints``, ``maps``, ``flags``), each distinct text once.

    A single value is a list of one; ``Flags`` may also be a number, which stays one. Second result: texts that are no such
    list; they are missing afterwards.

    >>> lists(pd.Series(["[1,0]", "[1 0]", "1", "up"]), "ints")[0].tolist()
    [[1, 0], [1, 0], [1], None]
    """
    codes, distinct = pd.factorize(texts)
    values = np.empty(len(distinct) + 1, dtype=object)
    for place, text in enumerate(distinct):
        values[place] = _parsed(str(text), _ITEMS[kind], kind)
    wrong = np.flatnonzero([value is None for value in values[:-1]])
    spoiled = [str(distinct[code]) for code in codes[np.isin(codes, wrong)]] if len(wrong) else []
    # The last place is that of missing texts, whose code is -1.
    return pd.Series(values[codes], dtype=object), spoiled


def _parsed(text: str, item: Callable[[Any], Any], kind: str) -> Any:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = _go_list(text, kind)
    if kind == "flags" and not isinstance(value, list) and _whole(value) is not None:
        return _whole(value)
    items = [item(one) for one in (value if isinstance(value, list) else [value])]
    return None if any(one is None for one in items) else items


def _go_list(text: str, kind: str) -> Any:
    """A list as Go's ``%v`` prints it; any other text is itself."""
    found = _GO_LIST.fullmatch(text.strip())
    if not found:
        return text
    inside = found.group(1)
    return [_go_map(one) for one in _GO_MAP.findall(inside)] if kind == "maps" else inside.split()


def _go_map(text: str) -> dict[str, str]:
    """``Action:allow Name:my policy``: a value reaches to the next key."""
    marks = list(_GO_PAIR.finditer(text))
    ends = [mark.start() for mark in marks[1:]] + [len(text)]
    return {mark.group(1): text[mark.end() : end] for mark, end in zip(marks, ends, strict=True)}


def _whole(value: Any) -> int | None:
    if isinstance(value, float) and not value.is_integer():
        return None
    try:
        return None if isinstance(value, bool) else int(value)
    except (TypeError, ValueError, OverflowError):
        return None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None if isinstance(value, list | dict) else json.dumps(value)


def _map(value: Any) -> dict[str, Any] | None:
    return value if isinstance(value, dict) else None


_ITEMS: dict[str, Callable[[Any], Any]] = {"texts": _text, "ints": _whole, "maps": _map, "flags": _text}
