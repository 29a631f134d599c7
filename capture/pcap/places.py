"""Where a packet was seen, as one small number in the flow key: VLAN, interface, the outer addresses
of its tunnel, and what comments say of it.

Most captures have one place only, number 0. Distinct places are few, so a packet carries a number and the table of places
says what it means.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from capture.pcap.comments import Names
from capture.pcap.link import UNTAGGED
from capture.pcap.octets import I64, U64

TOO_MANY = "packets in more places (VLAN, interface, tunnel) than can be told apart (kept, without their place)"

MOST = (1 << 22) - 1


class Outer(NamedTuple):
    """The addresses around a tunnelled packet, as halves of 64 bits."""

    is_v6: int
    src_hi: int
    src_lo: int
    dst_hi: int
    dst_lo: int


class Place(NamedTuple):
    """One place; nothing known of the first one."""

    vlan: int = UNTAGGED
    interface: str | None = None
    outer: Outer | None = None
    named: Names | None = None

    @property
    def unnamed(self) -> Place:
        """The same place, whatever was said of its packets."""
        return self._replace(named=None)


@dataclass(frozen=True)
class Where:
    """Where packets were seen, -1 for nowhere: VLAN, interface (counting into `names`), tunnel (into `outers`), notes."""

    vlan: I64
    interface: I64
    outer: I64
    noted: I64
    outers: Sequence[Outer]
    names: Sequence[str | None]
    notes: Sequence[Names]

    @property
    def columns(self) -> tuple[I64, I64, I64, I64]:
        """What is told of each packet."""
        return self.vlan, self.interface, self.outer, self.noted

    def place(self, vlan: int, interface: int, outer: int, noted: int) -> Place:
        """The place that one row of the columns means."""
        return Place(
            vlan,
            self.names[interface] if interface >= 0 else None,
            self.outers[outer] if outer >= 0 else None,
            self.notes[noted] if noted >= 0 else None,
        )


class Places:
    """The places of a capture so far, by number."""

    def __init__(self) -> None:
        self.known = [Place()]
        self._numbers = {Place(): 0}

    def number(self, place: Place) -> int:
        """The number of a place; 0 when there are too many.

        >>> places = Places()
        >>> places.number(Place(vlan=5)), places.number(Place()), places.number(Place(vlan=5))
        (1, 0, 1)
        """
        if place not in self._numbers:
            if len(self.known) > MOST:
                return 0
            self._numbers[place] = len(self.known)
            self.known.append(place)
        return self._numbers[place]

    def numbers(self, seen: Where) -> U64:
        """The place of each packet."""
        combined = seen.vlan + 1
        for column, table in zip(seen.columns[1:], (seen.names, seen.outers, seen.notes), strict=True):
            combined = combined * (len(table) + 1) + column + 1
        code, first = pd.factorize(combined)
        row = np.empty(len(first), np.int64)
        row[code[::-1]] = np.arange(len(code) - 1, -1, -1)
        each = zip(*(column[row].tolist() for column in seen.columns), strict=True)
        return np.array([self.number(seen.place(*one)) for one in each], np.uint64)[code]

    def overflown(self, numbers: U64, seen: Where) -> int:
        """How many packets have a place but no number for it."""
        if len(self.known) <= MOST:
            return 0
        return int(((numbers == 0) & np.any([part >= 0 for part in seen.columns], axis=0)).sum())

    def adopted(self, others: Iterable[Place]) -> U64:
        """What the places of another table are called here: their numbers in the order given."""
        return np.array([self.number(place) for place in others], np.uint64)
