"""ClusterNetworkPolicy (``policy.networking.k8s.io/v1alpha2``), which replaces the admin policies of v1alpha1."""

from __future__ import annotations

from flowkit.manifests.documents import Manifest
from flowkit.manifests.node import Node
from flowkit.policy.model import ANY_PROTOCOL, PROTOCOLS, ClusterPolicy, Port
from flowkit.policy.reading.cluster import Dialect, cluster_policy
from flowkit.policy.reading.values import number, port_name

API_VERSION = "policy.networking.k8s.io/v1alpha2"
_NAMED = "destinationNamedPort"


def parse_clusternetworkpolicy(manifest: Manifest) -> ClusterPolicy:
    """Parse one ClusterNetworkPolicy; its ``tier`` says whether it stands above or below NetworkPolicy."""
    return cluster_policy(manifest, _DIALECT, None, ("tier", "priority"))


def _port(node: Node) -> tuple[Port, ...]:
    words = {name.lower(): proto for name, proto in PROTOCOLS.items()}
    node.only((*words, _NAMED))
    if len(node.body) != 1:
        node.refuse(f"must hold exactly one of {', '.join(words)} and {_NAMED}")
    if _NAMED in node.body:
        return (Port(ANY_PROTOCOL, port_name(node, _NAMED)),)
    word = next(iter(node.body))
    transport = node.mapping(word)
    transport.only(("destinationPort",))
    if not transport.body:
        transport.refuse("is required", "destinationPort")
    return (_numbers(transport.mapping("destinationPort"), words[word]),)


def _numbers(node: Node, proto: int) -> Port:
    node.only(("number", "range"))
    if len(node.body) != 1:
        node.refuse("must hold exactly one of number and range")
    if "number" in node.body:
        return Port(proto, number(node, "number"))
    several = node.mapping("range")
    several.only(("start", "end"))
    start, end = number(several, "start"), number(several, "end")
    if end <= start:
        several.refuse(f"'{end}' must be greater than start {start}", "end")
    return Port(proto, start, end)


_DIALECT = Dialect({"Accept": "Accept", "Deny": "Deny", "Pass": "Pass"}, "protocols", _port, most=25)
