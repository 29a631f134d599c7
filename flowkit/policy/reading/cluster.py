"""Cluster-wide policies: what AdminNetworkPolicy, BaselineAdminNetworkPolicy and ClusterNetworkPolicy have in common.

Source: kubernetes-sigs/network-policy-api, apis/v1alpha1 (v0.1) and apis/v1alpha2 (v0.2). A peer of an unknown kind fails
closed: an accepting rule then matches nothing, any other denies everything.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from flowkit.manifests.documents import Manifest
from flowkit.manifests.node import Node
from flowkit.policy.model import Action, Block, ClusterPolicy, OrderedRule, Peer, Port, Selector, Tier
from flowkit.policy.reading.objects import annotations_of, root
from flowkit.policy.reading.selectors import selector
from flowkit.policy.reading.values import network, number

_DOMAIN = re.compile(
    r"(\*\.)?([a-zA-Z0-9]([-a-zA-Z0-9_]*[a-zA-Z0-9])?\.)+[a-zA-Z0-9]([-a-zA-Z0-9_]*[a-zA-Z0-9])?\.?", re.ASCII
)
_LONGEST_RULE_NAME = 100
_SPEC = ("subject", "ingress", "egress")
PRIORITIES = (0, 1000)


@dataclass(frozen=True)
class Dialect:
    """How one version writes rules: its words for the actions, the key and reader of its ports, and its limits."""

    actions: dict[str, Action]
    ports_key: str
    port: Callable[[Node], tuple[Port, ...]]
    most: int
    most_networks: int = 25


def cluster_policy(manifest: Manifest, dialect: Dialect, tier: Tier | None, keys: tuple[str, ...]) -> ClusterPolicy:
    """Parse a cluster-wide policy; `keys` are what its spec holds beside subject and rules, `tier` None means it says."""
    top = root(manifest)
    top.only(("apiVersion", "kind", "metadata", "spec", "status"))
    if top.mapping("metadata").text("namespace"):
        top.refuse("must be left out: this kind is the whole cluster's", "metadata.namespace")
    if top.body.get("spec") is None:
        top.refuse("is required", "spec")
    spec = top.mapping("spec")
    spec.only((*_SPEC, *keys))
    return ClusterPolicy(
        kind=manifest.kind,
        name=top.mapping("metadata").text("name", None),
        tier=tier or cast("Tier", spec.text("tier", None, ("Admin", "Baseline"))),
        priority=number(spec, "priority", PRIORITIES) if "priority" in keys else 0,
        subject=_subject(spec),
        ingress=_rules(spec, "ingress", dialect),
        egress=_rules(spec, "egress", dialect),
        annotations=annotations_of(top),
        place=top.place,
    )


def _subject(spec: Node) -> Peer:
    if spec.body.get("subject") is None:
        spec.refuse("is required", "subject")
    node = spec.mapping("subject")
    node.only(("namespaces", "pods"))
    _exactly_one(node)
    return _pods(node)


def _pods(node: Node) -> Peer:
    """Pods by ``namespaces``, or by ``pods`` with its two selectors, both of which the API requires."""
    if node.body.get("namespaces") is not None:
        return Peer(None, selector(node, "namespaces"))
    pods = node.mapping("pods")
    pods.only(("namespaceSelector", "podSelector"))
    return Peer(_required(pods, "podSelector"), _required(pods, "namespaceSelector"))


def _required(node: Node, name: str) -> Selector:
    found = selector(node, name)
    return node.refuse("is required; {} selects all", name) if found is None else found


def _rules(spec: Node, name: str, dialect: Dialect) -> tuple[OrderedRule, ...]:
    peers = "from" if name == "ingress" else "to"
    found = tuple(_rule(entry, peers, dialect) for entry in spec.mappings(name))
    _at_most(spec, name, len(found), dialect.most)
    return found


def _rule(entry: Node, name: str, dialect: Dialect) -> OrderedRule:
    entry.only(("name", "action", name, dialect.ports_key))
    action = dialect.actions[entry.text("action", None, tuple(dialect.actions))]
    nodes = list(entry.mappings(name))
    if not nodes:
        entry.refuse("must hold at least one peer", name)
    _at_most(entry, name, len(nodes), dialect.most)
    peers = tuple(peer for node in nodes for peer in _peers(node, dialect, egress=name == "to"))
    ports = tuple(port for node in entry.mappings(dialect.ports_key) for port in dialect.port(node))
    _at_most(entry, dialect.ports_key, len(ports), dialect.most)
    called = entry.text("name")
    if len(called) > _LONGEST_RULE_NAME:
        entry.refuse(f"may not be longer than {_LONGEST_RULE_NAME} characters", "name")
    _check(entry, OrderedRule(action, peers, ports, called), dialect)
    return OrderedRule(action, peers, ports, called)


def _check(entry: Node, rule: OrderedRule, dialect: Dialect) -> None:
    if rule.action != "Accept" and any(peer.domains for peer in rule.peers):
        entry.refuse("domainNames can only be accepted", "action")
    elsewhere = any(peer.block or peer.nodes or peer.domains for peer in rule.peers)
    if elsewhere and any(isinstance(port.port, str) for port in rule.ports):
        entry.refuse("networks, nodes and domainNames have no named ports: write numbers", dialect.ports_key)


def _peers(node: Node, dialect: Dialect, *, egress: bool) -> tuple[Peer, ...]:
    known = ("namespaces", "pods", *(("networks", "nodes", "domainNames") if egress else ()))
    _exactly_one(node)
    if not any(node.body.get(key) is not None for key in known):
        return (Peer(),)
    if node.body.get("networks") is not None:
        return _networks(node, dialect)
    if node.body.get("nodes") is not None:
        return (Peer(nodes=selector(node, "nodes")),)
    if node.body.get("domainNames") is not None:
        return (Peer(domains=_domains(node)),)
    return (_pods(node),)


def _networks(node: Node, dialect: Dialect) -> tuple[Peer, ...]:
    listed = node.texts("networks")
    if not listed:
        node.refuse("must hold at least one network", "networks")
    _at_most(node, "networks", len(listed), dialect.most_networks)
    return tuple(Peer(block=Block(str(network(node, text, f"networks[{at}]")))) for at, text in enumerate(listed))


def _domains(node: Node) -> tuple[str, ...]:
    listed = node.texts("domainNames")
    if not listed:
        node.refuse("must hold at least one name", "domainNames")
    for place, text in enumerate(listed):
        if not _DOMAIN.fullmatch(text):
            node.refuse(f"'{text}' is no domain name; '*.' may only begin it", f"domainNames[{place}]")
    return listed


def _exactly_one(node: Node) -> None:
    found = [str(key) for key, value in node.body.items() if value is not None]
    if len(found) != 1:
        node.refuse(f"must hold exactly one key, not {len(found)}: {', '.join(found) or 'none'}")


def _at_most(node: Node, name: str, count: int, most: int) -> None:
    if count > most:
        node.refuse(f"may hold at most {most} entries, not {count}", name)
