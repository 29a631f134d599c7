"""What every container gives: a batch of packet records, and the place where a container stopped making sense."""

from __future__ import annotations

from dataclasses import dataclass

from capture.pcap.octets import I64, U8


@dataclass(frozen=True)
class Records:
    """Packet records as columns over one buffer.

    `start` is where a packet's bytes begin in `buffer`, `captured` how many are there, `wire` how long it was on the
    wire (bytes), `time` when (ns since the epoch), `link` the link type of all of them (tcpdump.org's list).
    """

    buffer: U8
    start: I64
    captured: I64
    wire: I64
    time: I64
    link: int

    def __len__(self) -> int:
        return len(self.start)


@dataclass(frozen=True)
class Damage:
    """`octets` bytes from `offset` of the (unpacked) capture were left over; `cut` means: one record, begun and not whole."""

    offset: int
    octets: int
    cut: bool
