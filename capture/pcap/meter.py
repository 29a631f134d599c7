"""Packets → flows: one row a key (and a period, where flows are cut), with sums, first and last time and the set of flags.

Packets are gathered until grouping pays, each heap is grouped, and partial results are merged: memory follows the number of
flows, not of packets. Grouping and merging agree in any order, so heaps may come from several processes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from capture.pcap.handshake import Steps, steps
from capture.pcap.keys import hashed, numbered
from capture.pcap.octets import I64, U8, U16
from capture.pcap.packets import MACS, Key, Macs, Packets, Rows, join_keys, join_packets

__all__ = ["NO_CUTS", "Cuts", "Flows", "Heap", "Meter", "group", "hashed", "merge", "numbered"]

# Measured: grouping less at once costs more, grouping more gains nothing.
HEAP = 300_000
_MERGE_ABOVE = 1_500_000
_COUNT = np.dtype(np.int64)


@dataclass(frozen=True)
class Cuts:
    """Where one flow becomes several: at each multiple of `export` and after `idle` without a packet (ns; 0: never)."""

    export: int = 0
    idle: int = 0

    def apply(self, flow: I64, first_row: I64, first: I64, last: I64) -> tuple[I64, I64]:
        """Number flows anew, so that cut ones have several numbers, and give the first row of each.

        >>> two, times = np.array([0, 0]), np.array([1, 9])
        >>> Cuts(idle=5).apply(two, np.array([0]), times, times)[0].tolist()
        [0, 1]
        """
        if not (self.export or self.idle) or not len(flow):
            return flow, first_row
        order = np.lexsort((first, flow))
        new = np.zeros(len(flow), np.bool_)
        new[1:] = flow[order][1:] != flow[order][:-1]
        if self.export:
            period = first[order] // self.export
            new[1:] |= period[1:] != period[:-1]
        if self.idle:
            new[1:] |= first[order][1:] - _last_so_far(np.cumsum(new), last[order])[:-1] > self.idle
        number = np.empty(len(flow), np.int64)
        number[order] = np.cumsum(new)
        new[0] = True
        return number, order[new]


NO_CUTS = Cuts()


def _last_so_far(flow: I64, last: I64) -> I64:
    """The latest time of each flow's rows up to each row; flows lie together, in order of their number."""
    order = np.argsort(last, kind="stable")
    rank = np.empty(len(last), np.int64)
    rank[order] = np.arange(len(last))
    latest: I64 = np.maximum.accumulate(flow * len(last) + rank) % len(last)
    return last[order[latest]]


@dataclass(frozen=True)
class Flows:
    """One row a flow: key, packets, octets, first and last time (ns since the epoch), the agent's flags.

    `dscp` is the last packet's, `macs` are the first one's.
    """

    key: Key
    packets: I64
    octets: I64
    first: I64
    last: I64
    flags: U16
    dscp: U8
    macs: Macs

    def __len__(self) -> int:
        return len(self.packets)

    def take(self, rows: Rows) -> Flows:
        """Some of the flows."""
        columns = {field.name: getattr(self, field.name) for field in fields(Flows)}
        return Flows(**{name: column.take(rows) if name == "key" else column[rows] for name, column in columns.items()})


class Heap:
    """Packets waiting until grouping them pays."""

    def __init__(self, size: int = HEAP) -> None:
        self._size, self._parts = size, list[Packets]()
        self._waiting = 0

    def add(self, packets: Packets) -> bool:
        """Take packets in; whether it is time to group them."""
        self._parts.append(packets)
        self._waiting += len(packets)
        return self._waiting >= self._size

    def grouped(self, cuts: Cuts) -> tuple[Flows, Steps | None] | None:
        """The flows and handshake steps of all packets that wait, and forget them; None when no packet waits."""
        parts, self._parts = self._parts, []
        waiting, self._waiting = self._waiting, 0
        return _grouped(join_packets(parts), cuts) if waiting else None


class Meter:
    """Flows so far; `add` packets, then read `flows`."""

    def __init__(self, heap: int = HEAP, cuts: Cuts = NO_CUTS) -> None:
        self._heap, self._cuts = Heap(heap), cuts
        self._parts: list[Flows] = []
        self._held = 0

    def add(self, packets: Packets) -> None:
        """Count packets, in any order."""
        if self._heap.add(packets):
            self._settle()

    def take(self, flows: Flows) -> None:
        """Count packets that were grouped elsewhere, with the same cuts."""
        self._parts.append(flows)
        self._held += len(flows)
        if self._held > _MERGE_ABOVE:
            self._parts = [merge(self._parts, self._cuts)]
            self._held = len(self._parts[0]) // 2

    def flows(self) -> Flows:
        """All flows so far, one row a key (and period), in no particular order."""
        self._settle()
        self._parts = [merge(self._parts, self._cuts)]
        return self._parts[0]

    def _settle(self) -> None:
        if found := self._heap.grouped(self._cuts):
            self.take(found[0])


def group(packets: Packets, cuts: Cuts = NO_CUTS) -> Flows:
    """Group packets into flows.

    >>> two = np.array([1, 1], np.uint64)
    >>> key, none = Key(two, two, two, two, two), np.zeros(2, np.uint8)
    >>> packets = Packets(key, np.array([60, 40]), np.array([5, 9]), np.array([2, 16], "u2"), none, np.zeros(2, MACS), none)
    >>> flows = group(packets)
    >>> flows.octets.tolist(), flows.last.tolist(), flows.flags.tolist()
    ([100], [9], [18])
    """
    return _grouped(packets, cuts)[0]


def _grouped(packets: Packets, cuts: Cuts) -> tuple[Flows, Steps | None]:
    """Captures are nearly always in order of time, where the first row written is the first and the last one stays."""
    if not bool((packets.time[1:] >= packets.time[:-1]).all()):
        packets = packets.take(np.argsort(packets.time, kind="stable"))
    flow, first_row = numbered(packets.key)
    key = packets.key.take(first_row)
    found = steps(packets, flow, hashed(key)) if packets.opener.any() else None
    flow, first_row = cuts.apply(flow, first_row, packets.time, packets.time)
    return _summed(packets, flow, first_row), found


def _summed(packets: Packets, flow: I64, first_row: I64) -> Flows:
    count = len(first_row)
    octets, flags = np.zeros(count, np.int64), np.zeros(count, np.uint16)
    np.add.at(octets, flow, packets.octets)
    np.bitwise_or.at(flags, flow, packets.flags)
    last_row = np.empty(count, np.int64)
    last_row[flow] = np.arange(len(flow))
    return Flows(
        packets.key.take(first_row),
        np.bincount(flow, minlength=count).astype(np.int64),
        octets,
        packets.time[first_row],
        packets.time[last_row],
        flags,
        packets.dscp[last_row],
        packets.macs[first_row],
    )


def merge(parts: Sequence[Flows], cuts: Cuts = NO_CUTS) -> Flows:
    """One row a key (and period) out of partial results.

    >>> merge([]).packets.tolist()
    []
    """
    if len(parts) == 1:
        return parts[0]
    rows = _stacked(parts)
    flow, first_row = numbered(rows.key)
    flow, first_row = cuts.apply(flow, first_row, rows.first, rows.last)
    none, flags = np.zeros(len(first_row), np.int64), np.zeros(len(first_row), np.uint16)
    packets, octets = none, none.copy()
    np.add.at(packets, flow, rows.packets)
    np.add.at(octets, flow, rows.octets)
    np.bitwise_or.at(flags, flow, rows.flags)
    last_row, earliest = none.copy(), none.copy()
    # Of several rows the one written last stays: the latest, or the earliest.
    order = np.argsort(rows.last, kind="stable")
    last_row[flow[order]] = order
    order = np.argsort(rows.first, kind="stable")[::-1]
    earliest[flow[order]] = order
    first, last = rows.first[earliest], rows.last[last_row]
    return Flows(
        rows.key.take(first_row), packets, octets, first, last, flags, rows.dscp[last_row], rows.macs[earliest]
    )


def _stacked(parts: Sequence[Flows]) -> Flows:
    key = join_keys([part.key for part in parts]) if parts else Key(*[np.zeros(0, np.uint64)] * 5)
    kinds: dict[str, np.dtype[Any]] = {"flags": np.dtype(np.uint16), "dscp": np.dtype(np.uint8), "macs": MACS}
    names = [field.name for field in fields(Flows)[1:]]
    columns: dict[str, Any] = {name: _column(parts, name, kinds.get(name, _COUNT)) for name in names}
    return Flows(key, **columns)


def _column(parts: Sequence[Flows], name: str, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    columns = [getattr(part, name) for part in parts]
    return np.concatenate(columns) if columns else np.zeros(0, dtype)
