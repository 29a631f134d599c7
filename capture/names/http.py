"""The Host of a plain HTTP/1 request.

A request to a proxy (CONNECT, or a target with a scheme) names somebody else than the address it is sent to, and gives
nothing; so does one with two Hosts, which RFC 9112 calls invalid. Sources: RFC 9110 section 7.2, RFC 9112 section 3.2.
"""

from __future__ import annotations

import re
from functools import lru_cache

from capture.names.found import Found, Missing

METHODS = (b"GET ", b"POST", b"HEAD", b"PUT ", b"DELE", b"OPTI", b"PATC", b"CONN")
LONGEST = 16 * 1024  # bytes of a head; servers refuse longer ones

_OFTEN = 1024  # bytes; longer heads are not worth remembering
_REQUEST = re.compile(rb"([A-Z]+) ([^ \r\n]+) HTTP/1\.[01]\r\n")
_HOST = re.compile(rb"\r\nhost:[ \t]*([^\r\n]*?)[ \t]*(?=\r\n)", re.IGNORECASE)


def host(stream: bytes) -> Found:
    """The host a request asks for, without the port.

    >>> host(b"GET / HTTP/1.1\\r\\nHost: shop.example:8080\\r\\n\\r\\n")
    b'shop.example'
    """
    # Clients repeat themselves, health probes above all.
    return _repeated(stream) if len(stream) <= _OFTEN else _host(stream)


@lru_cache(maxsize=4096)
def _repeated(stream: bytes) -> Found:
    return _host(stream)


def _host(stream: bytes) -> Found:
    head, end, _ = stream[:LONGEST].partition(b"\r\n\r\n")
    request = _REQUEST.match(head + b"\r\n" if end else head)
    if request is None:
        return Missing.ABSENT if end or b"\r\n" in head or len(stream) >= LONGEST else Missing.MORE
    if request[1] == b"CONNECT" or not request[2].startswith((b"/", b"*")):
        return Missing.PROXY
    hosts = _HOST.findall(head + b"\r\n" if end else head)
    # A name that stands there is good although the rest of the head was not captured.
    if len(hosts) == 1 and hosts[0]:
        return _without_port(hosts[0])
    return Missing.ABSENT if end or hosts or len(stream) >= LONGEST else Missing.MORE


def _without_port(value: bytes) -> bytes:
    if value.startswith(b"["):
        return value.partition(b"]")[0] + b"]"
    return value.partition(b":")[0]
