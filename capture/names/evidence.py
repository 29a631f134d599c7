"""Which address carries which name by whose word: counted, with first and last time, and what could not be read."""

from __future__ import annotations

import ipaddress
import socket
from collections import Counter
from functools import lru_cache

import pandas as pd

SOURCES = ("dns", "sni", "http-host", "quic-sni")
MOST = 2_000_000

TOO_MANY = f"names beyond the first {MOST:,}"
_MS = 1_000_000


class Evidence:
    """Names so far; `reasons` counts what gave none."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._rows: dict[tuple[bytes, str, str], list[int]] = {}
        self.reasons: Counter[str] = Counter()

    def add(self, address: bytes, name: str, source: str, time: int) -> None:
        """Count that somebody said so at `time` (ns since the epoch)."""
        row = self._rows.get((address, name, source))
        if row is not None:
            row[0] += 1
            if time > row[2]:
                row[2] = time
            elif time < row[1]:
                row[1] = time
        elif len(self._rows) < self._most:
            self._rows[address, name, source] = [1, time, time]
        else:
            self.reasons[TOO_MANY] += 1

    def table(self) -> pd.DataFrame:
        """One row an address, name and source: by address (IPv4 first), then the most said first.

        >>> evidence = Evidence()
        >>> evidence.add(bytes([10, 0, 0, 1]), "shop", "dns", 1_700_000_000_000_000_000)
        >>> [str(value) for value in evidence.table().iloc[0]]
        ['10.0.0.1', 'shop', 'dns', '1', '1700000000000', '1700000000000']
        """
        rows = sorted(self._rows.items(), key=_order)
        keys = [key for key, _ in rows]
        return pd.DataFrame(
            {
                "Addr": pd.array([address_text(key[0]) for key in keys], dtype="str"),
                "Name": pd.array([key[1] for key in keys], dtype="str"),
                "Source": pd.Categorical([key[2] for key in keys], categories=pd.Index(SOURCES, dtype="str")),
                "Count": pd.array([row[0] for _, row in rows], dtype="UInt64"),
                "First": pd.array([row[1] // _MS for _, row in rows], dtype="Int64"),
                "Last": pd.array([row[2] // _MS for _, row in rows], dtype="Int64"),
            }
        )


def _order(row: tuple[tuple[bytes, str, str], list[int]]) -> tuple[int, bytes, int, str, int]:
    (address, name, source), (count, _, _) = row
    return len(address), address, -count, name, SOURCES.index(source)


@lru_cache(maxsize=100_000)
def address_text(packed: bytes) -> str:
    """An address as the flow table writes it.

    >>> address_text(bytes(15) + b"\\1")
    '::1'
    """
    if len(packed) == 4:
        return socket.inet_ntoa(packed)
    # inet_ntop writes ::a00:1 as ::10.0.0.1, a form that RFC 5952 keeps for IPv4-mapped addresses.
    return str(ipaddress.IPv6Address(packed)) if not any(packed[:12]) else socket.inet_ntop(socket.AF_INET6, packed)
