"""Addresses as numbers: distinct texts to sortable keys, IPv4 and IPv6 apart, IPv4-mapped IPv6 as IPv4 (as Go reads it)."""

from __future__ import annotations

import socket
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

_MAPPED = b"\0" * 10 + b"\xff\xff"


@dataclass(frozen=True)
class Packed:
    """Addresses in their order: `v4` as uint32 where `is_v4`, `v6` as 16 big-endian bytes where `is_v6`, else no address."""

    is_v4: npt.NDArray[np.bool_]
    is_v6: npt.NDArray[np.bool_]
    v4: npt.NDArray[np.uint32]
    v6: npt.NDArray[np.bytes_]

    @property
    def bad(self) -> int:
        """How many texts are no IP address."""
        return int((~(self.is_v4 | self.is_v6)).sum())


def pack(addresses: Iterable[Any]) -> Packed:
    """Parse address texts (each once: hand in distinct ones); what is no IP address is neither v4 nor v6.

    >>> packed = pack(["10.0.0.1", "::ffff:10.0.0.1", "2001:db8::1", "shop"])
    >>> packed.v4[:2].tolist(), packed.is_v6.tolist(), packed.bad
    ([167772161, 167772161], [False, False, True, False], 1)
    """
    octets = [parse(address) for address in addresses]
    is_v4 = np.array([len(item) == 4 for item in octets], dtype=bool)
    is_v6 = np.array([len(item) == 16 for item in octets], dtype=bool)
    v4 = np.array([int.from_bytes(item, "big") if len(item) == 4 else 0 for item in octets], dtype=np.uint32)
    v6 = np.array([item if len(item) == 16 else b"" for item in octets], dtype="S16")
    return Packed(is_v4, is_v6, v4, v6)


def parse(address: Any) -> bytes:
    """The 4 or 16 octets of an address text in network order, or none when it is no address.

    >>> parse("10.0.0.1"), parse("fe80::1%eth0"), parse(None)
    (b'\\n\\x00\\x00\\x01', b'', b'')
    """
    if not isinstance(address, str):
        return b""
    try:
        octets = socket.inet_pton(socket.AF_INET6 if ":" in address else socket.AF_INET, address)
    except (OSError, ValueError):
        return b""
    return octets[12:] if octets.startswith(_MAPPED) else octets
