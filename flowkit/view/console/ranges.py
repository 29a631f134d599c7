"""Ranges of addresses in a filter: one address, a CIDR or ``first-last``, looked up once for each distinct address."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from flowkit.engine import Condition
from flowkit.enrich.addresses import pack, parse


@dataclass(frozen=True)
class Range:
    """The addresses `first` to `last`, 4 or 16 octets in network order, of a field."""

    field: str
    first: bytes
    last: bytes

    @property
    def column(self) -> str:
        """The column that says for every row whether its address is within."""
        return f">{self.field} in {self.first.hex()}-{self.last.hex()}"

    @property
    def test(self) -> Condition:
        """The condition on that column."""
        return Condition(self.column, "true")


def bounds(text: str) -> tuple[bytes, bytes] | None:
    """First and last address of what a user wrote; None when it is no address, CIDR or range.

    >>> bounds("10.1.0.0/30")
    (b'\\n\\x01\\x00\\x00', b'\\n\\x01\\x00\\x03')
    """
    if "/" in text:
        try:
            network = ipaddress.ip_network(text.strip(), strict=False)
        except ValueError:
            return None
        return network.network_address.packed, network.broadcast_address.packed
    first, dash, last = text.partition("-")
    ends = parse(first.strip()), parse((last if dash else first).strip())
    sound = bool(ends[0]) and len(ends[0]) == len(ends[1]) and ends[0] <= ends[1]
    return ends if sound else None


def with_ranges(flows: pd.DataFrame, ranges: Iterable[Range]) -> pd.DataFrame:
    """The table with a column for each range; an address that is missing, or a field that the table lacks, is within none."""
    return flows.assign(
        **{one.column: _within(flows[one.field], one) if one.field in flows else False for one in ranges}
    )


def _within(addresses: pd.Series[Any], wanted: Range) -> Any:
    if addresses.isna().all():
        return np.zeros(len(addresses), dtype=bool)
    codes, distinct = pd.factorize(addresses)
    packed = pack(pd.Index(distinct))
    if len(wanted.first) == 4:
        low, high = (np.uint32(int.from_bytes(end)) for end in (wanted.first, wanted.last))
        found = packed.is_v4 & (packed.v4 >= low) & (packed.v4 <= high)
    else:
        found = packed.is_v6 & (packed.v6 >= np.bytes_(wanted.first)) & (packed.v6 <= np.bytes_(wanted.last))
    return np.append(found, False)[codes]  # code -1, a missing address, takes the last
