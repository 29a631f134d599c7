"""What every container gives: a batch of packet records, and the place where a container stopped making sense."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from capture.pcap.comments import Names
from capture.pcap.octets import I64, U8, Bool


@dataclass(frozen=True)
class Records:
    """Packet records as columns over one buffer.

    `start` is where a packet's bytes begin in `buffer`, `captured` how many are there, `wire` how long it was on the
    wire (bytes), `time` when (ns since the epoch), `link` the link type of all of them (tcpdump.org's list). Where the
    container knows interfaces, `interface` counts into `names`; where packets carry comments with Kubernetes names, `noted`
    counts into `notes`. `reasons` are losses on the way, by reason.
    """

    buffer: U8
    start: I64
    captured: I64
    wire: I64
    time: I64
    link: int
    interface: I64 | None = None
    names: tuple[str | None, ...] = ()
    reasons: Mapping[str, int] = field(default_factory=dict)
    noted: I64 | None = None
    notes: tuple[Names, ...] = ()

    def __len__(self) -> int:
        return len(self.start)

    @property
    def end(self) -> I64:
        """Where a packet's captured bytes end in `buffer`."""
        return self.start + self.captured

    def take(self, rows: Bool | slice, link: int) -> Records:
        """Some of the packets, as of a link type."""
        return Records(self.buffer, self.start[rows], self.captured[rows], self.wire[rows], self.time[rows], link)

    def on(self, interface: I64, names: tuple[str | None, ...]) -> Records:
        """The same packets, seen by these interfaces."""
        return replace(self, interface=interface, names=names)

    def saying(self, noted: I64, notes: tuple[Names, ...]) -> Records:
        """The same packets with these notes; -1 for a packet without."""
        return replace(self, noted=noted, notes=notes)

    def losing(self, reasons: Mapping[str, int]) -> Records:
        """The same packets, with losses on the way."""
        return replace(self, reasons={reason: count for reason, count in reasons.items() if count})


@dataclass(frozen=True)
class Damage:
    """`octets` bytes from `offset` of the (unpacked) capture were left over; `cut` means: one record, begun and not whole."""

    offset: int
    octets: int
    cut: bool
