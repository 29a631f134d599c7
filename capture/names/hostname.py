r"""Names of strangers made safe: lower case, and every byte that no host name has written ``\DDD``, as dig writes it.

What comes out is ASCII letters, digits, hyphen, underscore, dot and backslash alone: nothing for a terminal, a spreadsheet
or a browser to act on. Sources: RFC 1035 section 5.1 (the escape), RFC 4343 (case), RFC 2181 section 11 (any byte may come).
"""

from __future__ import annotations

import ipaddress
from functools import lru_cache

LONGEST = 255  # bytes, RFC 1035

_ORDINARY = frozenset(b"abcdefghijklmnopqrstuvwxyz0123456789-_")
_LABEL = [chr(octet) if octet in _ORDINARY else f"\\{octet:03d}" for octet in range(256)]
_HOST = [*_LABEL[: ord(".")], ".", *_LABEL[ord(".") + 1 :]]


@lru_cache(maxsize=100_000)
def label(octets: bytes) -> str:
    r"""One label of a DNS name; a dot inside it is escaped.

    >>> print(label(b"Shop"), label(b"a.b<i>"))
    shop a\046b\060i\062
    """
    return "".join([_LABEL[octet] for octet in octets.lower()])


def host_name(octets: bytes) -> str | None:
    """A host name as TLS and HTTP carry it: dots part labels, one at the end is dropped; None if empty or over 255 bytes.

    >>> host_name(b"Shop.Example.COM."), host_name(b".")
    ('shop.example.com', None)
    """
    if len(octets) > LONGEST:
        return None
    return "".join([_HOST[octet] for octet in octets.lower()]).strip(".") or None


def is_address(name: str) -> bool:
    r"""Whether a name is an IP address in words, which names nothing; IPv6's colons may be escaped or in brackets.

    >>> is_address("10.0.0.1"), is_address(r"\091fe80\058\0581\093"), is_address("shop")
    (True, True, False)
    """
    text = name.replace("\\058", ":").removeprefix("\\091").removesuffix("\\093").split("\\037")[0]
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
