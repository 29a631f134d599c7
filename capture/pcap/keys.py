"""Flow keys into flow numbers, by a 64-bit hash that is never trusted: an exact check of the key columns stands behind it.

A collision falls back to numbering by the columns themselves.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from capture.pcap.octets import I64, U64
from capture.pcap.packets import Key

_MIX = [np.uint64(odd) for odd in (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0xD6E8FEB86659FD93)]


def numbered(key: Key) -> tuple[I64, I64]:
    """Number the distinct keys: the flow number of each row, and for each flow its first row.

    >>> three = np.array([9, 4, 9], np.uint64)
    >>> [numbers.tolist() for numbers in numbered(Key(three, three, three, three, three))]
    [[0, 1, 0], [0, 1]]
    """
    flow, _ = pd.factorize(hashed(key))
    first_row = _first_rows(flow)
    # A column of zeros, as the upper halves of IPv4 addresses are, tells nothing apart.
    telling = [column for column in key.columns if column.any()]
    if all(bool((column[first_row][flow] == column).all()) for column in telling):
        return flow, first_row
    flow = _numbered_by_columns(key)
    return flow, _first_rows(flow)


def _first_rows(flow: I64) -> I64:
    first = np.empty(int(flow.max()) + 1 if len(flow) else 0, np.int64)
    first[flow[::-1]] = np.arange(len(flow) - 1, -1, -1)
    return first


def _numbered_by_columns(key: Key) -> I64:
    order = np.lexsort(key.columns)
    new = np.zeros(len(key), np.int64)
    for column in key.columns:
        ordered = column[order]
        new[1:] |= ordered[1:] != ordered[:-1]
    flow = np.empty(len(key), np.int64)
    flow[order] = np.cumsum(new)
    return flow


def hashed(key: Key) -> U64:
    """Mix the key into 64 bits (multiply and shift, after splitmix64)."""
    mixed: U64 = key.src_lo * _MIX[0]
    mixed ^= mixed >> np.uint64(29)
    mixed += key.dst_lo
    mixed *= _MIX[1]
    mixed ^= mixed >> np.uint64(32)
    mixed += key.word
    mixed *= _MIX[2]
    if key.src_hi.any() or key.dst_hi.any():
        # Nothing is added for IPv4, so that a key's hash does not depend on its neighbours.
        turned: U64 = (key.dst_hi << np.uint64(7)) | (key.dst_hi >> np.uint64(57))
        mixed += key.src_hi * _MIX[3] + turned * _MIX[1]
    mixed ^= mixed >> np.uint64(30)
    return mixed
