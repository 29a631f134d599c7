"""The network flow matrix: who talks to whom on which server port, with the evidence for it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from flowkit.contract.provenance import Provenance, provenance
from flowkit.errors import ContractError
from flowkit.matrix.endpoints import endpoints, side_names

if TYPE_CHECKING:
    from pathlib import Path

    from flowkit.view.widget import Explorer

EDGE_KEY = (
    "from_namespace",
    "from_kind",
    "from_workload",
    "from_subnet_label",
    "to_namespace",
    "to_kind",
    "to_workload",
    "to_subnet_label",
    "port",
    "proto",
)
EVIDENCE = ("state", "flows", "connections", "bytes", "packets", "first", "last", "direction_by", "folded")
EDGE_COLUMNS = (*EDGE_KEY, *EVIDENCE)
UNNAMED_COLUMNS = (*EDGE_KEY, "client", "server", "state", "connections", "first", "last")
STATES = ("answered", "refused", "unanswered")
MEASURES = ("connections", "flows", "bytes", "packets")


@dataclass(frozen=True)
class FlowMatrix:
    """A frozen value: edges, the level they are named at, and the filters that made it; methods return new ones.

    `edges` has one row a client → server : port, sorted by its key: the columns of ``EDGE_KEY`` (text, ``""`` where
    absent; `port` UInt16, missing for protocols without ports; `proto` the IP protocol number), then the evidence:
    `state` (answered, refused or unanswered), `flows` (rows, both ways), `connections` (flows with SYN; sockets where there
    is no SYN), `bytes` and `packets` (both ways, each copy once), `first` and `last` (datetime64[ms, UTC]), `direction_by`
    (how client and server are known), `folded` (copies folded into it). Where flows were dropped, `dropped_by` names the
    policies or the kernel's causes. Flows, bytes and packets are weighted by each flow's ``Sampling``.
    Its provenance says period, sources, sampling, losses.

    `unnamed` are the conversations with an end that is no pod's (an outside address, a node), as far as the matrix was made of
    flows: the edge's key (a port is -1 where absent), `client` and `server` (addresses), `state`
    (code in ``STATES``), `connections`, `first`, `last` (ms).
    """

    edges: pd.DataFrame
    by: str = "workload"
    filters: tuple[str, ...] = ()
    unfiltered: int | None = None
    unnamed: pd.DataFrame | None = field(default=None, repr=False, compare=False)

    @property
    def provenance(self) -> Provenance:
        """Sources, sampling, losses by reason and notes of the flows behind the matrix."""
        return provenance(self.edges)

    @property
    def endpoints(self) -> pd.DataFrame:
        """Distinct endpoints, see `flowkit.matrix.endpoints.endpoints`."""
        return endpoints(self.edges)

    @property
    def answered(self) -> FlowMatrix:
        """Only the edges that a server answered: the traffic a policy needs to allow."""
        return self.where(state="answered")

    def where(
        self,
        *,
        namespace: str | None = None,
        port: int | Iterable[int] | None = None,
        proto: int | None = None,
        state: str | None = None,
    ) -> FlowMatrix:
        """Keep the edges that touch `namespace` on either side and have the given port, protocol and state.

        `port` is one port or several. Raises `ContractError` for a state that no edge can have.
        """
        if state is not None and state not in STATES:
            raise ContractError(f"no state '{state}': an edge is {', '.join(STATES[:-1])} or {STATES[-1]}")
        edges = self.edges
        tests: dict[str, pd.Series[Any]] = {}
        if namespace is not None:
            tests[f"namespace {namespace}"] = (edges["from_namespace"] == namespace) | (
                edges["to_namespace"] == namespace
            )
        if port is not None:
            ports = [port] if isinstance(port, int) else list(port)
            tests[f"port {', '.join(map(str, ports))}"] = edges["port"].isin(ports)
        if proto is not None:
            tests[f"protocol {proto}"] = edges["proto"] == proto
        if state is not None:
            tests[state] = edges["state"] == state
        return self._keep(tests)

    def _keep(self, tests: dict[str, pd.Series[Any]]) -> FlowMatrix:
        edges = self.edges
        for keep in tests.values():
            edges = edges[keep.reindex(edges.index).fillna(value=False).astype(bool)]
        unfiltered = len(self.edges) if self.unfiltered is None else self.unfiltered
        filters = (*self.filters, *tests)
        return replace(self, edges=edges.reset_index(drop=True), filters=filters, unfiltered=unfiltered)

    def pivot(self, measure: str = "connections") -> pd.DataFrame:
        """Clients as rows, servers as columns, the sum of `measure` (connections, flows, bytes or packets) in the cells.

        Rows and columns are endpoint names, pruned independently; a cell without traffic is 0.
        """
        if measure not in MEASURES:
            raise ContractError(f"no measure '{measure}': choose one of {', '.join(MEASURES)}")
        named = pd.DataFrame(
            {
                "client": side_names(self.edges, "from")["endpoint"],
                "server": side_names(self.edges, "to")["endpoint"],
                "value": self.edges[measure].astype("int64"),
            }
        )
        table = named.pivot_table(
            index="client", columns="server", values="value", aggfunc="sum", fill_value=0, sort=False
        )
        order = self.endpoints["endpoint"]
        return table.reindex(
            index=order[order.isin(table.index)], columns=order[order.isin(table.columns)]
        ).rename_axis(index="client", columns="server")

    def report(self, path: str | Path, **options: Any) -> Path:
        """Write the matrix as one offline HTML file, see `flowkit.view.report`."""
        from flowkit.view.report import report

        return report(self, path, **options)

    def explore(self, **options: Any) -> Explorer:
        """Show the matrix as a live widget, see `flowkit.view.widget.explore`."""
        from flowkit.view.widget import explore

        return explore(self, **options)

    def __repr__(self) -> str:
        if not len(self.edges):
            return "FlowMatrix(no edges)"
        ends = self.endpoints
        period = f"{self.edges['first'].min():%Y-%m-%d %H:%M:%S}–{self.edges['last'].max():%H:%M:%S} UTC"
        return (
            f"FlowMatrix({int(ends['client'].sum())} clients × {int(ends['server'].sum())} servers, "
            f"{len(self.edges)} edges, {period})"
        )

    def _repr_html_(self) -> str:
        from flowkit.view.repr import repr_html

        return repr_html(self)
