"""Which kinds and versions of policy are read, and by what."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from flowkit.manifests.documents import Manifest
from flowkit.manifests.node import Node
from flowkit.policy.model import ClusterPolicy, NetworkPolicy
from flowkit.policy.reading import admin, clusternetworkpolicy, networkpolicy

Policy = NetworkPolicy | ClusterPolicy

_READERS: Mapping[tuple[str, str], Callable[[Manifest], Policy]] = {
    (networkpolicy.API_VERSION, "NetworkPolicy"): networkpolicy.parse_networkpolicy,
    (admin.API_VERSION, "AdminNetworkPolicy"): admin.parse_admin,
    (admin.API_VERSION, "BaselineAdminNetworkPolicy"): admin.parse_baseline,
    (clusternetworkpolicy.API_VERSION, "ClusterNetworkPolicy"): clusternetworkpolicy.parse_clusternetworkpolicy,
}
_KINDS = {kind: version for version, kind in _READERS}


def is_policy(manifest: Manifest) -> bool:
    """Whether an object is a policy of a kind and version read here; one of these kinds must say its version.

    >>> is_policy(Manifest({"apiVersion": "projectcalico.org/v3"}, "", "NetworkPolicy"))
    False
    """
    if manifest.kind in _KINDS and not manifest.body.get("apiVersion"):
        Node(manifest.body, manifest.place, "").refuse(f"is required, e.g. {_KINDS[manifest.kind]}", "apiVersion")
    return (str(manifest.body.get("apiVersion")), manifest.kind) in _READERS


def parse(manifest: Manifest) -> Policy:
    """Parse one policy, see the file of its kind."""
    return _READERS[str(manifest.body.get("apiVersion")), manifest.kind](manifest)
