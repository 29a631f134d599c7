"""Step 0: which edges become rules, between which ends; every other edge is a finding with its reason.

Replies, copies and Service translation are settled in the matrix already (`flowkit.matrix`); what is left to settle here is
who an end is to a policy, and which traffic needs no rule at all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from flowkit.matrix import FlowMatrix
from flowkit.matrix.endpoints import EDGE_ENDS
from flowkit.matrix.flowmatrix import EDGE_KEY, STATES
from flowkit.policy.model import PROTOCOLS
from flowkit.policy.synthesis.ends import ADDRESS, API_SERVER, LABEL, NODES, PODS, End
from flowkit.policy.synthesis.findings import Finding
from flowkit.policy.synthesis.scene import Scene
from flowkit.policy.verify.rows import rows_of

_NAMES = {number: name for name, number in PROTOCOLS.items()}
_CLUSTER_RANGES = ("Pods", "Services")
_GUESS = "inferred"
_OWN = "needs no rule"


@dataclass(frozen=True)
class Wanted:
    """Connections that must be allowed: both ends as policies name them, the pod port, and the evidence.

    `seen` are the addresses at the unnamed end; times are UTC.
    """

    client: End
    server: End
    proto: int
    port: int
    edge: str
    connections: int
    first: pd.Timestamp
    last: pd.Timestamp
    direction_by: str
    seen: str = ""


@dataclass(frozen=True)
class _Half:
    """One end of an edge as the matrix names it, with an address where the matrix holds one."""

    namespace: str
    kind: str
    workload: str
    label: str
    address: str = ""


@dataclass(frozen=True)
class _Lost:
    """Why an end cannot stand in a rule, and what would help."""

    reason: str
    remedy: str = ""
    finding: str = "dropped"


def cleaned(matrix: FlowMatrix, scene: Scene, covered: frozenset[str]) -> tuple[list[Wanted], list[Finding]]:
    """Split the edges that touch the covered namespaces into wanted connections and findings."""
    edges = matrix.edges
    touching = edges[edges["from_namespace"].isin(covered) | edges["to_namespace"].isin(covered)]
    wanted: list[Wanted] = []
    findings: list[Finding] = []
    unnamed = _unnamed(matrix, scene)
    for edge in rows_of(touching):
        name = edge_name(edge)
        lost = _refused(edge, scene)
        if lost is not None:
            findings.append(_finding(edge, name, lost, int(edge.connections)))
            continue
        if edge.direction_by.startswith(_GUESS):
            findings.append(_finding(edge, name, _Lost(edge.direction_by, finding="guessed"), int(edge.connections)))
        for part in _parts(edge, unnamed):
            for found in _resolved(edge, name, part, scene):
                if isinstance(found, Wanted):
                    wanted.append(found)
                else:
                    findings.append(found)
    return wanted, findings


def edge_name(edge: Any) -> str:
    """An edge as a sentence: ``shop/api → data/redis:6379/TCP``."""
    port = "" if pd.isna(edge.port) else f":{edge.port}"
    return f"{_half_name(_half(edge, 'from'))} → {_half_name(_half(edge, 'to'))}{port}/{_NAMES.get(edge.proto, edge.proto)}"


def _half(edge: Any, side: str, address: str = "") -> _Half:
    namespace, kind, workload, label = (str(getattr(edge, f"{side}_{name}")) for name in EDGE_ENDS)
    return _Half(namespace, kind, workload, label, address)


def _half_name(half: _Half) -> str:
    if half.namespace:
        return f"{half.namespace}/{half.workload}"
    return half.workload or (f"outside ({half.label})" if half.label else "outside")


def _refused(edge: Any, scene: Scene) -> _Lost | None:
    """Why no edge of this sort becomes a rule."""
    if edge.state not in scene.options.states:
        return _Lost(f"{edge.state}: no server wanted it", "name the state in Options(states=…) to allow it")
    if edge.proto not in _NAMES:
        return _Lost(f"a NetworkPolicy cannot name protocol {edge.proto}")
    if pd.isna(edge.port):
        return _Lost("no port is known")
    if edge.direction_by in scene.options.doubted:
        return _Lost(f"direction is doubted: {edge.direction_by}", "record the opening, or declare the port")
    return None


@dataclass(frozen=True)
class _Part:
    """The part of an edge between two addresses, or the whole edge."""

    client: str
    server: str
    connections: int
    first: pd.Timestamp
    last: pd.Timestamp


def _unnamed(matrix: FlowMatrix, scene: Scene) -> Mapping[tuple[Any, ...], list[_Part]]:
    """The parts of the edges with an end that is no pod's, by edge."""
    talks = matrix.unnamed
    if talks is None or talks.empty:
        return {}
    states = [STATES.index(state) for state in scene.options.states]
    keys = [*EDGE_KEY, "client", "server"]
    sums = talks[talks["state"].isin(states)].groupby(keys, sort=True, observed=True, as_index=False)
    rows = sums.agg(connections=("connections", "sum"), first=("first", "min"), last=("last", "max"))
    times = {name: pd.to_datetime(rows[name], unit="ms", utc=True) for name in ("first", "last")}
    found: dict[tuple[Any, ...], list[_Part]] = {}
    for row in rows.assign(**times).itertuples(index=False):
        found.setdefault(tuple(row[: len(EDGE_KEY)]), []).append(_Part(*row[len(EDGE_KEY) :]))
    return found


def _parts(edge: Any, unnamed: Mapping[tuple[Any, ...], list[_Part]]) -> list[_Part]:
    whole = _Part("", "", int(edge.connections), edge.first, edge.last)
    return unnamed.get(tuple(edge[: len(EDGE_KEY)]), [whole])


def _resolved(edge: Any, name: str, part: _Part, scene: Scene) -> Iterator[Wanted | Finding]:
    client, server = _half(edge, "from", part.client), _half(edge, "to", part.server)
    source = _end(client, scene)
    for target, port in _servers(server, int(edge.port), edge.proto, scene):
        lost = source if isinstance(source, _Lost) else target if isinstance(target, _Lost) else None
        lost = lost or _always_allowed(client, server, scene)
        if lost is not None:
            yield _finding(edge, name, lost, part.connections)
        elif isinstance(source, End) and isinstance(target, End):
            outer = [half.address for half, end in ((client, source), (server, target)) if end.kind != PODS]
            evidence = (part.connections, part.first, part.last, edge.direction_by, ", ".join(filter(None, outer)))
            yield Wanted(source, target, int(edge.proto), port, name, *evidence)


def _servers(half: _Half, port: int, proto: int, scene: Scene) -> list[tuple[End | _Lost, int]]:
    if half.kind == "Service":
        behind = scene.behind(half.namespace, half.workload, (proto, port))
        if not behind:
            return [
                (
                    _Lost("a Service whose backends are unknown", "take an inventory with Services and EndpointSlices"),
                    port,
                )
            ]
        return sorted(((end if isinstance(end, End) else _pods(end, scene), number) for end, number in behind), key=str)
    if (half.address, port, proto) in scene.api_servers:
        return [(End(API_SERVER), port)]
    if half.kind == "Node" and not half.address and _on_node(half.workload, port, proto, scene):
        return [(End(API_SERVER), port)]
    return [(_end(half, scene), port)]


def _on_node(node: str, port: int, proto: int, scene: Scene) -> bool:
    return (scene.inventory.node_addresses.get(node, ""), port, proto) in scene.api_servers


def _end(half: _Half, scene: Scene) -> End | _Lost:
    if half.kind == "Node":
        return End(NODES)
    if half.namespace:
        return _pods((half.namespace, half.kind, half.workload), scene)
    if half.label in scene.labels and half.label not in _CLUSTER_RANGES:
        return End(LABEL, name=half.label)
    if half.label in _CLUSTER_RANGES:
        return _Lost(
            f"an address among the cluster's {half.label} that nobody known had", "take an inventory of that time"
        )
    if not half.address:
        return _Lost(
            "an outside address that the matrix does not hold", "make the matrix of flows, or label its subnet"
        )
    return End(ADDRESS, name=half.address)


def _pods(key: tuple[str, str, str], scene: Scene) -> End | _Lost:
    end = scene.end_of(key)
    if end is not None:
        return end
    if key in scene.subjects.unselectable:
        return _Lost("no lasting label selects its pods", f"give the pods of {key[1]} {key[0]}/{key[2]} a label")
    return _Lost(f"no pod of {key[1]} {key[0]}/{key[2]} is in the inventory", "take an inventory of that time")


def _always_allowed(client: _Half, server: _Half, scene: Scene) -> _Lost | None:
    """Traffic of a node to its own pods and of a pod to itself."""
    workload = scene.workloads.get((server.namespace, server.kind, server.workload))
    if workload is None:
        return None
    if client.kind == "Node" and _nodes_of(server, scene) == {client.workload}:
        return _Lost("a node may always call its own pods", finding=_OWN)
    same = (client.namespace, client.kind, client.workload) == workload.key
    if same and len(workload.pods) == 1:
        return _Lost("a pod may always call itself", finding=_OWN)
    return None


def _nodes_of(server: _Half, scene: Scene) -> frozenset[str]:
    person = scene.inventory.identities.get(server.address)
    if person is not None and person.type == "Pod":
        return frozenset([person.host_name])
    return scene.workloads[server.namespace, server.kind, server.workload].nodes


def _finding(edge: Any, name: str, lost: _Lost, connections: int) -> Finding:
    namespace = edge.to_namespace or edge.from_namespace
    return Finding(lost.finding, namespace, name, lost.reason, connections, lost.remedy)
