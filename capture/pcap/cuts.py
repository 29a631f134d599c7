"""Where one flow becomes several: at the agent's export times, and after a time without packets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from capture.pcap.octets import I64


@dataclass(frozen=True)
class Cuts:
    """Where one flow becomes several: at each multiple of `export` and after `idle` without a packet (ns; 0: never)."""

    export: int = 0
    idle: int = 0

    def apply(self, flow: I64, first_row: I64, first: I64, last: I64) -> tuple[I64, I64]:
        """Number flows anew, so that cut ones have several numbers, and give the first row of each.

        >>> two, times = np.array([0, 0]), np.array([1, 9])
        >>> Cuts(idle=5).apply(two, np.array([0]), times, times)[0].tolist()
        [0, 1]
        """
        if not (self.export or self.idle) or not len(flow):
            return flow, first_row
        order = np.lexsort((first, flow))
        new = np.zeros(len(flow), np.bool_)
        new[1:] = flow[order][1:] != flow[order][:-1]
        if self.export:
            period = first[order] // self.export
            new[1:] |= period[1:] != period[:-1]
        if self.idle:
            new[1:] |= first[order][1:] - _last_so_far(np.cumsum(new), last[order])[:-1] > self.idle
        number = np.empty(len(flow), np.int64)
        number[order] = np.cumsum(new)
        new[0] = True
        return number, order[new]

    def stretches(self, flow: I64, time: I64) -> I64:
        """Number flows anew by stretches of time that no cut divides: what one stretch holds belongs to one flow.

        >>> Cuts(idle=5).stretches(np.array([0, 0, 0]), np.array([1, 2, 9])).tolist()
        [0, 0, 1]
        """
        for width in (width for width in (self.export, self.idle) if width):
            # Two packets in one stretch are never further apart than it is wide.
            stretch, distinct = pd.factorize(time // width)
            flow = pd.factorize(flow * len(distinct) + stretch)[0]
        return flow


NO_CUTS = Cuts()


def _last_so_far(flow: I64, last: I64) -> I64:
    """The latest time of each flow's rows up to each row; flows lie together, in order of their number."""
    order = np.argsort(last, kind="stable")
    rank = np.empty(len(last), np.int64)
    rank[order] = np.arange(len(last))
    latest: I64 = np.maximum.accumulate(flow * len(last) + rank) % len(last)
    return last[order[latest]]
