"""AdminNetworkPolicy and BaselineAdminNetworkPolicy (``policy.networking.k8s.io/v1alpha1``)."""

from __future__ import annotations

from flowkit.manifests.documents import Manifest
from flowkit.manifests.node import Node
from flowkit.policy.model import ANY_PROTOCOL, ClusterPolicy, Port
from flowkit.policy.reading.cluster import Dialect, cluster_policy
from flowkit.policy.reading.values import number, port_name, protocol

API_VERSION = "policy.networking.k8s.io/v1alpha1"
_SINGLETON = "default"


def parse_admin(manifest: Manifest) -> ClusterPolicy:
    """Parse one AdminNetworkPolicy, the tier above NetworkPolicy."""
    return cluster_policy(manifest, _ADMIN, "Admin", ("priority",))


def parse_baseline(manifest: Manifest) -> ClusterPolicy:
    """Parse the BaselineAdminNetworkPolicy, the tier below NetworkPolicy; it is called ``default`` and passes nothing on."""
    policy = cluster_policy(manifest, _BASELINE, "Baseline", ())
    if policy.name != _SINGLETON:
        Node(manifest.body, policy.place, "").refuse(f"'{policy.name}' must be '{_SINGLETON}'", "metadata.name")
    return policy


def _port(node: Node) -> tuple[Port, ...]:
    node.only(("portNumber", "portRange", "namedPort"))
    if len(node.body) != 1:
        node.refuse("must hold exactly one of portNumber, portRange and namedPort")
    if "namedPort" in node.body:
        return (Port(ANY_PROTOCOL, port_name(node, "namedPort")),)
    if "portNumber" in node.body:
        one = node.mapping("portNumber")
        one.only(("protocol", "port"))
        return (Port(protocol(one), number(one, "port")),)
    several = node.mapping("portRange")
    several.only(("protocol", "start", "end"))
    start, end = number(several, "start"), number(several, "end")
    if end <= start:
        several.refuse(f"'{end}' must be greater than start {start}", "end")
    return (Port(protocol(several), start, end),)


_BASELINE = Dialect({"Allow": "Accept", "Deny": "Deny"}, "ports", _port, most=100)
_ADMIN = Dialect({"Allow": "Accept", "Deny": "Deny", "Pass": "Pass"}, "ports", _port, most=100)
