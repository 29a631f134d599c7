"""Who had an address when: pods come and go, and the next one may get the address of the last.

A pod's tenancy begins with its start and ends when it ended or was deleted; of two pods the later start takes over. A flow is
attributed to the tenant at its own time: a pod younger than the flow cannot be its peer.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from flowkit.enrich.addresses import Addresses, canonical, pack
from flowkit.enrich.sides import Codes, Mask

STRANGER, NOBODY_THEN = -1, -2
ALWAYS, FOREVER = -(1 << 40), 1 << 45
# Kubernetes tells whole seconds, by a clock of its own.
_SLACK_MS = 5_000


@dataclass(frozen=True)
class Tenancy:
    """One tenant of one address: `person` is its number, times in ms since the epoch (`ALWAYS` and `FOREVER` are open)."""

    address: str
    person: int
    start: int = ALWAYS
    end: int = FOREVER


class Tenancies:
    """All tenancies, and the landlords (nodes, Services) that hold an address when no pod does."""

    def __init__(self, tenancies: Iterable[Tenancy], landlords: dict[str, int]) -> None:
        listed = list(tenancies)
        self._places = pd.Index(list(dict.fromkeys([*(t.address for t in listed), *landlords])), dtype="str")
        packed = pack(self._places)
        self._v4 = np.flatnonzero(packed.is_v4)[np.argsort(packed.v4[packed.is_v4])]
        self._v4_number = packed.v4[self._v4]
        self._landlord = np.array([landlords.get(address, STRANGER) for address in self._places] + [STRANGER])
        place = self._places.get_indexer(pd.Index([t.address for t in listed], dtype="str")).astype(np.int64)
        start = np.array([t.start for t in listed], dtype=np.int64)
        # Of equal starts the first listed is preferred, so it comes last: a search from the right finds it.
        order = np.lexsort((-np.arange(len(listed)), start, place)) if listed else np.zeros(0, dtype=np.int64)
        self._place, self._key = place[order], _key(place[order], start[order])
        self._end = np.array([t.end for t in listed], dtype=np.int64)[order]
        self._person = np.array([t.person for t in listed], dtype=np.int64)[order]

    def find(self, codes: Codes, addresses: Addresses, begin: Codes, end: Codes) -> Codes:
        """The person at each row's address at the time of its flow, `STRANGER` for an address nobody ever had,
        `NOBODY_THEN` for one that no known tenant had at that time.

        `codes` point into `addresses` (-1: absent), `begin` and `end` are the flow's times in ms.
        """
        if not len(codes):
            return codes
        place = self._places_of(addresses)
        # Most addresses have one tenant, or none, throughout the table's time: these need no look at each row's.
        early, late = self._tenancy(place, end.min()), self._tenancy(place, end.max())
        gone, stays = self._ended(early, begin.min()), ~self._ended(early, begin.max())
        changes = (early != late) | ~(gone | stays)
        who = np.append(self._tenant(place, early, begin.max()), STRANGER)[codes]
        if changes.any():
            rows = np.flatnonzero(np.append(changes, False)[codes])
            places = place[codes[rows]]
            who[rows] = self._tenant(places, self._tenancy(places, end[rows]), begin[rows])
        return who

    def _places_of(self, addresses: Addresses) -> Codes:
        """The number of each address among those that anybody ever had, -1 for others."""
        packed, place = addresses.packed, np.full(len(addresses.texts), -1, dtype=np.int64)
        if len(self._v4):
            at = np.minimum(np.searchsorted(self._v4_number, packed.v4), len(self._v4) - 1)
            place = np.where(packed.is_v4 & (self._v4_number[at] == packed.v4), self._v4[at], -1)
        place[~packed.is_v4] = self._places.get_indexer(canonical(addresses.texts[~packed.is_v4]))
        return place

    def _tenancy(self, place: Codes, end: Any) -> Codes:
        """The latest tenancy of each place that began before a flow's `end`, -1 for none."""
        if not len(self._key):
            return np.full(len(place), -1, dtype=np.int64)
        at = np.searchsorted(self._key, _key(place, np.minimum(end, FOREVER - _SLACK_MS) + _SLACK_MS), side="right") - 1
        return np.where((place >= 0) & (at >= 0) & (self._place[at] == place), at, -1)

    def _ended(self, tenancy: Codes, begin: Any) -> Mask:
        """Whether a tenancy, if there is one at all, was over before a flow's `begin`."""
        ended: Mask = np.append(self._end, ALWAYS)[tenancy] < begin - _SLACK_MS
        return ended

    def _tenant(self, place: Codes, tenancy: Codes, begin: Any) -> Codes:
        landlord = self._landlord[place]
        nobody = np.where((landlord < 0) & (place >= 0), NOBODY_THEN, landlord)
        return np.where(self._ended(tenancy, begin), nobody, np.append(self._person, STRANGER)[tenancy])


def _key(place: Codes, time: Any) -> Codes:
    """Place and time as one number that sorts by both: 47 bits of time are enough until the year 3000."""
    key: npt.NDArray[np.int64] = (place << 47) + np.clip(time - ALWAYS, 0, (1 << 47) - 1)
    return key
