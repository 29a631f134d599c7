"""The decision of a connection, transcribed rule by rule in plain Python and as slow as that is: what the judge is held to.

True, False, or None for "hangs on what the inventory does not tell"; Kleene's logic joins them.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_address, ip_network

from flowkit.policy.model import Block, ClusterPolicy, NetworkPolicy, Peer, Port, Selector
from flowkit.policy.policyset import PolicySet
from flowkit.policy.profiles import Profile
from flowkit.policy.world import Host, Pod, World

Truth = bool | None
End = Pod | Host | None
Decision = frozenset[str]  # of "Accept", "Deny", "Pass"


def any_(truths: Iterable[Truth]) -> Truth:
    listed = list(truths)
    return True if True in listed else None if None in listed else False


def all_(truths: Iterable[Truth]) -> Truth:
    listed = list(truths)
    return False if False in listed else None if None in listed else True


def verdict(policies: PolicySet, world: World, flow: tuple[str, str, int, int], profile: Profile) -> str:
    """The verdict of a connection (source address, destination address, destination port, protocol) made now."""
    source, destination, port, proto = flow
    src, dst = whose(world, source), whose(world, destination)
    if isinstance(src, Pod) and src is dst:
        return "allowed"
    egress = side(policies, world, profile, "Egress", (src, source), (dst, destination), (dst, port, proto))
    ingress = side(policies, world, profile, "Ingress", (dst, destination), (src, source), (dst, port, proto))
    if isinstance(src, Host) and isinstance(dst, Pod) and dst.node == src.name:
        ingress = frozenset({"Accept"})
    if egress == {"Deny"} or ingress == {"Deny"}:
        return "denied"
    return "allowed" if egress == ingress == {"Accept"} else "undecided"


def whose(world: World, address: str) -> End:
    for pod in world.pods:
        if address in pod.addresses:
            return pod
    return next((host for host in world.hosts if address in host.addresses), None)


def side(policies, world, profile, direction, subject, peer, service) -> Decision:
    """What one end says: Accept, Deny or either."""
    pod = subject[0]
    if not isinstance(pod, Pod):
        return frozenset({"Accept"})
    told: set[str] = set()
    for tier in ("Admin", "NetworkPolicy", "Baseline"):
        if tier == "NetworkPolicy":
            says = network(policies.policies, world, profile, direction, subject, peer, service)
        else:
            says = cluster(policies.tiers, tier, world, profile, direction, subject, peer, service)
        told |= says - {"Pass"}
        if "Pass" not in says:
            return frozenset(told)
    return frozenset(told | {"Accept"})


def network(policies: Iterable[NetworkPolicy], world, profile, direction, subject, peer, service) -> Decision:
    pod = subject[0]
    isolating = [
        p
        for p in policies
        if p.namespace == pod.namespace and direction in p.directions and selects(p.subject, pod.labels)
    ]
    if not isolating:
        return frozenset({"Pass"})
    if service[2] not in (6, 17, 132):
        return frozenset({"Accept", "Deny"})
    admits = any_(
        all_(
            [
                peers_match(rule.peers, p.namespace, world, profile, direction, peer),
                ports_match(rule.ports, profile, service),
            ]
        )
        for p in isolating
        for rule in (p.ingress if direction == "Ingress" else p.egress)
    )
    if admits is True:
        return frozenset({"Accept"})
    own_node = direction == "Egress" and isinstance(peer[0], Host) and peer[0].name == pod.node
    if admits is None or (own_node and profile.own_node_egress == "undecided"):
        return frozenset({"Accept", "Deny"})
    return frozenset({"Deny"})


def cluster(policies: Iterable[ClusterPolicy], tier, world, profile, direction, subject, peer, service) -> Decision:
    """By priority, then by the order of the rules: the first that matches decides; one that may match leaves it open."""
    told: set[str] = set()
    for policy in sorted((p for p in policies if p.tier == tier), key=lambda p: (p.priority, p.name)):
        about = pod_matches(policy.subject, None, world, subject[0])
        for rule in policy.ingress if direction == "Ingress" else policy.egress:
            action, matches = rule.action, about
            if Peer() in rule.peers:
                action = "Deny"
                matches = False if rule.action == "Accept" else about
            else:
                reaches = peers_match(rule.peers, None, world, profile, direction, peer)
                matches = all_([about, reaches, ports_match(rule.ports, profile, service)])
            if matches is not False:
                told.add(action)
            if matches is True:
                return frozenset(told)
    return frozenset(told | {"Pass"})


def peers_match(peers: tuple[Peer, ...], namespace, world, profile, direction, peer) -> Truth:
    return True if not peers else any_(peer_matches(each, namespace, world, profile, direction, peer) for each in peers)


def peer_matches(wanted: Peer, namespace, world: World, profile: Profile, direction: str, peer) -> Truth:
    end, address = peer
    if wanted.block is not None:
        if isinstance(end, Pod) and not profile.blocks_match_pods:
            return False
        if isinstance(end, Host) and not profile.blocks_match_nodes:
            return False
        return within(wanted.block, address)
    if wanted.nodes is not None:
        if not isinstance(end, Host):
            return False
        return selects(wanted.nodes, end.labels) if end.labels is not None else guess(wanted.nodes, {})
    if wanted.domains:
        return None if end is None else False
    if isinstance(end, Pod):
        return pod_matches(wanted, namespace, world, end)
    if not isinstance(end, Host):
        return False
    by_pods: list[Truth] = []
    if profile.host_pods_by_selector and wanted.pods is not None:
        on_host = [pod for pod in world.pods if pod.host_network and pod.node == end.name]
        by_pods = [labels_match(wanted, namespace, world, pod) for pod in on_host]
    if profile.host_namespace and direction == "Ingress" and wanted.namespaces is not None:
        empty = wanted.pods is None or wanted.pods == Selector()
        by_pods.append(empty and selects(wanted.namespaces, dict(profile.host_namespace)))
    return any_(by_pods)


def pod_matches(wanted: Peer, namespace, world: World, pod: Pod) -> Truth:
    return False if pod.host_network else labels_match(wanted, namespace, world, pod)


def labels_match(wanted: Peer, namespace, world: World, pod: Pod) -> Truth:
    if wanted.namespaces is None:
        there: Truth = pod.namespace == namespace
    else:
        labels = world.namespaces.get(pod.namespace)
        known = {**(labels or {}), "kubernetes.io/metadata.name": pod.namespace}
        there = guess(wanted.namespaces, known) if labels is None else selects(wanted.namespaces, known)
    return all_([there, wanted.pods is None or selects(wanted.pods, pod.labels)])


def within(block: Block, address: str) -> bool:
    here = ip_address(address)
    nets = [ip_network(cidr) for cidr in (block.cidr, *block.excluded)]
    inside = [here.version == net.version and here in net for net in nets]
    return inside[0] and not any(inside[1:])


def selects(selector: Selector, labels) -> bool:
    return all(labels.get(key) == value for key, value in selector.labels) and all(
        requirement(each, labels) for each in selector.expressions
    )


def requirement(wanted, labels) -> bool:
    value = labels.get(wanted.key)
    if wanted.operator == "In":
        return value is not None and value in wanted.values
    if wanted.operator == "NotIn":
        return value is None or value not in wanted.values
    return (value is not None) == (wanted.operator == "Exists")


def guess(selector: Selector, known) -> Truth:
    """Whether it selects, when only some labels are known: a key that is not known may be there or not."""
    parts: list[Truth] = [known[k] == v if k in known else None for k, v in selector.labels]
    parts += [requirement(each, known) if each.key in known else None for each in selector.expressions]
    return all_(parts)


def ports_match(ports: tuple[Port, ...], profile: Profile, service) -> bool:
    return not ports or any(port_matches(port, profile, service) for port in ports)


def port_matches(wanted: Port, profile: Profile, service) -> bool:
    end, number, proto = service
    if wanted.protocol not in (0, proto):
        return False
    if wanted.port is None or (isinstance(wanted.port, str) and not profile.named_ports):
        return True
    if isinstance(wanted.port, str):
        return isinstance(end, Pod) and (wanted.port, number, proto) in end.ports
    return wanted.port <= number <= (wanted.end or wanted.port)
