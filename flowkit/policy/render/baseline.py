"""A Baseline default-deny for namespaces: what holds for pods that no NetworkPolicy selects.

Sources: BaselineAdminNetworkPolicy (``policy.networking.k8s.io/v1alpha1``, one object called ``default``) and
ClusterNetworkPolicy (v1alpha2, tier Baseline). Kubelet probes come from the pod's own node, which plugins let in.
"""

from __future__ import annotations

from collections.abc import Iterable

from flowkit.errors import PolicyError
from flowkit.policy.render.manifests import Object

VERSIONS = ("v1alpha1", "v1alpha2")
_GROUP = "policy.networking.k8s.io"


def baseline_deny(namespaces: Iterable[str], version: str = "v1alpha1") -> Object:
    """Deny by default, in both directions, whatever no NetworkPolicy speaks of in these namespaces.

    Raises `PolicyError` for a version that is none of v1alpha1 and v1alpha2, and without namespaces: it would deny everywhere.

    >>> baseline_deny(["shop"])["kind"], baseline_deny(["shop"], "v1alpha2")["spec"]["tier"]
    ('BaselineAdminNetworkPolicy', 'Baseline')
    """
    names = sorted(set(namespaces))
    if version not in VERSIONS or not names:
        raise PolicyError(
            f"a Baseline default-deny needs namespaces and a version of {', '.join(VERSIONS)}, not '{version}'"
        )
    key = "kubernetes.io/metadata.name"
    chosen = {"matchExpressions": [{"key": key, "operator": "In", "values": names}]}
    everyone: Object = {"namespaces": {}}
    rules: Object = {
        "ingress": [{"name": "default-deny", "action": "Deny", "from": [everyone]}],
        "egress": [{"name": "default-deny", "action": "Deny", "to": [{"networks": ["0.0.0.0/0", "::/0"]}]}],
    }
    if version == "v1alpha1":
        kind, spec, name = "BaselineAdminNetworkPolicy", {"subject": {"namespaces": chosen}, **rules}, "default"
    else:
        tier = {"tier": "Baseline", "priority": 1000}
        kind, spec, name = "ClusterNetworkPolicy", {**tier, "subject": {"namespaces": chosen}, **rules}, "default-deny"
    return {"apiVersion": f"{_GROUP}/{version}", "kind": kind, "metadata": {"name": name}, "spec": spec}
