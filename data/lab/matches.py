"""What a policy's rule matches, as nftables writes it: peers as the addresses that they have now, ports as numbers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from ipaddress import collapse_addresses, ip_network

from data.lab.inventory import namespace_object, pod_labels
from data.lab.model import Scenario
from data.lab.placement import Pod, pods
from flowkit.policy.model import ANY_PROTOCOL, Block, Direction, Peer, Port

LAYER4 = {6: "tcp", 17: "udp", 132: "sctp"}
FAMILIES = {4: "ip", 6: "ip6"}


@dataclass(frozen=True)
class Match:
    """The condition of one line; `family` is the IP version that it needs, 0 for either. An empty one is always true."""

    text: str = ""
    family: int = 0

    def also(self, other: Match) -> Match | None:
        """Both conditions at once; None where no packet meets both, being of one IP version only."""
        if self.family and other.family and self.family != other.family:
            return None
        return Match(" ".join(filter(None, (self.text, other.text))), self.family or other.family)


@dataclass(frozen=True)
class Subject:
    """Whose packets a rule is about, in which direction, and in which namespace the policy stands (none: the cluster's)."""

    scenario: Scenario
    pod: Pod
    direction: Direction
    namespace: str = ""

    @property
    def labels(self) -> dict[str, str]:
        """The pod's labels."""
        return pod_labels(self.pod)

    def of(self, namespace: str) -> Subject:
        """The same subject for a policy of a namespace."""
        return replace(self, namespace=namespace)

    @property
    def peer_side(self) -> str:
        """The address that is the peer's."""
        return "daddr" if self.direction == "Egress" else "saddr"


def lines(subject: Subject, peers: Iterable[Peer], ports: Iterable[Port]) -> list[Match]:
    """Give a rule's lines: each of its peers on each of its ports. Neither peers nor ports: everything."""
    peers, ports = tuple(peers), tuple(ports)
    whom = [match for peer in peers for match in peer_matches(subject, peer)] if peers else [Match()]
    where = [match for port in ports for match in port_matches(subject, port)] if ports else [Match()]
    return [both for one in whom for other in where if (both := one.also(other)) is not None]


def peer_matches(subject: Subject, peer: Peer) -> Iterator[Match]:
    """Give the addresses of a peer: its block's, its nodes', or those of the pods that its selectors choose."""
    if peer.block is not None:
        yield block_match(subject.peer_side, peer.block)
    elif peer.nodes is not None:
        chosen = [n for n in subject.scenario.nodes if peer.nodes.matches(node_labels(n.name))]
        yield from address_matches(subject.peer_side, (node.address for node in chosen))
    elif peer.pods is not None or peer.namespaces is not None:
        chosen_pods = [pod for pod in pod_network(subject.scenario) if selects(peer, pod, subject.namespace)]
        yield from address_matches(subject.peer_side, (a for pod in chosen_pods for a in pod.addresses))


def selects(peer: Peer, pod: Pod, home: str) -> bool:
    """Tell whether a peer's selectors choose a pod; without one for namespaces it must live in `home`."""
    if peer.namespaces is None:
        if pod.workload.namespace != home:
            return False
    elif not peer.namespaces.matches(namespace_object(pod.workload.namespace)["metadata"]["labels"]):
        return False
    return peer.pods is None or peer.pods.matches(pod_labels(pod))


def node_labels(name: str) -> dict[str, str]:
    """Give the labels of a node that the lab's policies choose nodes by."""
    return {"kubernetes.io/hostname": name}


def pod_network(scenario: Scenario) -> tuple[Pod, ...]:
    """List the pods with addresses of their own: no selector chooses a host-network pod."""
    return tuple(pod for pod in pods(scenario) if not pod.workload.host_network)


def block_match(side: str, block: Block) -> Match:
    """Give the addresses of a block, less what it leaves out."""
    family = ip_network(block.cidr).version
    ip = FAMILIES[family]
    # Ranges inside each other are fine in a block, but not in a set.
    excluded = [str(each) for each in collapse_addresses(map(ip_network, block.excluded))]
    less = f" {ip} {side} != {braced(excluded)}" if excluded else ""
    return Match(f"{ip} {side} {block.cidr}{less}", family)


def address_matches(side: str, addresses: Iterable[str]) -> Iterator[Match]:
    """Give a line an IP version for these addresses; none where there are no addresses."""
    listed = list(addresses)
    for family, ip in FAMILIES.items():
        of_family = [a for a in listed if (":" in a) == (family == 6)]
        if of_family:
            yield Match(f"{ip} {side} {braced(of_family)}", family)


def port_matches(subject: Subject, port: Port) -> Iterator[Match]:
    """Give the destination ports of a rule's port; a name means in each server pod what its containers declare."""
    if isinstance(port.port, str):
        servers = (subject.pod,) if subject.direction == "Ingress" else pod_network(subject.scenario)
        for number in LAYER4 if port.protocol == ANY_PROTOCOL else (port.protocol,):
            yield from named_matches(servers, number, port.port)
    elif port.port is None:
        yield Match(f"meta l4proto {LAYER4[port.protocol]}")
    else:
        yield Match(f"{LAYER4[port.protocol]} dport {port.port}" + (f"-{port.end}" if port.end else ""))


def named_matches(servers: Iterable[Pod], protocol: int, name: str) -> Iterator[Match]:
    """Give the sockets of the server pods that declare a port of this name."""
    layer4 = LAYER4[protocol]
    declared = [
        (address, port.number)
        for pod in servers
        for port in pod.workload.ports
        if port.name == name and port.protocol.lower() == layer4
        for address in pod.addresses
    ]
    for family, ip in FAMILIES.items():
        sockets = [f"{address} . {number}" for address, number in declared if (":" in address) == (family == 6)]
        if sockets:
            yield Match(f"{ip} daddr . {layer4} dport {braced(sockets)}", family)


def braced(members: Iterable[str]) -> str:
    """Write an anonymous set; members that are there twice stand in it once."""
    return "{ " + ", ".join(dict.fromkeys(members)) + " }"
