"""How captures are read: what is looked at, where flows are cut, how many processes."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass

from capture.pcap.decode import WHOLE_VIEW, View
from capture.pcap.meter import HEAP, NO_CUTS, Cuts

# The walk of one process over a pipe feeds about three others; more would wait for it.
MOST_HELPERS = 3
# Batches of a capture that are read before helpers start (32 MB).
PATIENCE = 8


@dataclass(frozen=True)
class Plan:
    """How to read: what to look at, where to cut flows, packets grouped at once, helpers, batches before they start."""

    view: View = WHOLE_VIEW
    cuts: Cuts = NO_CUTS
    heap: int = HEAP
    helpers: int = 0
    patience: int = PATIENCE


def helpers(workers: int | None) -> int:
    """How many helpers there should be for so many processes in all; None stands for one a core.

    >>> helpers(1)
    0
    """
    if sys.platform != "linux":
        return 0
    cores = len(os.sched_getaffinity(0))
    return min((cores if workers is None else workers) - 1, MOST_HELPERS)
