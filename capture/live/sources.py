"""What every live source of packets gives, and the choice between them."""

from __future__ import annotations

from collections.abc import Iterator, Sized
from dataclasses import dataclass
from typing import Protocol, TypeVar

import pandas as pd

# What a source yields: records of packets, or flows that the kernel has counted already; its length is in packets.
Batch = TypeVar("Batch", bound=Sized)
_Given = TypeVar("_Given", bound=Sized, covariant=True)
_Taken = TypeVar("_Taken", bound=Sized, contravariant=True)


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


class Source(Protocol[_Given]):
    """Packets as they come."""

    def batches(self) -> Iterator[_Given | None]:
        """Yield batches, and None about ten times a second while nothing comes; ends when the source does."""

    def counters(self) -> Counters:
        """The counts so far."""

    def end(self) -> None:
        """Capture nothing more: `batches` gives what has been captured, then ends."""

    def close(self) -> None:
        """Give everything back; `counters` still tells."""


class Gathered(Protocol[_Taken]):
    """The batches of one interval, until its flow table is made."""

    begun: float
    packets: int

    def add(self, batch: _Taken, /) -> None:
        """Take a batch in."""

    def table(self, interface: str, agent_ip: str | None, dropped: int) -> pd.DataFrame:
        """The flow table; packets that the kernel `dropped` meanwhile stand in its provenance."""
