"""Rows of bits, one a rule: packed into words, so that which rules match is one AND, and the first that does is counted out."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from flowkit.enrich.sides import Codes, Mask

Words = npt.NDArray[np.uint64]
_WIDTH = 64


def packed(rules: Mask) -> Words:
    """Words of a table whose rows are rules and whose columns become rows of bits.

    >>> packed(np.array([[True, False], [True, True]])).tolist()
    [[3], [2]]
    """
    octets = np.packbits(rules.T, axis=1, bitorder="little")
    words = np.zeros((octets.shape[0], -(-max(octets.shape[1], 1) // 8)), dtype=np.uint64)
    words.view(np.uint8)[:, : octets.shape[1]] = octets
    return words


def first(rows: Words, otherwise: int) -> Codes:
    """The number of the first bit that is set in every row, `otherwise` where none is.

    >>> first(np.array([[0, 4], [8, 1], [0, 0]], dtype=np.uint64), -1).tolist()
    [66, 3, -1]
    """
    filled = rows != 0
    word = filled.argmax(axis=1)
    value = rows[np.arange(len(rows)), word]
    below = np.bitwise_count((value & (~value + np.uint64(1))) - np.uint64(1)).astype(np.int64)
    result: Codes = np.where(filled.any(axis=1), word * _WIDTH + below, otherwise)
    return result


def before(bit: Codes, words: int) -> Words:
    """Rows of words in which all bits below `bit` are set.

    >>> before(np.array([0, 2, 65]), 2).tolist()
    [[0, 0], [3, 0], [18446744073709551615, 1]]
    """
    left = np.clip(bit[:, None] - np.arange(words) * _WIDTH, 0, _WIDTH)
    partly = (np.uint64(1) << np.minimum(left, _WIDTH - 1).astype(np.uint64)) - np.uint64(1)
    return np.where(left == _WIDTH, np.uint64(np.iinfo(np.uint64).max), partly)


def pairs(rows: Words) -> tuple[Codes, Codes]:
    """Row and bit of every bit that is set, row by row.

    >>> [each.tolist() for each in pairs(np.array([[5], [2]], dtype=np.uint64))]
    [[0, 0, 1], [0, 2, 1]]
    """
    bits = np.unpackbits(np.ascontiguousarray(rows).view(np.uint8), axis=1, bitorder="little")
    found: tuple[npt.NDArray[Any], ...] = np.nonzero(bits)
    return found[0].astype(np.int64), found[1].astype(np.int64)
