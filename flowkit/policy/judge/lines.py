"""The rules of a policy set as lines, in the order in which they are evaluated, policy by policy and tier by tier.

Order: Admin tier, NetworkPolicy, Baseline tier; in a tier by priority, then (the API leaves it open) by name.
"""

from __future__ import annotations

from dataclasses import dataclass

from flowkit.policy.model import Action, ClusterPolicy, Direction, NetworkPolicy, OrderedRule, Peer, Port
from flowkit.policy.policyset import PolicySet

ADMIN, NETWORK, BASELINE = "Admin", "NetworkPolicy", "Baseline"
TIERS = (ADMIN, NETWORK, BASELINE)
_EVERY_POD = Peer()


@dataclass(frozen=True)
class Line:
    """One rule: its `policy` ("shop/web"), its `rule` ("ingress[0]"), and what it does with which peers on which ports.

    `namespace` is where peers without a namespaceSelector are; `peers` None is every peer.
    """

    policy: str
    rule: str
    action: Action
    namespace: str | None
    peers: tuple[Peer, ...] | None
    ports: tuple[Port, ...]


@dataclass(frozen=True)
class Entry:
    """One policy in one direction: whom it is about and its lines."""

    policy: str
    namespace: str | None
    subject: Peer
    lines: tuple[Line, ...]


def entries(policies: PolicySet, tier: str, direction: Direction) -> tuple[Entry, ...]:
    """The policies of one tier that speak of a direction, in their order.

    >>> entries(PolicySet(), NETWORK, "Ingress")
    ()
    """
    if tier == NETWORK:
        return tuple(_network(policy, direction) for policy in policies.policies if direction in policy.directions)
    ordered = sorted((p for p in policies.tiers if p.tier == tier), key=lambda policy: (policy.priority, policy.name))
    return tuple(_cluster(policy, direction) for policy in ordered if policy.rules(direction))


def _network(policy: NetworkPolicy, direction: Direction) -> Entry:
    name = f"{policy.namespace}/{policy.name}"
    lines = (
        Line(name, f"{direction.lower()}[{at}]", "Accept", policy.namespace, rule.peers or None, rule.ports)
        for at, rule in enumerate(policy.rules(direction))
    )
    return Entry(name, policy.namespace, Peer(pods=policy.subject), tuple(lines))


def _cluster(policy: ClusterPolicy, direction: Direction) -> Entry:
    name = f"{policy.kind}/{policy.name}"
    lines = (
        line
        for at, rule in enumerate(policy.rules(direction))
        for line in _closed(Line(name, _called(direction, at, rule), rule.action, None, rule.peers, rule.ports))
    )
    return Entry(name, None, policy.subject, tuple(lines))


def _called(direction: Direction, at: int, rule: OrderedRule) -> str:
    return f"{direction.lower()}[{at}]" + (f" {rule.name}" if rule.name else "")


def _closed(line: Line) -> tuple[Line, ...]:
    """A peer of an unknown kind fails closed: an accepting rule matches nothing, any other denies everything (API text)."""
    if _EVERY_POD not in (line.peers or ()):
        return (line,)
    if line.action == "Accept":
        return ()
    return (Line(line.policy, line.rule, "Deny", None, None, ()),)
