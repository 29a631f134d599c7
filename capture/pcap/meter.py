"""Packets → flows: one row a key, with sums, first and last time and the set of flags.

Packets are gathered until grouping pays, each heap is grouped by a 64-bit hash of the key, and partial results are merged:
memory follows the number of flows, not of packets. The hash is never trusted: an exact check of the key columns stands
behind it, and a collision falls back to grouping by the columns themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from capture.pcap.octets import I64, U16, U64
from capture.pcap.packets import Key, Packets, join_keys, join_packets

# Measured: grouping less at once costs more, grouping more gains nothing.
_HEAP = 300_000
_MERGE_ABOVE = 2_000_000

_MIX = [np.uint64(odd) for odd in (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0xD6E8FEB86659FD93)]


@dataclass(frozen=True)
class Flows:
    """One row a flow: key, packets, octets, first and last time (ns since the epoch), the agent's flags."""

    key: Key
    packets: I64
    octets: I64
    first: I64
    last: I64
    flags: U16

    def __len__(self) -> int:
        return len(self.packets)


class Meter:
    """Flows so far; `add` packets, then read `flows`."""

    def __init__(self, heap: int = _HEAP) -> None:
        self._size, self._heap = heap, list[Packets]()
        self._waiting = self._held = 0
        self._parts: list[Flows] = []

    def add(self, packets: Packets) -> None:
        """Count packets, in any order."""
        self._heap.append(packets)
        self._waiting += len(packets)
        if self._waiting >= self._size:
            self._settle()

    def flows(self) -> Flows:
        """All flows so far, one row a key, in no particular order."""
        self._settle()
        self._parts = [merge(self._parts)]
        return self._parts[0]

    def _settle(self) -> None:
        if self._waiting:
            self._parts.append(group(join_packets(self._heap)))
            self._held += len(self._parts[-1])
        self._heap, self._waiting = [], 0
        if self._held > _MERGE_ABOVE:
            self._parts = [merge(self._parts)]
            self._held = len(self._parts[0])


def group(packets: Packets) -> Flows:
    """Group packets into flows.

    >>> two = np.array([1, 1], np.uint64)
    >>> flows = group(Packets(Key(two, two, two, two, two), np.array([60, 40]), np.array([5, 9]), np.array([2, 16], "u2")))
    >>> flows.octets.tolist(), flows.last.tolist(), flows.flags.tolist()
    ([100], [9], [18])
    """
    flow, first_row = numbered(packets.key)
    count = len(first_row)
    octets = np.zeros(count, np.int64)
    np.add.at(octets, flow, packets.octets)
    first, last = _times(flow, packets.time, first_row)
    flags = np.zeros(count, np.uint16)
    np.bitwise_or.at(flags, flow, packets.flags)
    packet_count = np.bincount(flow, minlength=count).astype(np.int64)
    return Flows(packets.key.take(first_row), packet_count, octets, first, last, flags)


def merge(parts: Sequence[Flows]) -> Flows:
    """One row a key out of partial results.

    >>> merge([]).packets.tolist()
    []
    """
    if len(parts) == 1:
        return parts[0]
    key = join_keys([part.key for part in parts]) if parts else Key(*[np.zeros(0, np.uint64)] * 5)
    flow, first_row = numbered(key)
    whole = _nothing(key.take(first_row))
    np.add.at(whole.packets, flow, _column(parts, "packets"))
    np.add.at(whole.octets, flow, _column(parts, "octets"))
    np.minimum.at(whole.first, flow, _column(parts, "first"))
    np.maximum.at(whole.last, flow, _column(parts, "last"))
    np.bitwise_or.at(whole.flags, flow, _column(parts, "flags"))
    return whole


def _nothing(key: Key) -> Flows:
    """Flows of no packet yet: sums of nothing, a first time after all and a last before all."""
    none, ends = np.zeros(len(key), np.int64), np.iinfo(np.int64)
    first, last = np.full(len(key), ends.max), np.full(len(key), ends.min)
    return Flows(key, none, none.copy(), first, last, np.zeros(len(key), np.uint16))


def _column(parts: Sequence[Flows], name: str) -> np.ndarray:
    columns = [getattr(part, name) for part in parts]
    return np.concatenate(columns) if columns else np.zeros(0, np.int64)


def _times(flow: I64, time: I64, first_row: I64) -> tuple[I64, I64]:
    """First and last time of each flow; captures are nearly always in time order, where the last one written stays."""
    first, last = time[first_row], time[first_row]
    if bool((time[1:] >= time[:-1]).all()):
        last[flow] = time
    else:
        np.minimum.at(first, flow, time)
        np.maximum.at(last, flow, time)
    return first, last


def numbered(key: Key) -> tuple[I64, I64]:
    """Number the distinct keys: the flow number of each row, and for each flow its first row.

    >>> three = np.array([9, 4, 9], np.uint64)
    >>> [numbers.tolist() for numbers in numbered(Key(three, three, three, three, three))]
    [[0, 1, 0], [0, 1]]
    """
    flow, _ = pd.factorize(hashed(key))
    first_row = _first_rows(flow)
    if all(bool((column[first_row][flow] == column).all()) for column in key.columns):
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
        mixed ^= mixed >> np.uint64(31)
        turned: U64 = (key.dst_hi << np.uint64(7)) | (key.dst_hi >> np.uint64(57))
        mixed += key.src_hi * _MIX[3] + turned * _MIX[1]
        mixed *= _MIX[0]
    mixed ^= mixed >> np.uint64(30)
    return mixed
