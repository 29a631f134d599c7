"""Where a packet was seen, as one small number in the flow key: VLAN, interface, and the outer addresses of its tunnel.

Most captures have one place only, number 0. Distinct places are few, so a packet carries a number and the table of places
says what it means.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import pandas as pd

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

    def numbers(self, vlan: I64, interface: I64, outer: I64, outers: list[Outer], names: tuple[str | None, ...]) -> U64:
        """The place of each packet, from its VLAN, the interface counting into `names`, the tunnel counting into `outers`.

        -1 stands for none.
        """
        combined = ((vlan + 1) * (len(names) + 1) + interface + 1) * (len(outers) + 1) + outer + 1
        code, first = pd.factorize(combined)
        row = np.empty(len(first), np.int64)
        row[code[::-1]] = np.arange(len(code) - 1, -1, -1)
        each = zip(vlan[row].tolist(), interface[row].tolist(), outer[row].tolist(), strict=True)
        found = [self.number(Place(v, names[i] if i >= 0 else None, outers[o] if o >= 0 else None)) for v, i, o in each]
        return np.array(found, np.uint64)[code]

    def overflown(self, numbers: U64, *what: I64) -> int:
        """How many packets have a place but no number for it."""
        if len(self.known) <= MOST:
            return 0
        return int(((numbers == 0) & np.any([part >= 0 for part in what], axis=0)).sum())

    def adopted(self, others: Iterable[Place]) -> U64:
        """What the places of another table are called here: their numbers in the order given."""
        return np.array([self.number(place) for place in others], np.uint64)
