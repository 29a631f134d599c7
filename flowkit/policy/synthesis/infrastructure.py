"""Steps 4 and 5: how each kind of end is written as peers, by the profile of the network plugin.

Sources: OVN-Kubernetes' and Cilium's documentation of host-network traffic, OpenShift's policy-group labels.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from flowkit.enrich import objects as k8s
from flowkit.enrich.subnets import Network
from flowkit.policy.model import INGRESS, Block, Peer, Selector
from flowkit.policy.synthesis.ends import ANYWHERE, API_SERVER, DNS, LABEL, NODES, PODS, End
from flowkit.policy.synthesis.grouping import blocks
from flowkit.policy.synthesis.ranges import anywhere
from flowkit.policy.synthesis.scene import CLUSTER_RANGES, Scene
from flowkit.policy.synthesis.selectors import Subject

NAMESPACE_NAME = "kubernetes.io/metadata.name"
HOST_NETWORK = "policy-group.network.openshift.io/host-network"
_API_NAMESPACE = "openshift-kube-apiserver"
_MACHINES = "Machines"


def peers_of(end: End, namespace: str, direction: str, scene: Scene) -> tuple[Peer, ...]:
    """The peers that write an end in a policy of `namespace`."""
    if end.kind == PODS and end.subject is not None:
        return (_pods(end.subject, namespace),)
    if end.kind == DNS:
        served = dict.fromkeys(scene.subjects.of[key] for key in scene.dns)
        return tuple(_pods(subject, namespace) for subject in served)
    if end.kind == API_SERVER:
        return _api_servers(scene)
    if end.kind == NODES:
        return _nodes(direction, scene)
    if end.kind == LABEL:
        return label_blocks(end.name, scene)
    if end.kind == ANYWHERE:
        return (anywhere(int(end.name.removeprefix("IPv")), scene),)
    return blocks([end.name])


def _pods(subject: Subject, namespace: str) -> Peer:
    return Peer(subject.selector, None if subject.namespace == namespace else _namespace(subject.namespace))


def _namespace(name: str) -> Selector:
    return Selector(((NAMESPACE_NAME, name),))


def _api_servers(scene: Scene) -> tuple[Peer, ...]:
    pods = scene.inventory.bodies.get("Pod", ())
    if scene.profile.name == "ovn" and any(k8s.meta(pod).get("namespace") == _API_NAMESPACE for pod in pods):
        # With an empty podSelector, for without one host-network pods are not matched.
        return (Peer(Selector(), _namespace(_API_NAMESPACE)),)
    return _unless_nodes(sorted({address for address, _, _ in scene.api_servers}), scene)


def _nodes(direction: str, scene: Scene) -> tuple[Peer, ...]:
    if scene.profile.name == "ovn" and direction == INGRESS:
        return (Peer(None, Selector(((HOST_NETWORK, ""),))),)
    return (Peer(nodes=Selector()),) if not scene.profile.blocks_match_nodes else blocks(map(str, node_networks(scene)))


def _unless_nodes(addresses: list[str], scene: Scene) -> tuple[Peer, ...]:
    """Blocks; for a plugin whose blocks never match nodes the nodes themselves, where these are nodes."""
    on_nodes = not scene.profile.blocks_match_nodes and set(addresses) <= set(node_addresses(scene))
    return (Peer(nodes=Selector()),) if on_nodes else blocks(addresses)


def node_networks(scene: Scene) -> list[Network]:
    """The ranges labelled Machines if they hold every node, else the nodes' own addresses."""
    addresses = [ipaddress.ip_address(address) for address in node_addresses(scene)]
    pairs = zip(scene.subnets.labels, scene.subnets.networks, strict=True) if scene.subnets else ()
    machines = [network for label, network in pairs if label == _MACHINES]
    held = [network for network in machines if any(address in network for address in addresses)]
    if addresses and all(any(address in network for network in held) for address in addresses):
        return held
    return [ipaddress.ip_network(address) for address in addresses]


def node_addresses(scene: Scene) -> list[str]:
    """Every address of every node."""
    known = k8s.nodes(scene.inventory.bodies.get("Node", ()), scene.inventory.bodies.get("Pod", ()))
    return sorted({address for node in known.values() for address in node.addresses})


def label_blocks(label: str, scene: Scene) -> tuple[Peer, ...]:
    """All ranges of a subnet label, less what an earlier label or the cluster itself has of them: the first match names it."""
    if scene.subnets is None:
        return ()
    earlier: list[Network] = []
    own: list[Network] = []
    kept: list[Peer] = []
    cluster = [each for name, each in _pairs(scene) if name in CLUSTER_RANGES and name != label]
    for name, network in _pairs(scene):
        if name != label:
            earlier.append(network)
            continue
        if not any(_inside(network, other) for other in (*earlier, *own)):
            own.append(network)
            kept.append(_block(network, (*earlier, *cluster)))
    return tuple(sorted(kept, key=lambda peer: (":" in str(peer.block), str(peer.block))))


def _pairs(scene: Scene) -> list[tuple[str, Network]]:
    return list(zip(scene.subnets.labels, scene.subnets.networks, strict=True)) if scene.subnets else []


def _inside(network: Network, other: Network) -> bool:
    return network.version == other.version and network.subnet_of(other)  # type: ignore[arg-type]


def _block(network: Network, others: Iterable[Network]) -> Peer:
    inside = {other for other in others if other != network and _inside(other, network)}
    outer = [each for each in inside if not any(each != other and _inside(each, other) for other in inside)]
    return Peer(block=Block(str(network), tuple(map(str, sorted(outer, key=lambda each: each.network_address.packed)))))
