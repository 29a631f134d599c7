"""IPv4 addresses in their usual spelling, all at once: on the bytes of the texts, not text by text."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

_DOT, _ZERO = ord("."), ord("0")
_LEAST = np.array([0, 0, 10, 100])  # of a part of so many digits, for leading zeros are another spelling
_LONGEST = 3

Numbers = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


def dotted(texts: pd.Index[Any]) -> tuple[npt.NDArray[np.uint32], Mask]:
    """The numbers of dotted quads, and which texts are one; others (0, False) may be addresses in another spelling.

    >>> [found.tolist() for found in dotted(pd.Index(["10.0.0.1", "10.0.0.01", "::1"]))]
    [[167772161, 0, 0], [True, False, False]]
    """
    numbers, are = np.zeros(len(texts), dtype=np.uint32), np.zeros(len(texts), dtype=bool)
    try:
        array = pa.array(texts, type=pa.large_string(), from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError):  # not all are text
        return numbers, are
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    _, bounds, content = array.buffers()
    ends = np.frombuffer(bounds, dtype=np.int64)[array.offset : array.offset + len(texts) + 1]
    octets = np.frombuffer(content, dtype=np.uint8)[: ends[-1]] if content is not None else np.zeros(0, np.uint8)
    rows, edges = _quads(octets, ends)
    value, fits = _parts(octets, edges)
    are[rows[fits]] = True
    numbers[rows[fits]] = value[fits]
    return numbers, are


def _quads(octets: npt.NDArray[np.uint8], ends: Numbers) -> tuple[Numbers, Numbers]:
    """Texts of digits and three dots, and the five edges of their four parts, each just before a part."""
    dots = np.flatnonzero(octets == _DOT)
    strange = np.flatnonzero((octets - _ZERO > 9) & (octets != _DOT))
    dot = np.searchsorted(dots, ends)
    clean = np.searchsorted(strange, ends)
    rows = np.flatnonzero((np.diff(dot) == _LONGEST) & (np.diff(clean) == 0))
    inner = dots[dot[rows][:, None] + np.arange(3)]
    return rows, np.column_stack([ends[rows] - 1, inner, ends[rows + 1]])


def _parts(octets: npt.NDArray[np.uint8], edges: Numbers) -> tuple[Numbers, Mask]:
    """The number that four parts make, and whether each of them is one of 0 to 255 as one writes it."""
    number, fits = np.zeros(len(edges), dtype=np.int64), np.ones(len(edges), dtype=bool)
    for before, after in pairwise(edges.T):
        length = after - before - 1
        part = np.zeros(len(edges), dtype=np.int64)
        for place in range(_LONGEST):
            digit = octets[np.maximum(after - 1 - place, 0)].astype(np.int64) - _ZERO
            part += np.where(length > place, digit * 10**place, 0)
        fits &= (length > 0) & (length <= _LONGEST) & (part <= 255) & (part >= _LEAST[np.clip(length, 0, _LONGEST)])
        number = number << 8 | (part & 255)
    return number, fits
