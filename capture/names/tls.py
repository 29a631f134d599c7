"""The server's name in a TLS ClientHello, also of one spread over several records or not captured to its end.

Sources: RFC 8446 section 4.1.2 and 5.1 (hello and records), RFC 6066 section 3 (the extension server_name).
"""

from __future__ import annotations

import struct

from capture.names.found import Found, Missing

LONGEST = 1 << 16  # bytes of a hello; with post-quantum keys they have about 2 kB

_HANDSHAKE = 22
_CLIENT_HELLO = 1
_SERVER_NAME = 0
_BEFORE_SESSION = 4 + 2 + 32  # handshake header, version, random
_TWO = struct.Struct(">H").unpack_from
_EXTENSION = struct.Struct(">HH").unpack_from


def hello_in_records(stream: bytes) -> Found:
    """The server's name in a stream that begins with the TLS record of a ClientHello.

    >>> hello_in_records(bytes.fromhex("16 0301 0004 01 000000"))
    <Missing.ABSENT: 'it names nobody'>
    """
    place, parts = 0, list[bytes]()
    while place + 5 <= len(stream) and stream[place] == _HANDSHAKE and place < LONGEST:
        size = _TWO(stream, place + 3)[0]
        parts.append(stream[place + 5 : place + 5 + size])
        place += 5 + size
    found = server_name(b"".join(parts))
    foreign = place < len(stream) and stream[place] != _HANDSHAKE
    return Missing.ABSENT if found is Missing.MORE and foreign else found


def server_name(hello: bytes) -> Found:
    """The server's name in a ClientHello message; what is not whole gives the name if that far it goes.

    >>> server_name(b"\\1\\0\\1\\0" + bytes(20))
    <Missing.MORE: 'its end is missing'>
    """
    try:
        return _server_name(hello)
    except (IndexError, struct.error):
        whole = len(hello) >= 4 and len(hello) >= min(4 + int.from_bytes(hello[1:4], "big"), LONGEST)
        return Missing.ABSENT if whole else Missing.MORE


def _server_name(hello: bytes) -> Found:
    if hello[0] != _CLIENT_HELLO:
        return Missing.ABSENT
    place = _BEFORE_SESSION
    place += 1 + hello[place]
    place += 2 + _TWO(hello, place)[0]
    place += 1 + hello[place]
    end = place + 2 + _TWO(hello, place)[0]
    place += 2
    while place + 4 <= end:
        kind, size = _EXTENSION(hello, place)
        if kind == _SERVER_NAME:
            return _host(hello, place + 4, size)
        place += 4 + size
    return Missing.ABSENT


def _host(hello: bytes, place: int, size: int) -> Found:
    """The first entry of the list, which must be a host name: there is no other kind."""
    if size < 5 or hello[place + 2] != 0:
        return Missing.ABSENT
    length = _TWO(hello, place + 3)[0]
    if length + 5 > size:
        return Missing.ABSENT
    name = hello[place + 5 : place + 5 + length]
    return name if len(name) == length else Missing.MORE
