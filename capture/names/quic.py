"""The server's name in QUIC Initials: decrypted, put together from the CRYPTO frames of one or more datagrams.

A connection is remembered until its hello is whole, because later Initials are sealed with the keys of the first one's
connection ID. Sources: RFC 9000 sections 17.2.2 and 19, RFC 9001, RFC 9369.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field

from capture.names.found import Found, Missing
from capture.names.pieces import Pieces
from capture.names.quic_keys import SAMPLE, VERSIONS, Keys, Version, client_keys
from capture.names.tls import LONGEST, server_name

SMALLEST = 1200  # bytes of a datagram that holds a client's Initial

_LONG = 0x80
_KIND = 0x30
_LONGEST_ID = 20
_MOST_PACKETS, _MOST_FRAMES = 8, 2000
_PADDING, _PING, _ACK, _ACK_ECN, _CRYPTO = 0, 1, 2, 3, 6
MOST_CONNECTIONS = 10_000


@dataclass
class _Connection:
    keys: Keys
    pieces: Pieces = field(default_factory=lambda: Pieces(LONGEST))
    done: bool = False


@dataclass(frozen=True)
class _Initial:
    """One packet inside a datagram: its place, and that of its packet number."""

    version: Version
    connection_id: bytes
    begin: int
    number_at: int
    end: int


class Initials:
    """The connections whose hellos are being collected: by ends, oldest forgotten first."""

    def __init__(self, most: int = MOST_CONNECTIONS) -> None:
        self._connections: dict[Hashable, _Connection] = {}
        self._most = most

    def knows(self, ends: Hashable) -> bool:
        """Whether a client has sent an Initial between these ends."""
        return ends in self._connections

    def read(self, ends: Hashable, datagram: bytes) -> Found:
        """Take in a client's datagram; the server's name as soon as it is there, once a connection.

        `SEALED` is what no client's key opens; `ABSENT` what is no Initial, or repeats a hello that was read.

        >>> Initials().read(("a", "b"), bytes(1200))
        <Missing.ABSENT: 'it names nobody'>
        """
        found: Found = Missing.ABSENT
        for packet in _initials(datagram):
            found = self._packet(ends, datagram, packet)
            if isinstance(found, bytes):
                break
        return found

    def _packet(self, ends: Hashable, datagram: bytes, packet: _Initial) -> Found:
        known = self._connections.get(ends)
        payload = _opened(known.keys, datagram, packet) if known else None
        if payload is None:
            fresh = _Connection(client_keys(packet.version, packet.connection_id))
            payload = _opened(fresh.keys, datagram, packet)
            if payload is None:
                return Missing.SEALED
            known = self._remembered(ends, fresh)
        assert known is not None  # noqa: S101 - either known or fresh
        return Missing.ABSENT if known.done else _collected(known, payload)

    def _remembered(self, ends: Hashable, fresh: _Connection) -> _Connection:
        self._connections.pop(ends, None)
        self._connections[ends] = fresh
        if len(self._connections) > self._most:
            del self._connections[next(iter(self._connections))]
        return fresh


def _collected(connection: _Connection, payload: bytes) -> Found:
    """Add a packet's pieces of the hello and try to read it."""
    for offset, piece in _crypto(payload):
        connection.pieces.add(offset, piece)
    found = server_name(connection.pieces.begin())
    if found is not Missing.MORE:
        connection.done, connection.pieces = True, Pieces(LONGEST)
    return found


def _initials(datagram: bytes) -> Iterator[_Initial]:
    """The Initials of a datagram: several packets may share one."""
    place = 0
    for _ in range(_MOST_PACKETS):
        packet = _located(datagram, place)
        if packet is None:
            return
        yield packet
        place = packet.end


def _located(datagram: bytes, begin: int) -> _Initial | None:
    version = VERSIONS.get(int.from_bytes(datagram[begin + 1 : begin + 5], "big"))
    if version is None or datagram[begin] & (_LONG | _KIND) != _LONG | version.initial:
        return None
    try:
        destination, place = _sized(datagram, begin + 5)
        _, place = _sized(datagram, place)
        token, place = _number(datagram, place)
        size, place = _number(datagram, place + token)
    except IndexError:
        return None
    end = place + size
    fits = end <= len(datagram) and size >= 4 + SAMPLE
    return _Initial(version, destination, begin, place, end) if fits else None


def _sized(datagram: bytes, place: int) -> tuple[bytes, int]:
    size = datagram[place]
    if size > _LONGEST_ID:
        raise IndexError
    return datagram[place + 1 : place + 1 + size], place + 1 + size


def _number(octets: bytes, place: int) -> tuple[int, int]:
    """A number of variable length (RFC 9000 section 16), and the place behind it."""
    size = 1 << (octets[place] >> 6)
    if place + size > len(octets):
        raise IndexError
    value = int.from_bytes(octets[place : place + size], "big") & ((1 << (8 * size - 2)) - 1)
    return value, place + size


def _opened(keys: Keys, datagram: bytes, packet: _Initial) -> bytes | None:
    """Take the header's protection off, then decrypt; None when the keys do not fit."""
    sample = packet.number_at + 4
    mask = keys.mask(datagram[sample : sample + SAMPLE])
    first = datagram[packet.begin] ^ (mask[0] & 0x0F)
    size = (first & 3) + 1
    hidden = datagram[packet.number_at : packet.number_at + size]
    number = bytes(octet ^ mask[1 + place] for place, octet in enumerate(hidden))
    head = bytes([first]) + datagram[packet.begin + 1 : packet.number_at] + number
    return keys.open(int.from_bytes(number, "big"), head, datagram[packet.number_at + size : packet.end])


def _crypto(payload: bytes) -> Iterator[tuple[int, bytes]]:
    """The CRYPTO frames of a payload: offset and bytes. Frames that no Initial may hold end the walk."""
    place = 0
    try:
        for _ in range(_MOST_FRAMES):
            kind = payload[place]
            place += 1
            if kind == _CRYPTO:
                offset, place = _number(payload, place)
                size, place = _number(payload, place)
                yield offset, payload[place : place + size]
                place += size
            elif kind in (_ACK, _ACK_ECN):
                place = _behind_ack(payload, place, ecn=kind == _ACK_ECN)
            elif kind == _PADDING:
                # Padding is a thousand zero bytes at a time; stepping over each would use up the frames.
                place = len(payload) - len(payload[place:].lstrip(b"\0"))
            elif kind != _PING:
                return
    except IndexError:
        return


def _behind_ack(payload: bytes, place: int, *, ecn: bool) -> int:
    for _ in range(2):
        _, place = _number(payload, place)
    ranges, place = _number(payload, place)
    for _ in range(1 + 2 * min(ranges, _MOST_FRAMES) + (3 if ecn else 0)):
        _, place = _number(payload, place)
    return place
