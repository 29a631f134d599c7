"""DNS messages, TLS hellos, HTTP requests and sealed QUIC Initials by hand, for the tests of names."""

from __future__ import annotations

import ipaddress
import struct

from capture.names.quic_keys import VERSIONS, client_keys
from tests.capture.craft import ACK, A, B, ether, ip4, ip6, tcp, udp

A_RECORD, CNAME, AAAA = 1, 5, 28


def wire_name(name: str) -> bytes:
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".") if label) + b"\0"


def record(owner: bytes, kind: int, data: bytes, group: int = 1) -> bytes:
    return owner + struct.pack(">HHIH", kind, group, 60, len(data)) + data


def address(owner: bytes, text: str, group: int = 1) -> bytes:
    packed = ipaddress.ip_address(text).packed
    return record(owner, A_RECORD if len(packed) == 4 else AAAA, packed, group)


def dns(question: str | None, answers, *, flags: int = 0x8180, more=()) -> bytes:
    """A message with at most one question (at byte 12, where compression may point), answers and additional records."""
    asked = b"" if question is None else wire_name(question) + b"\0\1\0\1"
    head = struct.pack(">HHHHHH", 7, flags, question is not None, len(answers), 0, len(more))
    return head + asked + b"".join(answers) + b"".join(more)


def hello(name: bytes | None, *, padding: int = 0) -> bytes:
    """A ClientHello message; padding comes before the name, as big key shares do."""
    extensions = struct.pack(">HH", 21, padding) + bytes(padding)
    if name is not None:
        entry = b"\0" + struct.pack(">H", len(name)) + name
        extensions += struct.pack(">HHH", 0, len(entry) + 2, len(entry)) + entry
    body = b"\3\3" + bytes(32) + b"\x20" + bytes(32) + b"\0\2\x13\x01" + b"\1\0"
    body += struct.pack(">H", len(extensions)) + extensions
    return b"\1" + len(body).to_bytes(3, "big") + body


def in_records(message: bytes, size: int = 16384) -> bytes:
    parts = [message[place : place + size] for place in range(0, len(message), size)]
    return b"".join(b"\x16\3\1" + struct.pack(">H", len(part)) + part for part in parts)


def request(host: str, target: str = "/", method: str = "GET") -> bytes:
    return f"{method} {target} HTTP/1.1\r\nUser-Agent: t\r\nHost: {host}\r\n\r\n".encode()


def segment(payload: bytes, sequence: int = 1, sport=40000, dport=443, src=A, dst=B) -> bytes:
    head = bytearray(tcp(sport, dport, ACK, payload))
    head[4:8] = struct.pack(">I", sequence % 2**32)
    return _in_ip(bytes(head), 6, src, dst)


def datagram(payload: bytes, sport=40000, dport=443, src=A, dst=B) -> bytes:
    return _in_ip(udp(sport, dport, payload), 17, src, dst)


def dns_reply(message: bytes, sport: int = 53) -> bytes:
    return datagram(message, sport, 40000, B, A)


def _in_ip(payload: bytes, proto: int, src: str, dst: str) -> bytes:
    if ":" in src:
        return ether(ip6(payload, proto, src, dst), 0x86DD)
    return ether(ip4(payload, proto, src, dst))


def crypto(offset: int, data: bytes) -> bytes:
    return b"\6" + varint(offset) + varint(len(data)) + data


def varint(value: int) -> bytes:
    return struct.pack(">H", 0x4000 | value)


def initial(frames: bytes, *, version: int = 1, dcid=b"12345678", original=None, number: int = 0, size=1200) -> bytes:
    """A client's Initial of `size` bytes, sealed with the keys of the original destination connection ID."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    keys = client_keys(VERSIONS[version], original or dcid)
    first = 0xC0 | VERSIONS[version].initial | 1
    head = bytes([first]) + struct.pack(">I", version) + bytes([len(dcid)]) + dcid + b"\0" + b"\0"
    room = size - len(head) - 2 - 2 - 16
    payload = frames + bytes(max(0, room - len(frames)))
    head += varint(2 + len(payload) + 16) + struct.pack(">H", number)
    nonce = (int.from_bytes(keys.iv, "big") ^ number).to_bytes(12, "big")
    sealed = AESGCM(keys.key).encrypt(nonce, payload, head)
    mask = keys.mask(sealed[2:18])
    hidden = (
        bytes([head[0] ^ mask[0] & 0x0F]) + head[1:-2] + bytes(a ^ b for a, b in zip(head[-2:], mask[1:], strict=False))
    )
    return hidden + sealed
