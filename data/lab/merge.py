"""Two interfaces' captures of a node become one pcap in which each packet of a flow counts once.

NetObserv's agent counts a flow (addresses, ports, protocol, ICMP type and code; one direction) only where it saw it
first, and so does this: the copies that the other interface saw of the same flow are dropped. A place is an interface
and whether the node received or sent there, because a packet between two pods of a node passes `br0` both ways. A
packet before and after NAT belongs to two flows, and stays twice. Frames that are no IP are kept from `br0` alone.
"""

from __future__ import annotations

import gzip
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

NANOSECONDS = 0xA1B23C4D
ETHERNET = 1
FILE_HEADER = struct.Struct("<IHHiIII")
PACKET_HEADER = struct.Struct("<IIII")
SNAPLEN = 262144
PORTS = (6, 17, 132)
ICMP = (1, 58)

Flow = tuple[bytes, bytes, int, bytes]
Place = tuple[str, bool]


@dataclass(frozen=True, order=True)
class Packet:
    """A frame, when it passed, and where."""

    seconds: int
    nanoseconds: int
    interface: str
    length: int
    frame: bytes


def merge(captures: Iterable[tuple[str, Path]], inner: str, own: frozenset[bytes]) -> list[Packet]:
    """Merge the captures of interfaces in time order, each flow from the place that saw it first.

    `inner` is the interface whose non-IP frames are kept, `own` the node's hardware addresses.
    """
    packets = sorted(packet for interface, path in captures for packet in read(path, interface))
    first: dict[Flow, Place] = {}
    kept = []
    for packet in packets:
        flow = flow_of(packet.frame)
        place = packet.interface, packet.frame[6:12] in own
        if packet.interface == inner if flow is None else first.setdefault(flow, place) == place:
            kept.append(packet)
    return kept


def flow_of(frame: bytes) -> Flow | None:
    """Give the flow key of an Ethernet frame, None if it carries no IP."""
    kind, packet = frame[12:14], frame[14:]
    if kind == b"\x08\x00":
        protocol, start = packet[9], (packet[0] & 15) * 4
        return packet[12:16], packet[16:20], protocol, _discriminator(protocol, packet[start:])
    if kind == b"\x86\xdd":
        return packet[8:24], packet[24:40], packet[6], _discriminator(packet[6], packet[40:])
    return None


def _discriminator(protocol: int, body: bytes) -> bytes:
    return body[:4] if protocol in PORTS else body[:2] if protocol in ICMP else b""


def read(path: Path, interface: str) -> Iterator[Packet]:
    """Read a classic nanosecond Ethernet pcap, as tcpdump writes it on a little-endian machine."""
    data = path.read_bytes()
    magic, *_, link = FILE_HEADER.unpack_from(data)
    if (magic, link) != (NANOSECONDS, ETHERNET):
        raise ValueError(f"{path}: not a nanosecond Ethernet pcap")
    at = FILE_HEADER.size
    while at + PACKET_HEADER.size <= len(data):
        seconds, nanoseconds, captured, length = PACKET_HEADER.unpack_from(data, at)
        at += PACKET_HEADER.size
        yield Packet(seconds, nanoseconds, interface, length, data[at : at + captured])
        at += captured


def write(packets: Iterable[Packet], path: Path) -> None:
    """Write packets as a compressed nanosecond pcap; the same packets give the same bytes."""
    parts = [FILE_HEADER.pack(NANOSECONDS, 2, 4, 0, 0, SNAPLEN, ETHERNET)]
    for packet in packets:
        sizes = len(packet.frame), packet.length
        parts += [PACKET_HEADER.pack(packet.seconds, packet.nanoseconds, *sizes), packet.frame]
    path.write_bytes(gzip.compress(b"".join(parts), 9, mtime=0))
