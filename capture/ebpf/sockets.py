"""What the kernel tells of sockets by their cookie: owner and round-trip time; and of dropped packets by flow and reason."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from capture.ebpf.maps import Map, Records
from capture.ebpf.records import COOKIE, DROP_KEY, DROP_VALUE, OWNER, ROUND_TRIP

OWNERS, ROUND_TRIPS, DROPS = "owners", "round_trips", "drops"
NAMES = (OWNERS, ROUND_TRIPS, DROPS)
_PROGRAMS = {
    OWNERS: ("socket_created", "state_changed", "sent", "received"),
    ROUND_TRIPS: ("round_trip_measured",),
    DROPS: ("dropped",),
}


def programs_for(*wanted: bool) -> set[str]:
    """The programs that tell of owners, round trips and drops, as far as each is wanted."""
    return {program for name, one in zip(NAMES, wanted, strict=True) if one for program in _PROGRAMS[name]}


class Sockets:
    """The reader of these maps; what it has read last stays when they are gone."""

    def __init__(self, maps: Mapping[str, Map]) -> None:
        self._maps: Mapping[str, Map] | None = maps
        self._kept: dict[str, tuple[Records, Records]] = {}

    def owners(self) -> tuple[Records, Records]:
        """Cookies in order, and who owns each."""
        return self._by_cookie(OWNERS, OWNER)

    def round_trips(self) -> tuple[Records, Records]:
        """Cookies in order, and the round-trip time of each."""
        return self._by_cookie(ROUND_TRIPS, ROUND_TRIP)

    def drops(self) -> tuple[Records, Records]:
        """Take out the packets dropped since the last time, by flow and reason."""
        if self._maps is None:
            return np.empty(0, DROP_KEY), np.empty(0, DROP_VALUE)
        return self._maps[DROPS].drain(DROP_KEY, DROP_VALUE)

    def keep(self) -> None:
        """Read once more before the maps are gone."""
        self.owners()
        self.round_trips()
        self._maps = None

    def _by_cookie(self, name: str, layout: np.dtype[Any]) -> tuple[Records, Records]:
        if self._maps is not None:
            cookies, found = self._maps[name].entries(COOKIE, layout)
            order = np.argsort(cookies, kind="stable")
            self._kept[name] = cookies[order], found[order]
        return self._kept[name]


def looked_up(wanted: Records, cookies: Records) -> np.ndarray[Any, np.dtype[np.int64]]:
    """The place of each wanted cookie among cookies in order, -1 where it is not.

    >>> looked_up(np.array([7, 5], "u8"), np.array([5, 6], "u8")).tolist()
    [-1, 0]
    """
    if not len(cookies):
        return np.full(len(wanted), -1)
    place = np.minimum(np.searchsorted(cookies, wanted), len(cookies) - 1)
    return np.where((cookies[place] == wanted) & (wanted != 0), place, -1)
