"""``df.flow``: one-liners on a flow table, each a line over a public function. Only for typing less; nothing lives here."""

from __future__ import annotations

import pandas as pd

from flowkit.matrix.behind import between
from flowkit.matrix.building import matrix
from flowkit.matrix.endpoints import totals
from flowkit.matrix.external import external
from flowkit.matrix.flowmatrix import FlowMatrix
from flowkit.view.times import BINS, timeline

_NEEDED = ("SrcAddr", "DstAddr", "Proto")


class FlowAccessor:
    """What a flow table can be asked in one word; raises `AttributeError` for a table that is none.

    >>> flows = pd.DataFrame({"SrcAddr": ["10.0.0.2"], "DstAddr": ["10.0.0.1"], "SrcPort": [51000], "DstPort": [443],
    ...                       "Proto": [6], "Flags": [2], "Bytes": [120]})
    >>> flows.flow.servers()[["endpoint", "connections"]].values.tolist()
    [['10.0.0.1', 1]]
    """

    def __init__(self, flows: pd.DataFrame) -> None:
        missing = [name for name in _NEEDED if name not in flows.columns]
        if missing:
            raise AttributeError(
                f"this is no flow table: it has no column {' and no '.join(missing)}. "
                "fk.read(…) and capture.read_pcap(…) make one; a matrix's edges have .plot and .explore of their own"
            )
        self._flows = flows

    def matrix(self, by: str | None = None) -> FlowMatrix:
        """The flow matrix: `flowkit.matrix`."""
        return matrix(self._flows, by=by)

    def clients(self) -> pd.DataFrame:
        """Who calls, the busiest first: `flowkit.matrix.endpoints.totals`."""
        return totals(matrix(self._flows).edges, "client")

    def servers(self) -> pd.DataFrame:
        """Who is called, the busiest first: `flowkit.matrix.endpoints.totals`."""
        return totals(matrix(self._flows).edges, "server")

    def external(self) -> pd.DataFrame:
        """Outside addresses that no label names: `flowkit.external`."""
        return external(self._flows)

    def between(self, one: str, other: str) -> pd.DataFrame:
        """The flows between two namespaces or workloads, whoever calls: `flowkit.matrix.behind.between`."""
        return between(self._flows, one, other)

    def timeline(self, bins: int = BINS) -> pd.DataFrame:
        """Bytes over time by the server's namespace: `flowkit.view.times.timeline`."""
        return timeline(self._flows, bins)
