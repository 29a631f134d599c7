"""Who has which address: a cluster's pods, nodes and Services by IP, as NetObserv's enrichment looks them up.

Source: flowlogs-pipeline ``pkg/pipeline/transform/kubernetes`` (lookup order Pod, Node, Service; host-network pods are their
node; owners climb ReplicaSet to Deployment to Gateway, at most three hops).
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from flowkit.enrich.addresses import canonical, spelled
from flowkit.enrich.openshift import Pairs, detected
from flowkit.enrich.services import Socket, backends, declared
from flowkit.enrich.sides import Codes, numbered
from flowkit.errors import SpecError
from flowkit.manifests.documents import Manifest, load_objects

_CLIMBED = ("ReplicaSet", "Deployment")
_HOPS = 3
_ENDED = ("Succeeded", "Failed")
# What goes wrong without a kind; pods are indispensable.
_MISSED = {
    "Node": "zones are unknown, node addresses are taken from the pods on them",
    "Service": "Service addresses stay unnamed",
    "ReplicaSet": "Deployments are named after the pod-template-hash label",
}


class InventoryWarning(UserWarning):
    """Something the inventory lacks; results are right as far as they go."""


@dataclass(frozen=True)
class Identity:
    """What an address is: the values of the ``Src/DstK8S_*`` fields, ``""`` where the field is absent."""

    name: str
    type: str
    namespace: str
    owner_name: str
    owner_type: str
    host_ip: str = ""
    host_name: str = ""
    zone: str = ""
    network: str = ""


@dataclass(frozen=True)
class Inventory:
    """Identities by address, node addresses by name, backends by Service socket, declared sockets, the cluster's own
    subnets where its Network object is there, and notes on what is missing or ambiguous.
    """

    identities: Mapping[str, Identity]
    node_addresses: Mapping[str, str]
    backends: Mapping[Socket, tuple[Socket, ...]] = field(default_factory=dict)
    declared: frozenset[Socket] = frozenset()
    subnets: Pairs = ()
    notes: tuple[str, ...] = ()

    def find(self, addresses: pd.Index[Any]) -> Codes:
        """The position of each address in the inventory, -1 for a stranger; to be used with `field`."""
        return self._places.get_indexer(canonical(addresses)).astype(np.int64)

    def field(self, attribute: str) -> tuple[Codes, list[str]]:
        """One attribute of all identities: codes by position, and the texts they stand for."""
        if attribute not in self._fields:
            self._fields[attribute] = numbered([getattr(who, attribute) for who in self.identities.values()])
        return self._fields[attribute]

    @cached_property
    def _fields(self) -> dict[str, tuple[Codes, list[str]]]:
        return {}

    @cached_property
    def _places(self) -> pd.Index[Any]:
        return pd.Index(list(self.identities), dtype="str")

    @classmethod
    def load(cls, source: str | Path | Mapping[str, Any] | Inventory) -> Inventory:
        """Read an inventory from what ``kubectl get nodes,namespaces,pods,services,replicasets,… -A -o json`` prints.

        A file (JSON or YAML, a List or several documents), a folder of such files, or the parsed object. An inventory that
        lacks kinds works, with one `InventoryWarning` saying what that costs. Raises `SpecError` when it holds neither pods,
        nodes nor Services.

        >>> pod = {"kind": "Pod", "metadata": {"name": "a", "namespace": "shop"}, "status": {"podIPs": [{"ip": "10.128.0.5"}]}}
        >>> import warnings
        >>> with warnings.catch_warnings(action="ignore"):
        ...     Inventory.load({"kind": "List", "items": [pod]}).identities["10.128.0.5"].owner_type
        'Pod'
        """
        if isinstance(source, Inventory):
            return source
        objects = load_objects(source)
        inventory = _index(objects)
        if not inventory.identities:
            place = str(source) if isinstance(source, str | Path) else ""
            raise SpecError("no pod, node or Service with an address in this inventory", place=place)
        if inventory.notes:
            warnings.warn("inventory: " + "; ".join(inventory.notes), InventoryWarning, stacklevel=2)
        return inventory


def _index(objects: list[Manifest]) -> Inventory:
    by_kind: dict[str, list[dict[str, Any]]] = {}
    for item in objects:
        by_kind.setdefault(item.kind, []).append(item.body)
    pods = by_kind.get("Pod", [])
    nodes = _nodes(by_kind.get("Node", []), pods)
    owners = {_key(kind, body): body for kind in _CLIMBED for body in by_kind.get(kind, [])}
    identities: dict[str, Identity] = {}
    taken = Counter[str]()
    for pod in sorted(pods, key=lambda pod: _status(pod).get("phase") in _ENDED):
        for address in _pod_addresses(pod):
            taken[address] += _status(pod).get("phase") not in _ENDED
            identities.setdefault(address, _pod_identity(pod, nodes, owners))
    for node in nodes.values():
        for address in node.addresses:
            identities.setdefault(address, node.identity)
    services = by_kind.get("Service", [])
    for service in services:
        for address in _cluster_ips(service):
            identities.setdefault(address, _service_identity(service))
    notes = tuple(_missing(by_kind)) + tuple(_shared(taken))
    node_addresses = {node.name: node.addresses[0] for node in nodes.values() if node.addresses}
    behind = backends(services, by_kind.get("EndpointSlice", []))
    listening = frozenset(declared(services, pods))
    return Inventory(identities, node_addresses, behind, listening, detected(objects), notes)


@dataclass(frozen=True)
class _Node:
    name: str
    addresses: tuple[str, ...]
    zone: str

    @property
    def identity(self) -> Identity:
        first = self.addresses[0] if self.addresses else ""
        return Identity(self.name, "Node", "", self.name, "Node", first, self.name, self.zone)


def _nodes(bodies: list[dict[str, Any]], pods: list[dict[str, Any]]) -> dict[str, _Node]:
    nodes = {_meta(body).get("name", ""): _node(body) for body in bodies}
    for pod in pods:
        name, address = _spec(pod).get("nodeName", ""), _status(pod).get("hostIP", "")
        if name and address and name not in nodes:
            nodes[name] = _Node(name, (address,), "")
    return nodes


def _node(body: dict[str, Any]) -> _Node:
    # The internal address first: it is the one agents report from.
    listed = sorted(_status(body).get("addresses") or [], key=lambda item: item.get("type") != "InternalIP")
    addresses = tuple(spelled(item["address"]) for item in listed if item.get("type") in ("InternalIP", "ExternalIP"))
    labels = _meta(body).get("labels") or {}
    return _Node(_meta(body).get("name", ""), addresses, labels.get("topology.kubernetes.io/zone", ""))


def _pod_addresses(pod: dict[str, Any]) -> list[str]:
    """A pod's own addresses; those of its host are the node's (host network)."""
    status = _status(pod)
    host = {status.get("hostIP"), *(item.get("ip") for item in status.get("hostIPs") or [])}
    own = [item.get("ip") for item in status.get("podIPs") or []] or [status.get("podIP")]
    return [spelled(address) for address in own if address and address not in host]


def _pod_identity(pod: dict[str, Any], nodes: dict[str, _Node], owners: dict[str, dict[str, Any]]) -> Identity:
    meta, status = _meta(pod), _status(pod)
    owner_type, owner_name = _owner(pod, owners)
    host_name = _spec(pod).get("nodeName", "")
    zone = nodes[host_name].zone if host_name in nodes else ""
    namespace = meta.get("namespace", "")
    host_ip = status.get("hostIP", "")
    return Identity(meta.get("name", ""), "Pod", namespace, owner_name, owner_type, host_ip, host_name, zone, "primary")


def _owner(pod: dict[str, Any], owners: dict[str, dict[str, Any]]) -> tuple[str, str]:
    """The workload: the first owner, climbed from ReplicaSet to Deployment to Gateway; a pod without owner is its own."""
    kind, name, body = "Pod", _meta(pod).get("name", ""), pod
    for _ in range(_HOPS):
        references = _meta(body).get("ownerReferences") or []
        if not references:
            break
        kind, name = references[0].get("kind", ""), references[0].get("name", "")
        above = owners.get(f"{kind}/{_meta(pod).get('namespace', '')}/{name}")
        if kind not in _CLIMBED or above is None:
            break
        body = above
    if kind == "ReplicaSet" and body is pod:
        return _deployment_of(pod, name)
    return kind, name


def _deployment_of(pod: dict[str, Any], replica_set: str) -> tuple[str, str]:
    """Without the ReplicaSet object: Kubernetes names it Deployment name, dash, pod-template-hash."""
    template = (_meta(pod).get("labels") or {}).get("pod-template-hash", "")
    if template and replica_set.endswith("-" + template):
        return "Deployment", replica_set.removesuffix("-" + template)
    return "ReplicaSet", replica_set


def _cluster_ips(service: dict[str, Any]) -> list[str]:
    spec = _spec(service)
    listed = spec.get("clusterIPs") or [spec.get("clusterIP")]
    return [spelled(address) for address in listed if address and address != "None"]


def _service_identity(service: dict[str, Any]) -> Identity:
    name, namespace = _meta(service).get("name", ""), _meta(service).get("namespace", "")
    return Identity(name, "Service", namespace, name, "Service", network="primary")


def _missing(by_kind: Mapping[str, list[Any]]) -> Iterable[str]:
    if "Pod" not in by_kind:
        yield "it holds no pods, so no workload can be named"
    for kind, cost in _MISSED.items():
        if kind not in by_kind and (kind != "ReplicaSet" or _uses_replica_sets(by_kind)):
            yield f"it holds no {kind}s: {cost}"


def _uses_replica_sets(by_kind: Mapping[str, list[Any]]) -> bool:
    return any(
        reference.get("kind") == "ReplicaSet"
        for pod in by_kind.get("Pod", [])
        for reference in _meta(pod).get("ownerReferences") or []
    )


def _shared(taken: Counter[str]) -> Iterable[str]:
    several = [address for address, count in taken.items() if count > 1]
    if several:
        yield f"{len(several)} addresses belong to several running pods (the first is taken): {', '.join(several[:3])}"


def _key(kind: str, body: dict[str, Any]) -> str:
    return f"{kind}/{_meta(body).get('namespace', '')}/{_meta(body).get('name', '')}"


def _meta(body: Mapping[str, Any]) -> dict[str, Any]:
    return body.get("metadata") or {}


def _spec(body: Mapping[str, Any]) -> dict[str, Any]:
    return body.get("spec") or {}


def _status(body: Mapping[str, Any]) -> dict[str, Any]:
    return body.get("status") or {}
