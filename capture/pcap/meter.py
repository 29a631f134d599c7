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

from capture.pcap.cuts import NO_CUTS, Cuts
from capture.pcap.handshake import Steps, steps
from capture.pcap.keys import hashed, numbered
from capture.pcap.octets import I64, U8, U16
from capture.pcap.packets import MACS, Key, Macs, Packets, Rows, join_packets

__all__ = ["NO_CUTS", "Cuts", "Flows", "Heap", "Meter", "group", "hashed", "merge", "numbered"]

# Measured: grouping less at once costs more, grouping more gains nothing.
HEAP = 300_000
_MERGE_ABOVE = 1_500_000
_COUNT = np.dtype(np.int64)


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
            self._merge()
            self._held = len(self._parts[0]) // 2

    def flows(self) -> Flows:
        """All flows so far, one row a key (and period), in no particular order."""
        self._settle()
        self._merge()
        return self._parts[0]

    def _merge(self) -> None:
        if len(self._parts) != 1:
            columns = _columns(self._parts)
            self._parts.clear()
            self._parts.append(_merged(columns, self._cuts))

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
    return parts[0] if len(parts) == 1 else _merged(_columns(parts), cuts)


# The parts of each column of flows, by its name.
_Columns = dict[str, list[npt.NDArray[Any]]]

_ENDS = tuple(field.name for field in fields(Key))
_KINDS: dict[str, np.dtype[Any]] = {"flags": np.dtype(np.uint16), "dscp": np.dtype(np.uint8), "macs": MACS}
_KINDS |= dict.fromkeys(_ENDS, np.dtype(np.uint64))


def _columns(parts: Sequence[Flows]) -> _Columns:
    columns: _Columns = {name: [getattr(part.key, name) for part in parts] for name in _ENDS}
    return columns | {field.name: [getattr(part, field.name) for part in parts] for field in fields(Flows)[1:]}


def _stacked(columns: _Columns, name: str) -> npt.NDArray[Any]:
    """Put the parts of a column under each other, and let go of them: memory holds one column twice, not all."""
    parts = columns.pop(name)
    return np.concatenate(parts) if parts else np.zeros(0, _KINDS.get(name, _COUNT))


def _merged(columns: _Columns, cuts: Cuts) -> Flows:
    first, last = _stacked(columns, "first"), _stacked(columns, "last")
    key = Key(*(_stacked(columns, name) for name in _ENDS))
    flow, first_row = numbered(key)
    flow, first_row = cuts.apply(flow, first_row, first, last)
    key = key.take(first_row)
    last_row, earliest = _ends(flow, len(first_row), first, last)
    first, last = first[earliest], last[last_row]
    packets, octets = (_added(_stacked(columns, name), flow, len(first_row)) for name in ("packets", "octets"))
    flags = np.zeros(len(first_row), np.uint16)
    np.bitwise_or.at(flags, flow, _stacked(columns, "flags"))
    dscp, macs = _stacked(columns, "dscp")[last_row], _stacked(columns, "macs")[earliest]
    return Flows(key, packets, octets, first, last, flags, dscp, macs)


def _ends(flow: I64, count: int, first: I64, last: I64) -> tuple[I64, I64]:
    """Of each flow the row that ends last and the one that begins first: of several rows the one written last stays."""
    last_row, earliest = np.zeros(count, np.int64), np.zeros(count, np.int64)
    order = np.argsort(last, kind="stable")
    last_row[flow[order]] = order
    order = np.argsort(first, kind="stable")[::-1]
    earliest[flow[order]] = order
    return last_row, earliest


def _added(values: I64, flow: I64, count: int) -> I64:
    total = np.zeros(count, np.int64)
    np.add.at(total, flow, values)
    return total
