"""The subnets OpenShift's auto-detection names: from a cluster's own objects, else its documented defaults.

Source: the operator's ``subnetLabels.openShiftAutoDetect``, in its order: Machines (install-config's machineNetwork and OVN's
internal ranges), Pods (clusterNetwork), Services (serviceNetwork), EXT:ExternalIP (externalIP.autoAssignCIDRs).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from flowkit.errors import SpecError
from flowkit.manifests.documents import Manifest, read_objects

Pairs = tuple[tuple[str, tuple[str, ...]], ...]

OWN_RANGES = ("Pods", "Services")
"""Labels of ranges whose addresses only objects of the cluster have; on its machines' network others may live too."""

# Join subnet, transit switch, masquerade: OVN-Kubernetes' own addresses on every node.
_OVN = ("100.64.0.0/16", "100.88.0.0/16", "169.254.0.0/17")
DEFAULTS: Pairs = (
    ("Machines", ("10.0.0.0/16", *_OVN)),
    ("Pods", ("10.128.0.0/14", "fd01::/48")),
    ("Services", ("172.30.0.0/16", "fd02::/112")),
)


def detected(objects: Iterable[Manifest]) -> Pairs:
    """What a cluster's Network and install configuration say; nothing for objects without a Network.

    >>> network = {"kind": "Network", "apiVersion": "config.openshift.io/v1",
    ...            "status": {"clusterNetwork": [{"cidr": "10.132.0.0/14"}], "serviceNetwork": ["172.31.0.0/16"]}}
    >>> detected([Manifest(network, "dict", "Network")])[1:]
    (('Pods', ('10.132.0.0/14',)), ('Services', ('172.31.0.0/16',)))
    """
    objects = list(objects)
    network = next((item.body for item in objects if _is_openshifts(item, "Network")), None)
    if network is None:
        return ()
    found = {**(network.get("spec") or {}), **(network.get("status") or {})}
    external = ((network.get("spec") or {}).get("externalIP") or {}).get("autoAssignCIDRs") or ()
    pairs = (
        ("Machines", (*_machines(objects), *_OVN)),
        ("Pods", tuple(piece["cidr"] for piece in found.get("clusterNetwork") or () if piece.get("cidr"))),
        ("Services", tuple(found.get("serviceNetwork") or ())),
        ("EXT:ExternalIP", tuple(external)),
    )
    return tuple((name, cidrs) for name, cidrs in pairs if cidrs)


def _is_openshifts(item: Manifest, kind: str) -> bool:
    return item.kind == kind and str(item.body.get("apiVersion", "")).startswith("config.openshift.io/")


def _machines(objects: Iterable[Manifest]) -> tuple[str, ...]:
    """machineNetwork of the install-config that OpenShift keeps in a ConfigMap."""
    for item in objects:
        name = (item.body.get("metadata") or {}).get("name")
        text = (item.body.get("data") or {}).get("install-config")
        if item.kind == "ConfigMap" and name == "cluster-config-v1" and text:
            return tuple(_of_install_config(text, item.place))
    return DEFAULTS[0][1][:1]


def _of_install_config(text: str, place: str) -> Iterable[str]:
    try:
        found = [document.body for document in read_objects(text, f"{place}, install-config")]
    except SpecError:
        return
    for body in found:
        networking: Mapping[str, Any] = body.get("networking") or {}
        yield from (piece["cidr"] for piece in networking.get("machineNetwork") or () if piece.get("cidr"))
