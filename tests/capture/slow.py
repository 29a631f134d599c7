"""The reference the fast reader is held against: one packet at a time, plain Python, written apart from it."""

from __future__ import annotations

import ipaddress
import struct
from collections import Counter
from dataclasses import dataclass, field

VLAN = {0x8100, 0x88A8, 0x9100, 0x9200, 0x9300}
EXTENSIONS = {0, 43, 44, 51, 60, 135, 139, 140}
PORTS, ICMP = {6, 17, 132}, {1, 58}


@dataclass
class Result:
    """Flows by (etype, src, dst, proto, port or type, port or code): [packets, bytes, first ns, last ns, flags]."""

    flows: dict = field(default_factory=dict)
    account: Counter = field(default_factory=Counter)


@dataclass
class Packet:
    etype: int
    src: str
    dst: str
    proto: int
    ends: tuple
    wire: int
    time: int
    flags: int
    datagram: tuple | None = None
    later: bool = False


def read(data: bytes) -> Result:
    """Read a whole classic pcap."""
    order = "<" if data[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1") else ">"
    unit = 1 if b"\x3c" in data[:4] else 1000
    result, packets, place = Result(), [], 24
    while place + 16 <= len(data):
        seconds, fraction, captured, wire = struct.unpack_from(f"{order}IIII", data, place)
        if captured > 256 * 1024 or place + 16 + captured > len(data):
            break
        frame = data[place + 16 : place + 16 + captured]
        place += 16 + captured
        result.account.update(packets=1, bytes=wire)
        packet = _packet(frame, wire, seconds * 10**9 + fraction * unit)
        if isinstance(packet, Packet):
            packets.append(packet)
            result.account.update(ip_packets=1, ip_bytes=wire)
        else:
            result.account.update({f"{packet}_packets": 1, f"{packet}_bytes": wire})
    result.account["left_over_bytes"] = len(data) - place
    _give_ports(packets)
    for packet in packets:
        _count(result.flows, packet)
    return result


def _packet(frame: bytes, wire: int, time: int):
    """A packet, or the word for what the frame is instead."""
    if len(frame) < 14:
        return "undecoded"
    etype, rest = struct.unpack(">H", frame[12:14])[0], frame[14:]
    while etype in VLAN or 1 < etype < 1536:
        if etype in VLAN:
            if len(rest) < 4:
                return "undecoded"
            etype, rest = struct.unpack(">H", rest[2:4])[0], rest[4:]
        else:
            if len(rest) < 8:
                return "undecoded"
            if rest[:6] != b"\xaa\xaa\x03\0\0\0" or struct.unpack(">H", rest[6:8])[0] < 1536:
                return "not_ip"
            etype, rest = struct.unpack(">H", rest[6:8])[0], rest[8:]
    decode = {0x0800: _ip4, 0x86DD: _ip6}.get(etype)
    return decode(rest, wire, time) if decode else "not_ip"


def _ip4(data: bytes, wire: int, time: int):
    if len(data) < 20 or data[0] >> 4 != 4 or data[0] & 15 < 5:
        return "undecoded"
    head, total = (data[0] & 15) * 4, struct.unpack(">H", data[2:4])[0]
    if total and total < head:
        return "undecoded"
    ident, where = struct.unpack(">HH", data[4:8])
    src, dst, proto = _text(data[12:16]), _text(data[16:20]), data[9]
    payload = data[head : total or None]
    later = where & 0x1FFF > 0
    ends, flags = ((None, None), 0) if later else _transport(proto, payload)
    datagram = (src, dst, proto, ident) if where & 0x3FFF else None
    return Packet(0x0800, src, dst, proto, ends, wire, time, flags, datagram, later)


def _ip6(data: bytes, wire: int, time: int):
    if len(data) < 40 or data[0] >> 4 != 6:
        return "undecoded"
    length, proto = struct.unpack(">HB", data[4:7])
    payload = data[40 : 40 + length if length else None]
    src, dst, datagram, later = _text(data[8:24]), _text(data[24:40]), None, False
    while proto in EXTENSIONS and len(payload) >= 8 and not later:
        size = {44: 8, 51: (payload[1] + 2) * 4}.get(proto, (payload[1] + 1) * 8)
        if proto == 44:
            word, ident = struct.unpack(">HI", payload[2:8])
            datagram = (src, dst, "any", ident) if word >> 3 or word & 1 else None
            later = word >> 3 > 0
        proto, payload = payload[0], payload[size:]
    ends, flags = ((None, None), 0) if later else _transport(proto, payload)
    return Packet(0x86DD, src, dst, proto, ends, wire, time, flags, datagram, later)


def _transport(proto: int, payload: bytes):
    if proto in PORTS and len(payload) >= 4:
        flags = _agent_flag(payload[13]) if proto == 6 and len(payload) >= 14 else 0
        return struct.unpack(">HH", payload[:4]), flags
    if proto in ICMP and len(payload) >= 2:
        return (payload[0], payload[1]), 0
    return (None, None), 0


def _agent_flag(octet: int) -> int:
    for bits, value in ((0x12, 256), (0x11, 512), (0x14, 1024)):
        if octet & bits == bits:
            return value
    return next((bit for bit in (1, 2, 16, 4, 8, 32, 64, 128) if octet & bit), 0)


def _give_ports(packets: list[Packet]) -> None:
    """A later fragment takes the newest first fragment before it, or else the next one behind it."""
    for place, packet in enumerate(packets):
        if packet.later:
            before = (other for other in reversed(packets[:place]) if _begins(other, packet))
            behind = (other for other in packets[place:] if _begins(other, packet))
            first = next(before, None) or next(behind, None)
            if first:
                packet.ends, packet.proto = first.ends, first.proto


def _begins(first: Packet, later: Packet) -> bool:
    return first.datagram == later.datagram and not first.later


def _count(flows: dict, packet: Packet) -> None:
    key = (packet.etype, packet.src, packet.dst, packet.proto, *packet.ends)
    row = flows.setdefault(key, [0, 0, packet.time, packet.time, 0])
    row[0] += 1
    row[1] += packet.wire
    row[2] = min(row[2], packet.time)
    row[3] = max(row[3], packet.time)
    row[4] |= packet.flags


def _text(packed: bytes) -> str:
    address = ipaddress.ip_address(packed)
    mapped = getattr(address, "ipv4_mapped", None)
    return f"::ffff:{mapped}" if mapped else str(address)
