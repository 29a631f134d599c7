"""Where every packet went that a hook saw: into a flow, or out by a reason that is counted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from capture.account import NOT_IP

CUT = "packets that end inside their IP header"
NO_ROOM = "packets that found no room in the flow map nor in the ring behind it"
DNS_NO_ROOM = "DNS messages that found no room in their ring"


@dataclass(frozen=True)
class Ledger:
    """Packets since the capture began: `seen` by the hooks, and what became of them.

    `counted` ones are in flows that were drained, `waiting` ones in the map (exact once the capture is closed);
    `by_ring` of the counted ones came through the ring, since the map was full. `gone` are interfaces that no longer exist.
    """

    seen: int
    counted: int
    not_ip: int
    cut: int
    lost: int
    by_ring: int = 0
    dns_lost: int = 0
    gone: tuple[str, ...] = ()

    @property
    def waiting(self) -> int:
        """Packets that are in neither a drained flow nor a loss: they wait in the map."""
        return self.seen - self.counted - self.not_ip - self.cut - self.lost

    def __str__(self) -> str:
        """One line for people.

        >>> print(Ledger(1000, 900, 90, 4, 6))
        1,000 packets seen: 900 in flows, 0 waiting, 90 not IP, 4 cut, 6 lost
        """
        gone = f"; gone: {', '.join(self.gone)}" if self.gone else ""
        parts = f"{self.counted:,} in flows, {self.waiting:,} waiting, {self.not_ip:,} not IP, {self.cut:,} cut"
        return f"{self.seen:,} packets seen: {parts}, {self.lost:,} lost{gone}"


def ledger(counters: Mapping[str, int], counted: int, gone: tuple[str, ...] = ()) -> Ledger:
    """The ledger by the programs' counters and the packets drained so far."""
    lost = counters["ring_lost"] + counters["no_map"]
    known = (counters["not_ip"], counters["cut"], lost, counters["ring_ok"], counters["dns_lost"])
    return Ledger(counters["seen"], counted, *known, gone)


def losses(counters: Mapping[str, int]) -> dict[str, int]:
    """Losses by reason, as they stand in a table's provenance.

    >>> losses({"not_ip": 2, "cut": 0, "ring_lost": 1, "no_map": 0, "dns_lost": 0})
    {'frames that are not IP': 2, 'packets that found no room in the flow map nor in the ring behind it': 1}
    """
    found = {
        NOT_IP: counters["not_ip"],
        CUT: counters["cut"],
        NO_ROOM: counters["ring_lost"] + counters["no_map"],
        DNS_NO_ROOM: counters["dns_lost"],
    }
    return {reason: count for reason, count in found.items() if count}
