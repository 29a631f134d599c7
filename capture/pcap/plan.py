"""How captures are read: what is looked at, where flows are cut, how many processes."""

from __future__ import annotations

import os
import sys
from collections.abc import Collection
from dataclasses import dataclass

from capture.pcap.decode import WHOLE_VIEW, Tunnels, View, Vlan
from capture.pcap.meter import HEAP, NO_CUTS, Cuts
from flowkit.errors import CaptureError

# The walk of one process over a pipe feeds about three others; more would wait for it.
MOST_HELPERS = 3
# Batches of a capture that are read before helpers start (32 MB).
PATIENCE = 8
_SECOND = 10**9


@dataclass(frozen=True)
class Plan:
    """How to read: what to look at, where to cut flows, packets grouped at once, helpers, batches before they start."""

    view: View = WHOLE_VIEW
    cuts: Cuts = NO_CUTS
    heap: int = HEAP
    helpers: int = 0
    patience: int = PATIENCE


@dataclass(frozen=True)
class Options:
    """What users choose; `capture.read_pcap` says what each means."""

    tunnels: Tunnels = "inner"
    vlan: Vlan = "ignore"
    export_s: float | None = None
    idle_s: float | None = None
    rtt: bool = True
    dns: bool = True
    workers: int | None = None

    def plan(self) -> Plan:
        """Check them and put them together; raises `CaptureError` for a value that cannot be.

        >>> Options(idle_s=0).plan()
        Traceback (most recent call last):
        flowkit.errors.CaptureError: idle_s is 0: it must be more than 0 seconds
        """
        one_of("tunnels", self.tunnels, ("inner", "outer"))
        one_of("vlan", self.vlan, ("ignore", "key"))
        if self.workers is not None and self.workers < 1:
            raise CaptureError(f"workers is {self.workers}: it must be at least 1")
        cuts = Cuts(_nanoseconds("export_s", self.export_s), _nanoseconds("idle_s", self.idle_s))
        return Plan(View(self.tunnels, self.vlan, self.rtt, self.dns), cuts, helpers=helpers(self.workers))


def one_of(option: str, given: str, allowed: Collection[str]) -> None:
    """Raise `CaptureError` for a word that an option cannot be."""
    if given not in allowed:
        raise CaptureError(f"{option} is '{given}': it can be {' or '.join(allowed)}")


def _nanoseconds(option: str, seconds: float | None) -> int:
    if seconds is not None and not seconds > 0:
        raise CaptureError(f"{option} is {seconds}: it must be more than 0 seconds")
    return max(1, round(seconds * _SECOND)) if seconds is not None else 0


def helpers(workers: int | None) -> int:
    """How many helpers there should be for so many processes in all; None stands for one a core.

    >>> helpers(1)
    0
    """
    if sys.platform != "linux":
        return 0
    cores = len(os.sched_getaffinity(0))
    return min((cores if workers is None else workers) - 1, MOST_HELPERS)
