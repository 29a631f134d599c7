"""More by hand: pcapng blocks, link layers other than Ethernet, tunnels, DNS messages and whole handshakes."""

from __future__ import annotations

import struct
from random import Random

from tests.capture import craft
from tests.capture.craft import A6, B6, NOON, A, B, Frame, ether, ip4, ip6, tcp, udp

SECTION, INTERFACE, OLD, SIMPLE, STATISTICS, ENHANCED = 0x0A0D0D0A, 1, 2, 3, 5, 6


def block(kind: int, body: bytes, order: str = "<") -> bytes:
    body += bytes(-len(body) % 4)
    size = len(body) + 12
    return struct.pack(f"{order}II", kind, size) + body + struct.pack(f"{order}I", size)


def option(code: int, value: bytes, order: str = "<") -> bytes:
    return struct.pack(f"{order}HH", code, len(value)) + value + bytes(-len(value) % 4)


def section(order: str = "<") -> bytes:
    return block(SECTION, struct.pack(f"{order}IHHq", 0x1A2B3C4D, 1, 0, -1), order)


def interface(link: int = 1, *, order="<", name=None, resolution=None, offset=None, snap=0) -> bytes:
    options = b""
    if name is not None:
        options += option(2, name.encode(), order)
    if resolution is not None:
        options += option(9, bytes([resolution]), order)
    if offset is not None:
        options += option(14, struct.pack(f"{order}q", offset), order)
    if options:
        options += option(0, b"", order)
    return block(INTERFACE, struct.pack(f"{order}HHI", link, 0, snap) + options, order)


def enhanced(frame: Frame, number=0, *, order="<", ticks=10**6, comment=None) -> bytes:
    when = frame.time * ticks // 10**9
    words = struct.pack(f"{order}IIIII", number, when >> 32, when & 0xFFFFFFFF, len(frame.data), frame.length)
    extra = option(1, comment, order) + option(0, b"", order) if comment else b""
    return block(ENHANCED, words + frame.data + bytes(-len(frame.data) % 4) + extra, order)


def old(frame: Frame, number=0, *, order="<") -> bytes:
    when = frame.time // 1000
    words = struct.pack(f"{order}HHIIII", number, 0, when >> 32, when & 0xFFFFFFFF, len(frame.data), frame.length)
    return block(OLD, words + frame.data, order)


def simple(frame: Frame, *, order="<") -> bytes:
    return block(SIMPLE, struct.pack(f"{order}I", frame.length) + frame.data, order)


def pcapng(frames, *, order="<", link=1, **options) -> bytes:
    head = section(order) + interface(link, order=order, **options)
    return head + b"".join(enhanced(frame, order=order) for frame in frames)


def cooked(payload: bytes, etype: int = 0x0800) -> bytes:
    return struct.pack(">HHH8sH", 0, 1, 6, b"\2\0\0\0\0\1\0\0", etype) + payload


def cooked2(payload: bytes, etype: int = 0x0800) -> bytes:
    return struct.pack(">HHIHBB8s", etype, 0, 3, 1, 0, 6, b"\2\0\0\0\0\1\0\0") + payload


def null(payload: bytes, family: int = 2, order: str = "<") -> bytes:
    return struct.pack(f"{order}I", family) + payload


def pppoe(payload: bytes, kind: int = 0x0021) -> bytes:
    return ether(struct.pack(">BBHHH", 0x11, 0, 1, len(payload) + 2, kind) + payload, 0x8864)


def mpls(payload: bytes, labels: int = 2) -> bytes:
    stack = b"".join(struct.pack(">I", 100 + n << 12 | (n == labels - 1) << 8 | 64) for n in range(labels))
    return ether(stack + payload, 0x8847)


def vxlan(frame: bytes, outer=(A, B)) -> bytes:
    return ether(ip4(udp(50000, 4789, b"\x08\0\0\0\0\0\x05\0" + frame), 17, *outer))


def geneve(payload: bytes, etype: int = 0x6558, options: bytes = b"") -> bytes:
    head = struct.pack(">BBHI", len(options) // 4, 0, etype, 7 << 8) + options
    return ether(ip4(udp(50000, 6081, head + payload), 17))


def gre(payload: bytes, etype: int = 0x0800, flags: int = 0, words: bytes = b"") -> bytes:
    return ether(ip4(struct.pack(">HH", flags, etype) + words + payload, 47))


def erspan(frame: bytes, kind: int) -> bytes:
    if kind == 1:
        return gre(frame, 0x88BE)
    if kind == 2:
        return gre(struct.pack(">HHI", 0x1000, 0, 0) + frame, 0x88BE, 0x1000, bytes(4))
    return gre(struct.pack(">HHIHH", 0x2000, 0, 0, 0, 0) + frame, 0x22EB, 0x1000, bytes(4))


INNER = ("10.1.1.1", "10.2.2.2")
PAYLOAD = ip4(tcp(1111, 2222), 6, *INNER)
PAYLOAD6 = ip6(udp(1111, 2222), 17, "2001:db8:1::1", "2001:db8:2::2")

TUNNELS = {
    "vxlan": vxlan(ether(PAYLOAD)),
    "vxlan with vlan": vxlan(ether(PAYLOAD, 0x0800, [0x8100])),
    "geneve": geneve(ether(PAYLOAD)),
    "geneve with options": geneve(ether(PAYLOAD6, 0x86DD), options=bytes(8)),
    "geneve of ip": geneve(PAYLOAD, 0x0800),
    "gre": gre(PAYLOAD),
    "gre with key": gre(PAYLOAD6, 0x86DD, 0x2000, bytes(4)),
    "gre with all": gre(PAYLOAD, 0x0800, 0xB000, bytes(12)),
    "gre of ethernet": gre(ether(PAYLOAD), 0x6558),
    "gre of mpls": gre(struct.pack(">I", 5 << 12 | 1 << 8 | 9) + PAYLOAD, 0x8847),
    "erspan 1": erspan(ether(PAYLOAD), 1),
    "erspan 2": erspan(ether(PAYLOAD), 2),
    "erspan 3": erspan(ether(PAYLOAD), 3),
    "4in4": ether(ip4(PAYLOAD, 4)),
    "6in4": ether(ip4(PAYLOAD6, 41)),
    "4in6": ether(ip6(PAYLOAD, 4, A6, B6), 0x86DD),
    "6in6": ether(ip6(PAYLOAD6, 41, A6, B6), 0x86DD),
    "vxlan in gre": gre(vxlan(ether(PAYLOAD))[14:], 0x0800),
}

LINKS = {
    "sll": (113, cooked(PAYLOAD)),
    "sll with vlan": (113, cooked(b"\0\5\x08\0" + PAYLOAD, 0x8100)),
    "sll2": (276, cooked2(PAYLOAD6, 0x86DD)),
    "raw 4": (101, PAYLOAD),
    "raw 6": (101, PAYLOAD6),
    "ipv4": (228, PAYLOAD),
    "ipv6": (229, PAYLOAD6),
    "null": (0, null(PAYLOAD)),
    "null of macos, ipv6": (0, null(PAYLOAD6, 30)),
    "null of another byte order": (0, null(PAYLOAD, 2, ">")),
    "loop": (108, null(PAYLOAD6, 24, ">")),
    "ppp": (9, b"\x00\x21" + PAYLOAD),
    "ppp with address": (9, b"\xff\x03\x00\x57" + PAYLOAD6),
    "ppp in hdlc": (50, b"\xff\x03\x00\x21" + PAYLOAD),
    "cisco hdlc": (104, b"\x0f\x00\x08\x00" + PAYLOAD),
    "pppoe": (1, pppoe(PAYLOAD)),
    "pppoe of ipv6": (1, pppoe(PAYLOAD6, 0x57)),
    "mpls": (1, mpls(PAYLOAD)),
    "mpls of ipv6": (1, mpls(PAYLOAD6, 1)),
}


def dns(ident: int, name: str, *, response=False, code=0) -> bytes:
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    flags = (0x8180 if response else 0x0100) | code
    return struct.pack(">HHHHHH", ident, flags, 1, 0, 0, 0) + labels + b"\0\0\1\0\1"


def segment(sport, dport, flags, seq, ack, payload=b"") -> bytes:
    return struct.pack(">HHIIBBHHH", sport, dport, seq & 0xFFFFFFFF, ack & 0xFFFFFFFF, 5 << 4, flags, 1, 0, 0) + payload


def handshake(port=40000, seq=100, at=NOON, halves=(3_000_000, 4_000_000)) -> list[Frame]:
    """SYN, SYN_ACK, ACK and a first piece of data, so many ns apart."""
    there, back = at + halves[0], at + sum(halves)
    return [
        Frame(ether(ip4(segment(port, 443, craft.SYN, seq, 0), 6)), time=at),
        Frame(ether(ip4(segment(443, port, craft.SYN_ACK, 900, seq + 1), 6, B, A)), time=there),
        Frame(ether(ip4(segment(port, 443, craft.ACK, seq + 1, 901), 6)), time=back),
        Frame(ether(ip4(segment(port, 443, craft.PSH_ACK, seq + 1, 901, b"hello"), 6)), time=back + 1000),
    ]


def random_ng(random: Random, count: int) -> bytes:
    """A pcapng file with two sections, interfaces of several kinds and clocks, and every kind of packet block."""
    out = b""
    for order in random.sample(["<", ">"], 2):
        out += section(order) + interface(1, order=order, name="eth0")
        out += interface(101, order=order, name="tun0", resolution=random.choice([9, 0x89, 6, 0x94]))
        out += interface(1, order=order, offset=random.choice([None, 3600]))
        for frame in craft.random_frames(random, count):
            raw = Frame(random.choice([PAYLOAD, PAYLOAD6]), time=frame.time)
            out += random.choice(
                [
                    enhanced(frame, 0, order=order, comment=b"a comment"),
                    enhanced(raw, 1, order=order),
                    enhanced(Frame(random.choice(list(TUNNELS.values())), time=frame.time), 2, order=order),
                    old(frame, 2, order=order),
                    simple(frame, order=order),
                    block(STATISTICS, bytes(8), order),
                ]
            )
    return out


def random_files(random: Random, count: int) -> list[bytes]:
    """Captures of every container and link layer, to mutate."""
    plain = [
        craft.pcap(craft.random_frames(random, count), order=order, nano=nano)
        for order in "<>"
        for nano in (False, True)
    ]
    links = [craft.pcap([Frame(frame)] * 5, link=link) for link, frame in LINKS.values()]
    tunnels = craft.pcap([Frame(frame) for frame in TUNNELS.values()])
    talks = craft.pcap(
        [
            *handshake(),
            Frame(ether(ip4(udp(5000, 53, dns(7, "www.example.com")), 17))),
            Frame(ether(ip4(udp(53, 5000, dns(7, "www.example.com", response=True)), 17, B, A))),
        ]
    )
    return [*plain, *links, tunnels, talks, random_ng(random, count), random_ng(random, count)]
