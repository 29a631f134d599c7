"""A capture in the kernel as a source of `capture.live`: drained all the time, its flows gathered into intervals."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from capture.live.capturing import Limits, LiveCapture, Plan
from capture.live.files import Files
from capture.live.sources import Counters
from flowkit.errors import CaptureError

if TYPE_CHECKING:
    from capture.ebpf.capturing import EbpfCapture
    from capture.ebpf.tables import Drained

_TURN_S = 0.1
# The room for flows is what limits a capture, so it is emptied sooner when it was half full.
_TURNS_BETWEEN_DRAINS = 10


class Drains:
    """Drains as batches, about one a second."""

    def __init__(self, capture: EbpfCapture) -> None:
        self._capture, self._stop = capture, threading.Event()
        self._seen = self._lost = 0

    def batches(self) -> Iterator[Drained | None]:
        """Yield what was drained; raises `CaptureError` when nothing of what is captured is there any more."""
        turns = 0
        while not self._stop.wait(_TURN_S):
            turns += 1
            if turns < _TURNS_BETWEEN_DRAINS:
                yield None
                continue
            taken = self._take()
            turns = _TURNS_BETWEEN_DRAINS - 1 if 2 * len(taken.keys) > self._capture.wanted.max_flows else 0
            yield taken
            self._check()
        self._capture.stop()
        yield self._take()

    def _take(self) -> Drained:
        taken = self._capture.take()
        self._seen += taken.counters["seen"]
        self._lost += taken.counters["ring_lost"] + taken.counters["no_map"]
        return taken

    def _check(self) -> None:
        wanted, gone = self._capture.wanted, self._capture.ledger().gone
        if gone and len(gone) >= max(len(wanted.interfaces), 1):
            raise CaptureError(f"{', '.join(gone)}: no longer there")

    def counters(self) -> Counters:
        """Packets seen, and those that were lost, as of the last drain."""
        return Counters(self._seen, self._lost)

    def end(self) -> None:
        """Count nothing more; what was counted comes as the last batch."""
        self._stop.set()

    def close(self) -> None:
        """Take the programs off."""
        self._capture.stop()


class DrainedInterval:
    """The drains of an interval so far; `add` some, then read the `table` once."""

    def __init__(self, capture: EbpfCapture, begun: float) -> None:
        self._capture, self.begun, self.packets = capture, begun, 0
        self._parts: list[Drained] = []

    def add(self, taken: Drained) -> None:
        """Take a drain in."""
        self._parts.append(taken)
        self.packets += taken.counters["seen"]

    def table(self, interface: str, agent_ip: str | None, dropped: int) -> pd.DataFrame:
        """One flow table; the ledger of its drains tells what was dropped, and where it did."""
        del interface, agent_ip, dropped
        return self._capture.table(self._parts)


def recording(
    capture: EbpfCapture, folder: str | PathLike[str] | None, every: float, limits: Limits
) -> LiveCapture[Drained]:
    """Begin to record a capture."""
    if every <= 0:
        raise CaptureError(f"every is {every}: give seconds above 0")
    files = None if folder is None else Files(Path(folder), capture.wanted.name.strip("/"))
    plan = Plan(capture.wanted.name, None, every, limits, files, partial(DrainedInterval, capture))
    return LiveCapture(Drains(capture), plan)
