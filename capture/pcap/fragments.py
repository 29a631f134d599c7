"""Later fragments get what only a datagram's first fragment says: ports, or ICMP type and code.

Fragments are few, so they are walked one by one, in the order of the capture, across batches. A later fragment takes
the newest first fragment of its datagram; if none came yet it waits for one. What waits and what is remembered is
bounded, so memory is too. Sources: RFC 791 (a datagram = addresses, protocol, identification), RFC 8200 (without protocol).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from capture.pcap.network import FRAGMENT_OFFSET, Network
from capture.pcap.packets import Key, Packets, join_packets

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


class Fragments:
    """What is known of datagrams in pieces so far."""

    def __init__(self) -> None:
        self._words: dict[Datagram, int] = {}
        self._waiting: dict[Datagram, list[_Row]] = {}
        self._count = 0
        self.orphans = 0

    def settle(self, packets: Packets, network: Network) -> Packets:
        """Return the batch with the ports of its fragments, less those that must wait, plus those that waited for it.

        `packets` and `network` describe the same packets row by row.
        """
        rows = np.flatnonzero(network.fragment)
        if not len(rows):
            return packets
        rows = rows[np.argsort(network.row[rows], kind="stable")]
        first = (network.fragment[rows] & FRAGMENT_OFFSET) == 0
        ready: list[_Row] = []
        for datagram, row, begins in zip(_datagrams(network, rows), _rows(packets.take(rows)), first, strict=True):
            ready.extend(self._begin(datagram, row) if begins else self._follow(datagram, row))
        whole = np.ones(len(packets), np.bool_)
        whole[rows] = False
        return join_packets([packets.take(whole), _packets(ready)])

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
        return [row, *(late._replace(word=row.word) for late in waited)]

    def _follow(self, datagram: Datagram, row: _Row) -> list[_Row]:
        word = self._words.get(datagram)
        if word is not None:
            return [row._replace(word=word)]
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


def _rows(packets: Packets) -> list[_Row]:
    columns = (*packets.key.columns, packets.octets, packets.time, packets.flags)
    return [_Row(*values) for values in zip(*(column.tolist() for column in columns), strict=True)]


def _packets(rows: list[_Row]) -> Packets:
    columns = list(zip(*rows, strict=True)) or [()] * len(_Row._fields)
    key = Key(*(np.array(column, np.uint64) for column in columns[:5]))
    octets, time, flags = columns[5:]
    return Packets(key, np.array(octets, np.int64), np.array(time, np.int64), np.array(flags, np.uint16))
