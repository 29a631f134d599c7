"""Packets and captures by hand, byte for byte, for the tests; and random captures of every kind the reader knows."""

from __future__ import annotations

import ipaddress
import struct
from dataclasses import dataclass
from pathlib import Path
from random import Random

A, B = "10.128.0.7", "172.30.0.10"
A6, B6 = "2001:db8::7", "2001:db8::a"
SECOND = 10**9
NOON = 1_700_000_000 * SECOND

SYN, SYN_ACK, ACK, PSH_ACK, FIN_ACK, RST_ACK = 0x02, 0x12, 0x10, 0x18, 0x11, 0x14


@dataclass(frozen=True)
class Frame:
    """One record: bytes captured, length on the wire (that of the bytes unless said), time in ns since the epoch."""

    data: bytes
    wire: int | None = None
    time: int = NOON

    @property
    def length(self) -> int:
        return len(self.data) if self.wire is None else self.wire


def cut(data: bytes, size: int, time: int = NOON) -> Frame:
    """A frame of which only the first bytes were captured (snap length)."""
    return Frame(data[:size], len(data), time)


def pcap(frames, *, order="<", nano=False, magic=None, link=1, header=16) -> bytes:
    """A classic pcap file."""
    value = magic or (0xA1B23C4D if nano else 0xA1B2C3D4)
    head = struct.pack(f"{order}IHHiIII", value, 2, 4, 0, 0, 262144, link)
    return head + b"".join(record(frame, order=order, nano=nano, header=header) for frame in frames)


def record(frame: Frame, *, order="<", nano=False, header=16) -> bytes:
    seconds, rest = divmod(frame.time, SECOND)
    words = struct.pack(f"{order}IIII", seconds, rest if nano else rest // 1000, len(frame.data), frame.length)
    return words + b"\xee" * (header - 16) + frame.data


def save(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def ether(payload: bytes, etype: int = 0x0800, tags=()) -> bytes:
    """An Ethernet frame; `tags` are the EtherTypes of the VLAN tags, outermost first."""
    stack = b"".join(struct.pack(">HH", tag, 5 + place) for place, tag in enumerate(tags))
    return b"\x02\0\0\0\0\x02" + b"\x02\0\0\0\0\x01" + stack + struct.pack(">H", etype) + payload


def snap(payload: bytes, etype: int = 0x0800, llc: bytes = b"\xaa\xaa\x03\0\0\0") -> bytes:
    """An 802.3 frame: a length, LLC and SNAP, then the payload."""
    inner = llc + struct.pack(">H", etype) + payload
    return ether(inner, len(inner))


def ip4(payload, proto, src=A, dst=B, *, options=b"", ident=1, offset=0, more=False, length=None) -> bytes:
    size = 20 + len(options) + len(payload) if length is None else length
    first = 0x40 | (5 + len(options) // 4)
    head = struct.pack(">BBHHHBBH", first, 0, size, ident, (0x2000 if more else 0) | offset // 8, 64, proto, 0)
    return head + _packed(src) + _packed(dst) + options + payload


def ip6(payload, proto, src=A6, dst=B6, *, length=None) -> bytes:
    size = len(payload) if length is None else length
    return struct.pack(">IHBB", 6 << 28, size, proto, 64) + _packed(src) + _packed(dst) + payload


def extension(following: int, body: bytes = bytes(6)) -> bytes:
    """Hop-by-hop, routing or destination options: the body is padded to a multiple of 8 bytes less 2."""
    body += bytes(-(len(body) + 2) % 8)
    return bytes([following, (len(body) + 2) // 8 - 1]) + body


def authentication(following: int) -> bytes:
    return bytes([following, 4, 0, 0]) + bytes(20)


def fragment6(following: int, *, ident=1, offset=0, more=False) -> bytes:
    return struct.pack(">BBHI", following, 0, offset | more, ident)


def tcp(sport=40000, dport=443, flags=SYN, payload=b"") -> bytes:
    return struct.pack(">HHIIBBHHH", sport, dport, 1, 0, 5 << 4, flags, 64240, 0, 0) + payload


def udp(sport=40000, dport=53, payload=b"question") -> bytes:
    return struct.pack(">HHHH", sport, dport, 8 + len(payload), 0) + payload


def sctp(sport=40000, dport=3868) -> bytes:
    return struct.pack(">HHII", sport, dport, 7, 0) + b"\x01\0\0\x14" + bytes(16)


def icmp(kind=8, code=0) -> bytes:
    return struct.pack(">BBHHH", kind, code, 0, 1, 1) + bytes(24)


def arp() -> bytes:
    return ether(struct.pack(">HHBBH", 1, 0x0800, 6, 4, 1) + bytes(20), 0x0806)


def _packed(address: str) -> bytes:
    return ipaddress.ip_address(address).packed


def random_frames(random: Random, count: int) -> list[Frame]:
    """Frames of every kind, few hosts (so that flows have several packets), mostly in time order, some cut."""
    time, frames = NOON, []
    for _ in range(count):
        time += random.randrange(-(10**6), 50 * 10**6)
        data = _random_frame(random)
        size = random.choice([len(data)] * 6 + [random.randrange(len(data) + 1)])
        frames.append(Frame(data[:size], len(data) + random.choice([0, 0, 4]), time))
    return frames


def _random_frame(random: Random) -> bytes:
    kind = random.randrange(12)
    if kind == 0:
        return arp()
    if kind == 1:
        return snap(_random_ip4(random), 0x0800, random.choice([b"\xaa\xaa\x03\0\0\0", b"\x42\x42\x03\0\0\0"]))
    tags = random.choice([(), (), (), (0x8100,), (0x88A8, 0x8100), (0x9100, 0x8100, 0x8100)])
    if kind < 8:
        return ether(_random_ip4(random), 0x0800, tags) + bytes(random.choice([0, 0, 12]))
    if kind < 11:
        return ether(_random_ip6(random), 0x86DD, tags)
    return ether(random.randbytes(random.randrange(60)), random.choice([0x0800, 0x86DD, 0x88CC, 0x8100, 3]))


def _random_ip4(random: Random) -> bytes:
    proto, payload = _random_transport(random, 1)
    ends = random.sample(["10.0.0.1", "10.0.0.2", "10.0.0.3"], 2)
    options = b"\x01" * random.choice([0, 0, 0, 4, 40])
    offset, more, ident = random.choice([(0, False), (0, False), (0, True), (1480, False), (1480, True)]), 0, 0
    offset, more = offset
    ident = random.randrange(4)
    length = random.choice([None] * 8 + [0, 19, 22, 24])
    return ip4(payload, proto, *ends, options=options, ident=ident, offset=offset, more=more, length=length)


def _random_ip6(random: Random) -> bytes:
    proto, payload = _random_transport(random, 58)
    for _ in range(random.choice([0, 0, 1, 2])):
        kind = random.choice([0, 43, 60, 51, 44, 44])
        if kind == 44:
            offset = random.choice([0, 0, 1480])
            payload = fragment6(proto, ident=random.randrange(3), offset=offset, more=random.random() < 0.5) + payload
        else:
            payload = (
                authentication(proto) if kind == 51 else extension(proto, bytes(random.choice([6, 14])))
            ) + payload
        proto = kind
    ends = random.sample(["2001:db8::1", "2001:db8::2", "::ffff:10.0.0.1"], 2)
    return ip6(payload, proto, *ends, length=random.choice([None] * 8 + [0, 3, 9]))


def _random_transport(random: Random, icmp_proto: int) -> tuple[int, bytes]:
    port = random.choice([40000, 40001, 0])
    flags = random.choice([SYN, SYN_ACK, ACK, PSH_ACK, FIN_ACK, RST_ACK, 0, 0x01, 0x04, 0x08, 0xE0])
    return random.choice(
        [
            (6, tcp(port, 443, flags, bytes(random.randrange(30)))),
            (6, tcp(443, port, flags)),
            (17, udp(port, 53)),
            (132, sctp(port)),
            (icmp_proto, icmp(random.choice([8, 0, 3]), random.randrange(2))),
            (47, bytes(12)),
            (59, b""),
        ]
    )
