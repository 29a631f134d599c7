"""Addresses as numbers: distinct texts to sortable keys, IPv4 and IPv6 apart, IPv4-mapped IPv6 as IPv4 (as Go reads it)."""

from __future__ import annotations

import socket
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from flowkit.enrich.dotted import dotted

_MAPPED = b"\0" * 10 + b"\xff\xff"


@dataclass(frozen=True)
class Packed:
    """Addresses in their order: `v4` as uint32 where `is_v4`, `v6` as 16 big-endian bytes where `is_v6`, else no address."""

    is_v4: npt.NDArray[np.bool_]
    is_v6: npt.NDArray[np.bool_]
    v4: npt.NDArray[np.uint32]
    v6: npt.NDArray[np.bytes_]

    @property
    def none(self) -> npt.NDArray[np.bool_]:
        """Which texts are no IP address."""
        return ~(self.is_v4 | self.is_v6)

    @property
    def bad(self) -> int:
        """How many texts are no IP address."""
        return int(self.none.sum())


@dataclass(frozen=True)
class Addresses:
    """The distinct address texts of a column, parsed once for all who look them up."""

    texts: pd.Index[Any]

    @cached_property
    def packed(self) -> Packed:
        """As numbers."""
        return pack(self.texts)


def pack(addresses: Iterable[Any]) -> Packed:
    """Parse address texts (each once: hand in distinct ones); what is no IP address is neither v4 nor v6.

    >>> packed = pack(["10.0.0.1", "::ffff:10.0.0.1", "2001:db8::1", "shop"])
    >>> packed.v4[:2].tolist(), packed.is_v6.tolist(), packed.bad
    ([167772161, 167772161], [False, False, True, False], 1)
    """
    listed = addresses if isinstance(addresses, pd.Index) else pd.Index(list(addresses), dtype=object)
    v4, is_v4 = dotted(listed)
    rest = np.flatnonzero(~is_v4)
    octets = [parse(address) for address in _texts(listed[rest])]
    lengths = np.fromiter(map(len, octets), dtype=np.int8, count=len(octets))
    is_v4[rest], is_v6 = lengths == 4, np.zeros(len(listed), dtype=bool)
    is_v6[rest] = lengths == 16
    v4[rest[lengths == 4]] = np.frombuffer(b"".join(item for item in octets if len(item) == 4), dtype=">u4")
    v6 = np.zeros(len(listed), dtype="S16")
    v6[is_v6] = [item for item in octets if len(item) == 16]
    return Packed(is_v4, is_v6, v4, v6)


def _texts(addresses: pd.Index[Any]) -> list[Any]:
    # An Arrow-backed index hands out one text at a time ten times slower than a list of all.
    found: list[Any] = addresses.to_numpy(dtype=object).tolist()
    return found


def canonical(addresses: pd.Index[Any]) -> pd.Index[Any]:
    """The same addresses in one spelling each: IPv6 as RFC 5952 writes it, IPv4-mapped IPv6 as IPv4; no address stays itself.

    >>> canonical(pd.Index(["2001:DB8:0::1", "::ffff:10.0.0.1", "10.0.0.1"])).tolist()
    ['2001:db8::1', '10.0.0.1', '10.0.0.1']
    """
    odd = addresses.astype("str").str.contains(":", regex=False)
    if not odd.any():
        return addresses
    texts = addresses.astype(object).to_numpy(copy=True)
    texts[odd] = [spelled(text) for text in texts[odd]]
    found: pd.Index[Any] = pd.Index(texts, dtype="str")
    return found


def spelled(text: str) -> str:
    """One address as `canonical` spells it."""
    octets = parse(text)
    if not octets:
        return text
    return socket.inet_ntop(socket.AF_INET if len(octets) == 4 else socket.AF_INET6, octets)


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
