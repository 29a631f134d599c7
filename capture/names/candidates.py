"""The few packets of a batch in which names can stand: numpy looks at all, Python only at these.

A candidate is told by its first bytes (a TLS ClientHello, an HTTP method, a QUIC Initial's version) on any port, or by the
port of a name server. Later IP fragments are never one: they do not show where their message begins.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum
from typing import NamedTuple

import numpy as np

from capture.names import http
from capture.names.dns import NOT_ANSWERED, RESPONSE, SHORTEST
from capture.names.quic import SMALLEST
from capture.names.quic_keys import VERSIONS
from capture.pcap import link, network, tunnel
from capture.pcap.network import FRAGMENT_OFFSET, Network
from capture.pcap.octets import I64, U8, U16, U32, Bool, big16, gather
from capture.pcap.records import Records

_TCP_HEADER = np.dtype(
    {
        "names": ["source", "target", "sequence", "words"],
        "formats": [">u2", ">u2", ">u4", "u1"],
        "offsets": [0, 2, 4, 12],
        "itemsize": 20,
    }
)
_DNS_HEADER = np.dtype([("ident", ">u2"), ("flags", ">u2"), ("questions", ">u2"), ("records", ">u2", 3)])
_TCP, _UDP = 6, 17
_NAME_SERVERS = (53, 5353)
_IS_NAME_SERVER = np.zeros(65536, np.bool_)
_IS_NAME_SERVER[list(_NAME_SERVERS)] = True
_HELLO = 0x1603  # a TLS handshake record, major version 3
_METHODS = np.array([int.from_bytes(method, "big") for method in http.METHODS], np.uint32)
_FIRST_LETTER = np.zeros(256, np.bool_)
_FIRST_LETTER[_METHODS >> 24] = True
_KNOWN_VERSIONS = np.array(list(VERSIONS), np.uint32)
_HTTPS = 443


class Kind(IntEnum):
    """What a candidate looks like by its first bytes; `REST` continues what another one began."""

    DNS = 0
    DNS_STREAM = 1
    HELLO = 2
    REQUEST = 3
    QUIC = 4
    QUIC_OTHER = 5
    REST = 6


# IP version, source address and port, target address and port.
Ends = tuple[int, ...]
SOURCE = 3  # the place of the source port in it


class Candidate(NamedTuple):
    """A packet to be read: its ends (addresses as numbers in 64-bit halves), where its payload lies, and when (ns).

    `sequence` is TCP's number of the payload's first byte; `cut` says that the packet's end was not captured. Fields are
    flat because making one of these is most of what a candidate costs.
    """

    kind: int
    is_v6: int
    src_hi: int
    src_lo: int
    source: int
    dst_hi: int
    dst_lo: int
    target: int
    time: int
    sequence: int
    cut: bool
    payload: bytes

    @property
    def ends(self) -> Ends:
        """The stream or connection this belongs to."""
        return self[1:8]

    @property
    def reverse(self) -> Ends:
        """The ends of the packets that go back."""
        return self.is_v6, self.dst_hi, self.dst_lo, self.target, self.src_hi, self.src_lo, self.source


class Batch:
    """One batch of records, decoded as far as names need it."""

    def __init__(self, records: Records) -> None:
        located = link.locate(records)
        self._records, self.supported = records, located is not None
        if located is not None:
            # Inside tunnels is where pods are.
            self._network = tunnel.inside(records, network.decode(records, located)).network
            whole = self._network.fragment & FRAGMENT_OFFSET == 0
            self._tcp = _Segments(records.buffer, self._network, whole)
            self._udp = _Datagrams(records.buffer, self._network, whole)

    def begins(self) -> Iterator[Candidate]:
        """Candidates that can begin with a name, in the order of the capture."""
        rows, begin, kind = (np.concatenate(each) for each in zip(self._tcp.begins(), self._udp.begins(), strict=True))
        return self._candidates(rows, begin, kind)

    def rests(self, waiting: Bool) -> Iterator[Candidate]:
        """TCP segments with data from the source ports that are `waiting` (65,536 of them, yes or no)."""
        chosen = np.flatnonzero(waiting[self._tcp.source])
        return self._candidates(self._tcp.rows[chosen], self._tcp.payload[chosen], np.full(len(chosen), Kind.REST))

    def _candidates(self, rows: I64, begin: I64, kind: np.ndarray) -> Iterator[Candidate]:
        order = np.argsort(self._network.row[rows], kind="stable")
        rows, begin, kind = rows[order], begin[order], kind[order]
        net, records = self._network, self._records
        frame = net.row[rows]
        # UDP has no sequence number: what stands in its place is never looked at.
        header = gather(records.buffer, net.start[rows], _TCP_HEADER)
        columns = [kind, net.is_v6[rows], net.src_hi[rows], net.src_lo[rows], header["source"]]
        columns += [net.dst_hi[rows], net.dst_lo[rows], header["target"], records.time[frame], header["sequence"]]
        columns += [records.captured[frame] < records.wire[frame]]
        payloads = _slices(records.buffer, begin, net.end[rows])
        return map(Candidate._make, zip(*(column.tolist() for column in columns), payloads, strict=True))


def _slices(buffer: U8, begin: I64, end: I64) -> Iterator[bytes]:
    data = buffer.data
    return (bytes(data[here:beyond]) for here, beyond in zip(begin.tolist(), end.tolist(), strict=True))


class _Segments:
    """TCP segments that carry data: their rows in the network's columns, where the data begins, their source ports."""

    def __init__(self, buffer: U8, net: Network, whole: Bool) -> None:
        rows = np.flatnonzero((net.proto == _TCP) & whole & (net.start + 20 <= net.end))
        header = gather(buffer, net.start[rows], _TCP_HEADER)
        payload = net.start[rows] + (header["words"] >> 4).astype(np.int64) * 4
        full = np.flatnonzero(payload < net.end[rows])
        self._buffer, self._end = buffer, net.end[rows[full]]
        self.rows, self.payload, self.source = rows[full], payload[full], header["source"][full].astype(np.uint16)

    def begins(self) -> tuple[I64, I64, np.ndarray]:
        """Rows, payloads and kinds of the segments that begin something."""
        kind = np.full(len(self.rows), -1, np.int8)
        word: U32 = gather(self._buffer, self.payload, np.dtype(">u4")).astype(np.uint32)
        left = self._end - self.payload
        kind[(word >> 16 == _HELLO) & (self._buffer[self.payload + 5] == 1) & (left > 5)] = Kind.HELLO
        letters = np.flatnonzero(_FIRST_LETTER[word >> 24] & (left > 3))
        kind[letters[np.isin(word[letters], _METHODS)]] = Kind.REQUEST
        kind[_IS_NAME_SERVER[self.source]] = Kind.DNS_STREAM
        chosen = np.flatnonzero(kind >= 0)
        return self.rows[chosen], self.payload[chosen], kind[chosen]


class _Datagrams:
    """UDP datagrams."""

    def __init__(self, buffer: U8, net: Network, whole: Bool) -> None:
        self.rows = np.flatnonzero((net.proto == _UDP) & whole & (net.start + 8 < net.end))
        self._buffer, self._start, self._end = buffer, net.start[self.rows], net.end[self.rows]
        self._source: U16 = big16(buffer, self._start)

    def begins(self) -> tuple[I64, I64, np.ndarray]:
        """Rows, payloads and kinds of the datagrams that can hold names."""
        kind = np.full(len(self.rows), -1, np.int8)
        large = np.flatnonzero(self._end - self._start >= 8 + SMALLEST)
        self._quic(kind, large[self._buffer[self._start[large] + 8] & 0x80 > 0])
        self._dns(kind, np.flatnonzero(_IS_NAME_SERVER[self._source] & (self._end - self._start >= 8 + SHORTEST)))
        chosen = np.flatnonzero(kind >= 0)
        return self.rows[chosen], self._start[chosen] + 8, kind[chosen]

    def _dns(self, kind: np.ndarray, servers: I64) -> None:
        """Responses without error that hold records: half of a name server's messages say that there is no such name."""
        header = gather(self._buffer, self._start[servers] + 8, _DNS_HEADER)
        answered = header["flags"] & NOT_ANSWERED == RESPONSE
        kind[servers[answered & (header["records"] > 0).any(axis=1)]] = Kind.DNS

    def _quic(self, kind: np.ndarray, long: I64) -> None:
        version = gather(self._buffer, self._start[long] + 9, np.dtype(">u4")).astype(np.uint32)
        known = np.isin(version, _KNOWN_VERSIONS)
        target = big16(self._buffer, self._start[long] + 2)
        kind[long[~known & (target == _HTTPS) & (version != 0)]] = Kind.QUIC_OTHER
        kind[long[known]] = Kind.QUIC
