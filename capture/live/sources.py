"""What every live source of packets gives, and the choice between them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from capture.pcap.records import Records


@dataclass(frozen=True)
class Wanted:
    """What to capture: an interface, a capture filter (tcpdump's language), bytes kept of each packet."""

    interface: str
    filter: str = ""
    snap: int = 512


@dataclass(frozen=True)
class Counters:
    """The kernel's own counts of a capture: packets that passed the filter, and how many of them it dropped for want of room.

    `seen` is None where the source only tells drops; both are None where it tells them at the end alone.
    """

    seen: int | None
    dropped: int | None


class Source(Protocol):
    """Packets as they come."""

    def batches(self) -> Iterator[Records | None]:
        """Yield batches, and None about ten times a second while nothing comes; ends when the source does."""

    def counters(self) -> Counters:
        """The counts so far."""

    def end(self) -> None:
        """Capture nothing more: `batches` gives what has been captured, then ends."""

    def close(self) -> None:
        """Give everything back; `counters` still tells."""
