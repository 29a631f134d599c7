"""Later fragments get what only a datagram's first fragment says: ports, or ICMP type and code.

Fragments are few, so they are walked one by one, in the order of the capture, across batches. A later fragment takes
the newest first fragment of its datagram; if none came yet it waits for one. What waits and what is remembered is
bounded, so memory is too. Sources: RFC 791 (a datagram = addresses, protocol, identification), RFC 8200 (without protocol).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from capture.pcap.network import FRAGMENT_OFFSET, Network
from capture.pcap.octets import Bool
from capture.pcap.packets import FLOW_BITS, MACS, Key, Packets

Datagram = tuple[int, ...]

MOST_REMEMBERED = 200_000
MOST_WAITING = 100_000

_ANY_PROTO = 256


class _Row(NamedTuple):
    """One packet as plain numbers, in the order of the columns of `Packets`."""

    src_hi: int
    src_lo: int
    dst_hi: int
    dst_lo: int
    word: int
    octets: int
    time: int
    flags: int
    dscp: int
    macs: bytes
    opener: int


class Pieces(NamedTuple):
    """The fragments of a batch in the order of the capture: which datagram, the packet, whether it is the first one."""

    datagrams: list[Datagram]
    packets: Packets
    first: Bool


def apart(packets: Packets, network: Network) -> tuple[Packets, Pieces | None]:
    """Part a batch into whole packets and fragments; `packets` and `network` describe the same packets row by row."""
    rows = np.flatnonzero(network.fragment)
    if not len(rows):
        return packets, None
    rows = rows[np.argsort(network.row[rows], kind="stable")]
    whole = np.ones(len(packets), np.bool_)
    whole[rows] = False
    first = (network.fragment[rows] & FRAGMENT_OFFSET) == 0
    return packets.take(whole), Pieces(_datagrams(network, rows), packets.take(rows), first)


class Fragments:
    """What is known of datagrams in pieces so far."""

    def __init__(self) -> None:
        self._words: dict[Datagram, int] = {}
        self._waiting: dict[Datagram, list[_Row]] = {}
        self._count = 0
        self.orphans = 0

    def settle(self, pieces: Pieces) -> Packets:
        """Return these fragments with their ports, less those that must wait, plus those that waited for one of them."""
        ready: list[_Row] = []
        for datagram, row, begins in zip(pieces.datagrams, _rows(pieces.packets), pieces.first, strict=True):
            ready.extend(self._begin(datagram, row) if begins else self._follow(datagram, row))
        return _packets(ready)

    def rest(self) -> Packets:
        """The fragments whose first one never came: kept, but without ports, and counted in `orphans`."""
        rows = [row for waiting in self._waiting.values() for row in waiting]
        self._waiting, self._count = {}, 0
        self.orphans += len(rows)
        return _packets(rows)

    def _begin(self, datagram: Datagram, row: _Row) -> list[_Row]:
        self._words.pop(datagram, None)
        self._words[datagram] = row.word
        if len(self._words) > MOST_REMEMBERED:
            del self._words[next(iter(self._words))]
        waited = self._waiting.pop(datagram, [])
        self._count -= len(waited)
        return [row, *(_like(late, row.word) for late in waited)]

    def _follow(self, datagram: Datagram, row: _Row) -> list[_Row]:
        word = self._words.get(datagram)
        if word is not None:
            return [_like(row, word)]
        self._waiting.setdefault(datagram, []).append(row)
        self._count += 1
        return self._oldest() if self._count > MOST_WAITING else []

    def _oldest(self) -> list[_Row]:
        given_up = self._waiting.pop(next(iter(self._waiting)))
        self._count -= len(given_up)
        self.orphans += len(given_up)
        return given_up


def _datagrams(network: Network, rows: np.ndarray) -> list[Datagram]:
    proto = np.where(network.is_v6[rows], _ANY_PROTO, network.proto[rows])
    ends = (network.src_hi, network.src_lo, network.dst_hi, network.dst_lo)
    columns = [*(column[rows].tolist() for column in ends), proto.tolist(), network.ident[rows].tolist()]
    return list(zip(*columns, strict=True))


def _like(row: _Row, word: int) -> _Row:
    """The later fragment with protocol and ports of the first; where it was seen is its own."""
    return row._replace(word=(row.word & ~FLOW_BITS) | (word & FLOW_BITS))


def _rows(packets: Packets) -> list[_Row]:
    columns = (*packets.key.columns, *packets.columns)
    return [_Row(*values) for values in zip(*(column.tolist() for column in columns), strict=True)]


def _packets(rows: list[_Row]) -> Packets:
    columns = list(zip(*rows, strict=True)) or [()] * len(_Row._fields)
    key = Key(*(np.array(column, np.uint64) for column in columns[:5]))
    octets, time, flags, dscp, macs, opener = columns[5:]
    return Packets(
        key,
        np.array(octets, np.int64),
        np.array(time, np.int64),
        np.array(flags, np.uint16),
        np.array(dscp, np.uint8),
        np.array(macs, MACS),
        np.array(opener, np.uint32),
    )
