"""The programs' parser once more, in plain Python and packet by packet: what BPF_PROG_TEST_RUN is held against."""

from __future__ import annotations

import struct
from typing import NamedTuple

from capture.ebpf.maps import Records
from tests.capture.craft import A, B, ether, extension, ip4, ip6

_RANKED = (
    (0x12, 256),
    (0x11, 512),
    (0x14, 1024),
    (1, 1),
    (2, 2),
    (16, 16),
    (4, 4),
    (8, 8),
    (32, 32),
    (64, 64),
    (128, 128),
)
_EXTENSIONS = (0, 43, 44, 51, 60)


class Parsed(NamedTuple):
    """Everything that the programs find in one packet."""

    src: bytes
    dst: bytes
    sport: int
    dport: int
    proto: int
    icmp_type: int
    icmp_code: int
    version: int
    headless: int
    vlan: int
    dscp: int
    flags: int
    fragment: int


def agents_flag(bits: int) -> int:
    return next((flag for mask, flag in _RANKED if bits & mask == mask), 0)


def parse(frame: bytes, link: bool = True) -> Parsed | None:
    """None for a frame that is not counted in a flow."""
    if link:
        stripped = strip_link(frame)
        if stripped is None:
            return None
        kind, at, vlan = stripped
    else:
        kind, at, vlan = int.from_bytes(frame[12:14], "big"), 0, 0
        frame = frame[14:]
    if kind == 0x800:
        return _parse4(frame[at:], vlan)
    return _parse6(frame[at:], vlan) if kind == 0x86DD else None


def strip_link(frame: bytes) -> tuple[int, int, int] | None:
    kind, at, vlan = int.from_bytes(frame[12:14], "big"), 14, 0
    for _ in range(2):
        if kind not in (0x8100, 0x88A8):
            break
        if len(frame) < at + 4:
            return None
        tag, kind = struct.unpack_from(">HH", frame, at)
        vlan, at = vlan or tag & 0xFFF, at + 4
    return kind, at, vlan


def _parse4(data: bytes, vlan: int) -> Parsed | None:
    if len(data) < 20:
        return None
    place = int.from_bytes(data[6:8], "big")
    ends = [b"\0" * 10 + b"\xff\xff" + data[at : at + 4] for at in (12, 16)]
    above = b"" if place & 0x1FFF else data[(data[0] & 15) * 4 :]
    return _parsed(ends, 4, vlan, data[1] >> 2, int(place & 0x3FFF > 0), data[9], above)


def _parse6(data: bytes, vlan: int) -> Parsed | None:
    if len(data) < 40:
        return None
    proto, above, fragment = data[6], data[40:], 0
    for _ in range(6):
        if proto not in _EXTENSIONS:
            break
        if len(above) < 4:
            above = b""
            break
        here, proto, size = proto, above[0], above[1]
        if here == 44:
            fragment = 1
            later = int.from_bytes(above[2:4], "big") & 0xFFF8
            above = b"" if later else above[8:]
            if later:
                break
        else:
            above = above[(size + 2) * 4 if here == 51 else (size + 1) * 8 :]
    dscp = int.from_bytes(data[:2], "big") >> 6 & 63
    return _parsed([data[8:24], data[24:40]], 6, vlan, dscp, fragment, proto, above)


def _parsed(ends, version, vlan, dscp, fragment, proto, above) -> Parsed:
    sport = dport = kind = code = bits = 0
    headless = 1
    if proto == 6 and len(above) >= 14:
        sport, dport, bits, headless = *struct.unpack_from(">HH", above), above[13], 0
    elif proto in (17, 132, 136) and len(above) >= 4:
        sport, dport, headless = *struct.unpack_from(">HH", above), 0
    elif proto in (1, 58) and len(above) >= 2:
        kind, code, headless = above[0], above[1], 0
    flags = agents_flag(bits) | bits << 16
    return Parsed(*ends, sport, dport, proto, kind, code, version, headless, vlan, dscp, flags, fragment)


def found(keys: Records, values: Records) -> Parsed | None:
    """The one flow that a program has counted, in the same form."""
    assert len(keys) <= 1
    if not len(keys):
        return None
    key, value = keys[0], values[0]
    numbers = [int(key[name]) for name in Parsed._fields[2:10]]
    rest = [int(value[name]) for name in ("dscp", "flags", "fragments")]
    return Parsed(key["src"].tobytes(), key["dst"].tobytes(), *numbers, *rest)


def seeds() -> list[bytes]:
    """Frames of every kind that the parser knows."""

    def tcp(bits: int) -> bytes:
        return struct.pack(">HHIIBBHHH", 40000, 443, 1, 2, 0x50, bits, 100, 0, 0) + b"data"

    udp, sctp = struct.pack(">HHHH", 5353, 53, 12, 0) + b"abcd", struct.pack(">HHII", 7, 8, 1, 2) + bytes(8)
    echo = b"\x08\x03" + bytes(14)
    four = [ip4(tcp(bits), 6) for bits in (2, 0x12, 0x10, 0x18, 0x11, 0x14, 4, 1, 8, 32, 64, 128, 255, 0, 0xC2)]
    four += [ip4(udp, 17), ip4(udp, 136), ip4(sctp, 132), ip4(echo, 1), ip4(b"gre!", 47)]
    four += [ip4(udp, 17, more=True), ip4(udp, 17, offset=1480), ip4(echo, 1, offset=1480)]
    four += [ip4(udp, 17, options=b"\x07\x07\x04" + bytes(5))]
    hops = extension(60) + bytes([17, 1]) + bytes(14) + udp
    six = [ip6(tcp(2), 6), ip6(udp, 17), ip6(b"\x80\0" + bytes(14), 58), ip6(hops, 0)]
    six += [ip6(bytes([17, 0, 0, place, 0, 0, 0, 9]) + udp, 44) for place in (1, 0x51)]
    six += [ip6(bytes([6, 4]) + bytes(22) + tcp(2), 51), ip6(bytes([6, 2]) + bytes(22) + tcp(0x12), 43)]
    frames = [ether(packet) for packet in four] + [ether(packet, 0x86DD) for packet in six]
    frames += [ether(ip4(udp, 17), tags=[0x8100]), ether(ip6(tcp(2), 6), 0x86DD, tags=[0x88A8, 0x8100])]
    return [*frames, ether(bytes(28), 0x0806), ether(ip4(tcp(2), 6, B, A))]
