"""Policies as the Kubernetes objects they are written as: plain dicts in the API's spelling and order."""

from __future__ import annotations

from typing import Any

from flowkit.errors import PolicyError
from flowkit.policy.model import EGRESS, INGRESS, PROTOCOLS, NetworkPolicy, Peer, Port, Rule, Selector

Object = dict[str, Any]
_PROTOCOL_NAMES = {number: name for name, number in PROTOCOLS.items()}
_PEERS: dict[str, str] = {INGRESS: "from", EGRESS: "to"}


def networkpolicy(policy: NetworkPolicy) -> Object:
    """A NetworkPolicy (``networking.k8s.io/v1``).

    Raises `PolicyError` for a peer that a NetworkPolicy cannot name (nodes, domain names).

    >>> networkpolicy(NetworkPolicy("shop", "default-deny", Selector(), ("Ingress",)))["spec"]
    {'podSelector': {}, 'policyTypes': ['Ingress']}
    """
    spec: Object = {"podSelector": selector(policy.subject), "policyTypes": list(policy.directions)}
    for direction, key, rules in ((INGRESS, "ingress", policy.ingress), (EGRESS, "egress", policy.egress)):
        if rules:
            spec[key] = [rule_object(rule, direction, f"{policy.namespace}/{policy.name}") for rule in rules]
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": metadata(policy),
        "spec": spec,
    }


def metadata(policy: NetworkPolicy) -> Object:
    """Name, namespace and annotations."""
    named: Object = {"name": policy.name, "namespace": policy.namespace}
    return {**named, "annotations": dict(policy.annotations)} if policy.annotations else named


def rule_object(rule: Rule, direction: str, name: str) -> Object:
    """One rule; without peers or ports it says nothing of them, which is all of them."""
    found: Object = {}
    if rule.peers:
        found[_PEERS[direction]] = [_peer(peer, name) for peer in rule.peers]
    if rule.ports:
        found["ports"] = [_port(port) for port in rule.ports]
    return found


def selector(value: Selector) -> Object:
    """A label selector."""
    found: Object = {}
    if value.labels:
        found["matchLabels"] = dict(value.labels)
    if value.expressions:
        found["matchExpressions"] = [
            {"key": each.key, "operator": each.operator, **({"values": list(each.values)} if each.values else {})}
            for each in value.expressions
        ]
    return found


def _peer(peer: Peer, name: str) -> Object:
    if peer.block:
        excluded = {"except": list(peer.block.excluded)} if peer.block.excluded else {}
        return {"ipBlock": {"cidr": peer.block.cidr, **excluded}}
    if peer.nodes is not None or peer.domains or (peer.pods is None and peer.namespaces is None):
        raise PolicyError(
            f"{name}: a NetworkPolicy cannot name nodes or domains here: render it for Cilium (form='cilium')"
        )
    found: Object = {}
    if peer.namespaces is not None:
        found["namespaceSelector"] = selector(peer.namespaces)
    if peer.pods is not None:
        found["podSelector"] = selector(peer.pods)
    return found


def _port(port: Port) -> Object:
    found: Object = {"protocol": _PROTOCOL_NAMES[port.protocol]}
    if port.port is not None:
        found["port"] = port.port
    if port.end is not None:
        found["endPort"] = port.end
    return found
