"""CiliumNetworkPolicy (``cilium.io/v2``): the same policies with Cilium's words for nodes, API servers, outside and names.

Source: Cilium's policy language. A policy there isolates in a direction when it has a rule list for it, so an isolating policy
without rules has an empty rule. An ``ipBlock`` matches neither pods nor nodes; these are entities.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from flowkit.policy.model import EGRESS, INGRESS, NetworkPolicy, Peer, Port, Rule, Selector
from flowkit.policy.render.manifests import Object, metadata, selector
from flowkit.policy.synthesis.ends import API_SERVER, DNS, End

_NAMESPACE = "k8s:io.kubernetes.pod.namespace"
_NAMESPACE_LABELS = "k8s:io.cilium.k8s.namespace.labels."
_METADATA_NAME = "kubernetes.io/metadata.name"
_WAYS: dict[str, tuple[str, str]] = {INGRESS: ("ingress", "from"), EGRESS: ("egress", "to")}
_NAMES = {6: "TCP", 17: "UDP", 132: "SCTP"}
_NODES = ["host", "remote-node"]


@dataclass(frozen=True)
class Known:
    """What evidence and names say of a rule's peers: whether its nodes are API servers, and what addresses are called."""

    api_servers: frozenset[tuple[str, str, str, int]] = frozenset()
    dns: frozenset[tuple[str, str, str, int]] = frozenset()
    names: Mapping[str, tuple[str, ...]] | None = None

    @classmethod
    def of(cls, evidence: pd.DataFrame | None, names: Mapping[str, Iterable[str]] | None = None) -> Known:
        """Read a set's evidence; `names` are DNS names by address."""
        told = {address: tuple(sorted(set(listed))) for address, listed in (names or {}).items()}
        if evidence is None:
            return cls(names=told)
        api, dns = (_rules_of(evidence, str(End(kind))) for kind in (API_SERVER, DNS))
        return cls(api, dns, told)


def _rules_of(evidence: pd.DataFrame, peer: str) -> frozenset[tuple[str, str, str, int]]:
    """The rules, by namespace, policy, direction and number, that an end stands in."""
    rows = evidence.loc[evidence["peer"] == peer, ["namespace", "policy", "direction", "rule"]]
    return frozenset(rows.itertuples(index=False, name=None))


def ciliumnetworkpolicy(policy: NetworkPolicy, known: Known | None = None) -> Object:
    """A CiliumNetworkPolicy that allows what `policy` allows.

    Nodes become the entities ``host`` and ``remote-node``, API servers ``kube-apiserver``, addresses with a known DNS name
    ``toFQDNs`` (and the look-ups of the DNS rule are watched, which ``toFQDNs`` needs).

    >>> ciliumnetworkpolicy(NetworkPolicy("shop", "default-deny", Selector(), ("Ingress",)))["spec"]
    {'endpointSelector': {}, 'ingress': [{}]}
    """
    known = known or Known()
    spec: Object = {"endpointSelector": selector(policy.subject)}
    for direction in policy.directions:
        key, _ = _WAYS[direction]
        rules = [
            each
            for number, rule in enumerate(policy.ingress if direction == INGRESS else policy.egress)
            for each in _rules(rule, direction, (policy.namespace, policy.name, direction, number), known)
        ]
        spec[key] = rules or [{}]
    return {"apiVersion": "cilium.io/v2", "kind": "CiliumNetworkPolicy", "metadata": metadata(policy), "spec": spec}


def _rules(rule: Rule, direction: str, at: tuple[str, str, str, int], known: Known) -> list[Object]:
    """Cilium ANDs the kinds of peers of one rule, so every kind is a rule of its own."""
    _, word = _WAYS[direction]
    ports = {"toPorts": [_ports(rule.ports, watched=at in known.dns and bool(known.names))]} if rule.ports else {}
    if not rule.peers:
        return [{f"{word}Entities": ["all"], **ports}]
    return [{f"{word}{kind}": listed, **ports} for kind, listed in _kinds(rule, direction, at, known).items() if listed]


def _kinds(rule: Rule, direction: str, at: tuple[str, str, str, int], known: Known) -> dict[str, list[Any]]:
    blocks = [peer.block for peer in rule.peers if peer.block]
    named = (
        {block.cidr: (known.names or {}).get(block.cidr.rpartition("/")[0], ()) for block in blocks}
        if direction == EGRESS
        else {}
    )
    entities = ["kube-apiserver"] if at in known.api_servers else _NODES
    return {
        "Endpoints": [
            _endpoint(peer, at[0]) for peer in rule.peers if peer.pods is not None or peer.namespaces is not None
        ],
        "Entities": entities if any(peer.nodes is not None for peer in rule.peers) else [],
        "CIDRSet": [
            {"cidr": block.cidr, **({"except": list(block.excluded)} if block.excluded else {})}
            for block in blocks
            if not named.get(block.cidr)
        ],
        "FQDNs": [{"matchName": name} for name in sorted({name for names in named.values() for name in names})],
    }


def _endpoint(peer: Peer, namespace: str) -> Object:
    """A pod selector with the namespace's name or labels in it, as Cilium spells them."""
    pods = peer.pods or Selector()
    spaces = peer.namespaces
    labels = [(_NAMESPACE, namespace)] if spaces is None else [_space(label) for label in spaces.labels]
    exists = [{"key": _NAMESPACE, "operator": "Exists"}] if spaces is not None and not spaces.labels else []
    listed = selector(Selector((), pods.expressions)).get("matchExpressions", [])
    found = {"matchLabels": dict([*pods.labels, *labels]), "matchExpressions": [*listed, *exists]}
    return {key: value for key, value in found.items() if value}


def _space(label: tuple[str, str]) -> tuple[str, str]:
    key, value = label
    return (_NAMESPACE, value) if key == _METADATA_NAME else (_NAMESPACE_LABELS + key, value)


def _ports(ports: tuple[Port, ...], *, watched: bool) -> Object:
    found: Object = {"ports": [_port(port) for port in ports]}
    return {**found, "rules": {"dns": [{"matchPattern": "*"}]}} if watched else found


def _port(port: Port) -> Object:
    found: Object = {"port": str(port.port if port.port is not None else 0)}
    return {**found, **({"endPort": port.end} if port.end else {}), "protocol": _NAMES[port.protocol]}
