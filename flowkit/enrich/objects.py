"""What Kubernetes objects say of identity: owners, hosts, zones, addresses, and from when to when.

Source: flowlogs-pipeline ``pkg/pipeline/transform/kubernetes`` (host-network pods are their node; owners climb ReplicaSet to
Deployment to Gateway, at most three hops; Services by cluster address only).
"""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flowkit.enrich.addresses import spelled
from flowkit.enrich.tenancy import ALWAYS, FOREVER

Body = Mapping[str, Any]
CLIMBED = ("ReplicaSet", "Deployment")
_HOPS = 3
_ENDED = ("Succeeded", "Failed")
_NODE_SUBNETS = "k8s.ovn.org/node-subnets"
_NETWORKS = "k8s.v1.cni.cncf.io/network-status"


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
class Node:
    """A node: its addresses, the internal one first, for it is the one agents report from."""

    name: str
    addresses: tuple[str, ...]
    zone: str

    @property
    def identity(self) -> Identity:
        """The node as the owner of its addresses."""
        first = self.addresses[0] if self.addresses else ""
        return Identity(self.name, "Node", "", self.name, "Node", first, self.name, self.zone)


def nodes(bodies: Iterable[Body], pods: Iterable[Body]) -> dict[str, Node]:
    """Nodes by name; those without an object of their own from the pods that run on them."""
    found = {meta(body).get("name", ""): _node(body) for body in bodies}
    for pod in pods:
        name, address = spec(pod).get("nodeName", ""), status(pod).get("hostIP", "")
        if name and address and name not in found:
            found[name] = Node(name, (spelled(address),), "")
    return found


def _node(body: Body) -> Node:
    listed = sorted(status(body).get("addresses") or [], key=lambda item: item.get("type") != "InternalIP")
    told = [spelled(item["address"]) for item in listed if item.get("type") in ("InternalIP", "ExternalIP")]
    addresses = tuple(dict.fromkeys([*told, *_management_addresses(body)]))
    labels = meta(body).get("labels") or {}
    return Node(meta(body).get("name", ""), addresses, labels.get("topology.kubernetes.io/zone", ""))


def _management_addresses(node: Body) -> Iterator[str]:
    """What OVN-Kubernetes gives a node in its own pod subnets: the second address of each, that of the port ``ovn-k8s-mp0``."""
    try:
        subnets = json.loads((meta(node).get("annotations") or {}).get(_NODE_SUBNETS) or "{}").get("default") or []
        for subnet in [subnets] if isinstance(subnets, str) else subnets:
            yield spelled(str(ipaddress.ip_network(subnet)[2]))
    except (TypeError, ValueError, AttributeError, IndexError):
        return


def pod_addresses(pod: Body) -> Iterator[tuple[str, str]]:
    """A pod's own addresses with the name of their network; those of its host are the node's (host network)."""
    host = {status(pod).get("hostIP"), *(item.get("ip") for item in status(pod).get("hostIPs") or [])}
    own = [item.get("ip") for item in status(pod).get("podIPs") or []] or [status(pod).get("podIP")]
    primary = [address for address in own if address and address not in host]
    yield from ((spelled(address), "primary") for address in primary)
    yield from ((spelled(address), name) for address, name in _secondary(pod) if address not in {*primary, *host})


def _secondary(pod: Body) -> Iterator[tuple[str, str]]:
    """Addresses on further networks, as Multus writes them into an annotation."""
    try:
        networks = json.loads((meta(pod).get("annotations") or {}).get(_NETWORKS) or "[]")
    except (TypeError, ValueError):
        return
    for network in networks if isinstance(networks, list) else []:
        if isinstance(network, Mapping) and not network.get("default"):
            yield from ((str(address), str(network.get("name", ""))) for address in network.get("ips") or [])


def pod_identity(pod: Body, on: Mapping[str, Node], owners: Mapping[str, Body]) -> Identity:
    """A pod under its workload and its node."""
    owner_type, owner_name = _owner(pod, owners)
    host_name, namespace = spec(pod).get("nodeName", ""), meta(pod).get("namespace", "")
    zone = on[host_name].zone if host_name in on else ""
    host_ip = status(pod).get("hostIP", "")
    return Identity(
        meta(pod).get("name", ""), "Pod", namespace, owner_name, owner_type, host_ip, host_name, zone, "primary"
    )


def _owner(pod: Body, owners: Mapping[str, Body]) -> tuple[str, str]:
    """The workload: the first owner, climbed from ReplicaSet to Deployment to Gateway; a pod without owner is its own."""
    kind, name, body = "Pod", meta(pod).get("name", ""), pod
    for _ in range(_HOPS):
        references = meta(body).get("ownerReferences") or []
        if not references:
            break
        kind, name = references[0].get("kind", ""), references[0].get("name", "")
        above = owners.get(f"{kind}/{meta(pod).get('namespace', '')}/{name}")
        if kind not in CLIMBED or above is None:
            break
        body = above
    if kind == "ReplicaSet" and body is pod:
        return _deployment_of(pod, name)
    return kind, name


def _deployment_of(pod: Body, replica_set: str) -> tuple[str, str]:
    """Without the ReplicaSet object: Kubernetes names it Deployment name, dash, pod-template-hash."""
    template = (meta(pod).get("labels") or {}).get("pod-template-hash", "")
    if template and replica_set.endswith("-" + template):
        return "Deployment", replica_set.removesuffix("-" + template)
    return "ReplicaSet", replica_set


def has_ended(pod: Body) -> bool:
    """Whether all of a pod's containers have ended for good."""
    return status(pod).get("phase") in _ENDED


def lifetime(pod: Body) -> tuple[int, int]:
    """When a pod began and ended, in ms since the epoch; open where it does not say.

    >>> lifetime({"status": {"startTime": "2026-01-12T08:00:00Z"}})[0]
    1768204800000
    """
    start = _milliseconds(status(pod).get("startTime") or meta(pod).get("creationTimestamp"), ALWAYS)
    ends = [_milliseconds(meta(pod).get("deletionTimestamp"), FOREVER)]
    if has_ended(pod):
        states = (item.get("state") or {} for item in status(pod).get("containerStatuses") or [])
        finished = [_milliseconds((state.get("terminated") or {}).get("finishedAt"), ALWAYS) for state in states]
        ends += [max(finished)] if finished and max(finished) > ALWAYS else []
    return start, min(ends)


def _milliseconds(text: Any, otherwise: int) -> int:
    try:
        return int(datetime.fromisoformat(text).timestamp() * 1000)
    except (TypeError, ValueError):
        return otherwise


def cluster_ips(service: Body) -> list[str]:
    """A Service's cluster addresses; like upstream neither externalIPs nor load balancer addresses."""
    listed = spec(service).get("clusterIPs") or [spec(service).get("clusterIP")]
    return [spelled(address) for address in listed if address and address != "None"]


def service_identity(service: Body) -> Identity:
    """A Service under its own name."""
    name, namespace = meta(service).get("name", ""), meta(service).get("namespace", "")
    return Identity(name, "Service", namespace, name, "Service", network="primary")


def meta(body: Body) -> Mapping[str, Any]:
    """An object's metadata, empty where there is none."""
    return body.get("metadata") or {}


def spec(body: Body) -> Mapping[str, Any]:
    """An object's spec, empty where there is none."""
    return body.get("spec") or {}


def status(body: Body) -> Mapping[str, Any]:
    """An object's status, empty where there is none."""
    return body.get("status") or {}
