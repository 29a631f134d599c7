"""What a network policy says, as plain values: selectors, peers, ports, rules, policies of a namespace and of the cluster.

Source: ``networking.k8s.io/v1`` (types.go) and ``policy.networking.k8s.io`` v1alpha1 and v1alpha2. Defaults are filled in
already: nothing here needs to know which list was missing and which was empty.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Direction = Literal["Ingress", "Egress"]
Operator = Literal["In", "NotIn", "Exists", "DoesNotExist"]
Action = Literal["Accept", "Deny", "Pass"]
Tier = Literal["Admin", "Baseline"]

INGRESS: Direction = "Ingress"
EGRESS: Direction = "Egress"
PROTOCOLS: Mapping[str, int] = {"TCP": 6, "UDP": 17, "SCTP": 132}
ANY_PROTOCOL = 0
"""The protocol of a port that cluster-wide policies give by name alone: whichever the container declares."""


@dataclass(frozen=True)
class Requirement:
    """One entry of ``matchExpressions``; `values` are sorted and empty for Exists and DoesNotExist."""

    key: str
    operator: str
    values: tuple[str, ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether an object with exactly these labels meets it: a key that is absent meets NotIn."""
        match self.operator:
            case "In":
                return self.key in labels and labels[self.key] in self.values
            case "NotIn":
                return self.key not in labels or labels[self.key] not in self.values
            case "Exists":
                return self.key in labels
            case _:
                return self.key not in labels


@dataclass(frozen=True)
class Selector:
    """A label selector: all `labels` are equal and all `expressions` hold. An empty one selects everything."""

    labels: tuple[tuple[str, str], ...] = ()
    expressions: tuple[Requirement, ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether it selects an object with exactly these labels.

        >>> Selector((("app", "redis"),)).matches({"app": "redis", "tier": "data"})
        True
        """
        equal = all(key in labels and labels[key] == value for key, value in self.labels)
        return equal and all(each.matches(labels) for each in self.expressions)

    def decides(self, known: Mapping[str, str]) -> bool | None:
        """Whether it selects an object of which only these labels are known; None where that hangs on the others.

        >>> Selector((("team", "blue"),)).decides({"kubernetes.io/metadata.name": "shop"}) is None
        True
        """
        parts = [*(Requirement(key, "In", (value,)) for key, value in self.labels), *self.expressions]
        if not all(each.matches(known) for each in parts if each.key in known):
            return False
        return None if any(each.key not in known for each in parts) else True


@dataclass(frozen=True)
class Block:
    """Addresses: a network in canonical spelling (host bits cleared) less the excluded ones inside it."""

    cidr: str
    excluded: tuple[str, ...] = ()


@dataclass(frozen=True)
class Peer:
    """One peer: a block; or pods of namespaces, where None means every pod, and the policy's own namespace.

    In cluster-wide policies it may also be `nodes` by their labels or `domains` by name, and `namespaces` is never None for
    pods. A peer with nothing at all is one of a kind this version does not know; it fails closed.
    """

    pods: Selector | None = None
    namespaces: Selector | None = None
    block: Block | None = None
    nodes: Selector | None = None
    domains: tuple[str, ...] = ()


@dataclass(frozen=True)
class Port:
    """Destination ports: a number, the range up to `end`, a container port's name, or with None all of the protocol.

    `protocol` is the IP number (6, 17, 132).
    """

    protocol: int
    port: int | str | None = None
    end: int | None = None


@dataclass(frozen=True)
class Rule:
    """What a NetworkPolicy admits: these peers on these ports; ``()`` is every peer, every port and protocol."""

    peers: tuple[Peer, ...] = ()
    ports: tuple[Port, ...] = ()


@dataclass(frozen=True)
class NetworkPolicy:
    """A NetworkPolicy isolates the pods of its namespace that `subject` selects in `directions`, and admits by its rules."""

    namespace: str
    name: str
    subject: Selector
    directions: tuple[str, ...]
    ingress: tuple[Rule, ...] = ()
    egress: tuple[Rule, ...] = ()
    annotations: tuple[tuple[str, str], ...] = ()
    place: str = ""

    def rules(self, direction: Direction) -> tuple[Rule, ...]:
        """The rules of one direction, in their order; none where the policy does not speak of it."""
        if direction not in self.directions:
            return ()
        return self.ingress if direction == INGRESS else self.egress


@dataclass(frozen=True)
class OrderedRule:
    """One rule of a cluster-wide policy: what to do with these peers (at least one) on these ports (``()`` is every one)."""

    action: Action
    peers: tuple[Peer, ...]
    ports: tuple[Port, ...] = ()
    name: str = ""


@dataclass(frozen=True)
class ClusterPolicy:
    """An AdminNetworkPolicy, BaselineAdminNetworkPolicy or ClusterNetworkPolicy; `kind` says which.

    In a tier the lower `priority` goes first; of its rules the first that matches decides. `subject` is pods of namespaces.
    """

    kind: str
    name: str
    tier: Tier
    priority: int
    subject: Peer
    ingress: tuple[OrderedRule, ...] = ()
    egress: tuple[OrderedRule, ...] = ()
    annotations: tuple[tuple[str, str], ...] = ()
    place: str = ""

    def rules(self, direction: Direction) -> tuple[OrderedRule, ...]:
        """The rules of one direction, in their order."""
        return self.ingress if direction == INGRESS else self.egress
