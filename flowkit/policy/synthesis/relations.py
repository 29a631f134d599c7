"""From wanted connections to rules: what each subject needs in each direction, grouped, written as peers, with its evidence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from flowkit.policy.model import EGRESS, INGRESS, Peer, Rule
from flowkit.policy.synthesis.cleaning import Wanted
from flowkit.policy.synthesis.ends import ADDRESS, ANYWHERE, DNS, INFRASTRUCTURE, LABEL, PODS, RANGE, End
from flowkit.policy.synthesis.grouping import Served, blocks, folded_peers, folded_ports, grouped
from flowkit.policy.synthesis.infrastructure import peers_of
from flowkit.policy.synthesis.ranges import held
from flowkit.policy.synthesis.scene import Scene
from flowkit.policy.synthesis.selectors import Subject

EVIDENCE = (
    "namespace",
    "policy",
    "direction",
    "rule",
    "peer",
    "cidrs",
    "port",
    "proto",
    "edge",
    "basis",
    "connections",
    "first",
    "last",
    "direction_by",
    "seen",
)
OBSERVED, BY_INFRASTRUCTURE, BY_LABEL, BY_CHOICE = "observed", "infrastructure", "subnet label", "widened by choice"
_BASIS = {
    **dict.fromkeys(INFRASTRUCTURE, BY_INFRASTRUCTURE),
    LABEL: BY_LABEL,
    **dict.fromkeys((RANGE, ANYWHERE), BY_CHOICE),
}


@dataclass
class Needs:
    """What one subject needs in one direction: ports by end, and the connections behind each."""

    ports: dict[End, set[Served]] = field(default_factory=dict)
    behind: dict[tuple[End, Served], list[Wanted]] = field(default_factory=dict)

    def add(self, end: End, served: Served, wanted: Wanted) -> None:
        """Note that connections need this end on this port."""
        self.ports.setdefault(end, set()).add(served)
        self.behind.setdefault((end, served), []).append(wanted)


def needs(wanted: Iterable[Wanted], scene: Scene, covered: frozenset[str]) -> dict[tuple[str, Subject], Needs]:
    """What the subjects of the covered namespaces need, by direction and subject, in sorted order."""
    found: dict[tuple[str, Subject], Needs] = {}
    for each in wanted:
        served = _served(each, scene)
        sides = ((EGRESS, each.client, _as_peer(each, scene)), (INGRESS, each.server, each.client))
        for direction, own, other in sides:
            if own.kind == PODS and own.subject is not None and own.subject.namespace in covered:
                found.setdefault((direction, own.subject), Needs()).add(other, served, each)
    return dict(sorted(found.items(), key=lambda item: (item[0][1].namespace, item[0][1].workloads, item[0][0])))


def _as_peer(wanted: Wanted, scene: Scene) -> End:
    """The server as a client's policy names it: the cluster's DNS servers are one end."""
    subject = wanted.server.subject
    keys = subject.workloads if subject else ()
    return End(DNS) if any((wanted.proto, wanted.port) in scene.dns.get(key, ()) for key in keys) else wanted.server


def _served(wanted: Wanted, scene: Scene) -> Served:
    """The port by number; by name where that is asked for, the profile knows names and the name means that number alone."""
    subject = wanted.server.subject
    if subject is None or scene.options.ports == "numbers" or not scene.profile.named_ports:
        return wanted.proto, wanted.port
    pods = [pod for key in subject.workloads for pod in scene.workloads[key].pods]
    names = {
        name for pod in pods for name, number, proto in pod.ports if (proto, number) == (wanted.proto, wanted.port)
    }
    for name in sorted(names - {""}):
        means = [[number for named, number, proto in pod.ports if named == name] for pod in pods]
        if all(numbers == [wanted.port] for numbers in means):
            return wanted.proto, name
    return wanted.proto, wanted.port


@dataclass(frozen=True)
class Written:
    """The rules of one direction of one policy, and their evidence (see ``EVIDENCE``) without the policy's name, and how many
    addresses an end written as blocks `holds`.
    """

    rules: tuple[Rule, ...]
    evidence: list[dict[str, Any]]


def written(need: Needs, namespace: str, direction: str, scene: Scene) -> Written:
    """Write what a subject needs as rules."""
    rules: list[Rule] = []
    evidence: list[dict[str, Any]] = []
    ports = {end: frozenset(_all_of_dns(scene) if end.kind == DNS else served) for end, served in need.ports.items()}
    for number, group in enumerate(grouped(ports)):
        peers = {end: peers_of(end, namespace, direction, scene) for end in group.ends if end.kind != ADDRESS}
        addresses = blocks(end.name for end in group.ends if end.kind == ADDRESS)
        folded = folded_peers([*(peer for each in peers.values() for peer in each), *addresses])
        rules.append(Rule(folded, folded_ports(group.ports)))
        for end in group.ends:
            for served in group.ports:
                written_as = peers.get(end, blocks([end.name]) if end.kind == ADDRESS else ())
                rows = _rows(end, served, need.behind.get((end, served), []), written_as)
                evidence += [{"namespace": namespace, "direction": direction, "rule": number, **row} for row in rows]
    return Written(tuple(rules), evidence)


def _all_of_dns(scene: Scene) -> set[Served]:
    return {(proto, port) for served in scene.dns.values() for proto, port in served}


def _rows(end: End, served: Served, behind: list[Wanted], peers: tuple[Peer, ...]) -> Iterable[dict[str, Any]]:
    proto, port = served
    cidrs = ", ".join(peer.block.cidr for peer in peers if peer.block)
    basis = _BASIS.get(end.kind, OBSERVED)
    holds = held(peer.block for peer in peers if peer.block)
    said = {"peer": str(end), "cidrs": cidrs, "port": str(port), "proto": proto, "basis": basis, "holds": holds}
    if not behind:
        yield {**said, "edge": "", "connections": 0, "first": pd.NaT, "last": pd.NaT, "direction_by": "", "seen": ""}
    for edge, parts in _by_edge(behind).items():
        seen = ", ".join(dict.fromkeys(part.seen for part in parts if part.seen))
        yield {
            **said,
            "edge": edge,
            "connections": sum(part.connections for part in parts),
            "first": min(part.first for part in parts),
            "last": max(part.last for part in parts),
            "direction_by": parts[0].direction_by,
            "seen": seen,
        }


def _by_edge(behind: Iterable[Wanted]) -> Mapping[str, list[Wanted]]:
    found: dict[str, list[Wanted]] = {}
    for each in behind:
        found.setdefault(each.edge, []).append(each)
    return found
