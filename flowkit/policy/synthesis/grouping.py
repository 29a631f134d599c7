"""Step 2: the fewest rules that admit exactly a relation of ends and ports: grouping without loss, and folding.

A minimal cover is NP-hard in general; these two groupings, of which the smaller is taken, are deterministic, can be explained,
and leave nothing that could be removed.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from flowkit.policy.model import Block, Peer, Port, Requirement, Selector
from flowkit.policy.synthesis.ends import End

Served = tuple[int, int | str]
"""A protocol and a port, by number or by name."""
Relation = Mapping[End, frozenset[Served]]


@dataclass(frozen=True)
class Group:
    """Ends that are admitted on the same ports."""

    ends: tuple[End, ...]
    ports: tuple[Served, ...]


def grouped(relation: Relation) -> tuple[Group, ...]:
    """Group a relation into few rules: ends with equal ports, or ports with equal ends, whichever makes less.

    >>> a, b = End("address", name="10.0.0.1"), End("address", name="10.0.0.2")
    >>> [[len(group.ends), group.ports] for group in grouped({a: frozenset({(6, 80)}), b: frozenset({(6, 80), (6, 443)})})]
    [[1, ((6, 80),)], [1, ((6, 80), (6, 443))]]
    """
    order = sorted(relation, key=lambda end: end.order)
    by_ports: dict[frozenset[Served], list[End]] = {}
    users: dict[Served, list[End]] = {}
    for end in order:
        by_ports.setdefault(relation[end], []).append(end)
        for served in relation[end]:
            users.setdefault(served, []).append(end)
    by_ends: dict[tuple[End, ...], list[Served]] = {}
    for served in sorted(users, key=_port_order):
        by_ends.setdefault(tuple(users[served]), []).append(served)
    choices = (
        [Group(tuple(ends), tuple(sorted(ports, key=_port_order))) for ports, ends in by_ports.items()],
        [Group(ends, tuple(ports)) for ends, ports in by_ends.items()],
    )
    best = min(choices, key=_size)
    return tuple(
        sorted(best, key=lambda group: (-len(group.ends), *map(_port_order, group.ports[:1]), group.ends[0].order))
    )


def _size(groups: list[Group]) -> tuple[int, int]:
    return len(groups), sum(len(group.ends) + len(group.ports) for group in groups)


def _port_order(served: Served) -> tuple[int, int, str]:
    proto, port = served
    return (proto, port, "") if isinstance(port, int) else (proto, 0, port)


def folded_ports(served: Iterable[Served]) -> tuple[Port, ...]:
    """Ports as they are written: runs of consecutive numbers as one range, names as names.

    >>> [(port.port, port.end) for port in folded_ports([(6, 80), (6, 9001), (6, 9000), (6, 9002)])]
    [(80, None), (9000, 9002)]
    """
    found: list[Port] = []
    for proto, port in sorted(set(served), key=_port_order):
        last = found[-1] if found else None
        if last and isinstance(port, int) and isinstance(last.port, int) and last.protocol == proto:
            end = last.end or last.port
            if port == end + 1:
                found[-1] = replace(last, end=port)
                continue
        found.append(Port(proto, port))
    return tuple(found)


def folded_peers(peers: Iterable[Peer]) -> tuple[Peer, ...]:
    """Peers as they are written: pods of one namespace that differ in one label's value as one ``In``, sorted.

    >>> web, api = (Peer(pods=Selector((("app", name),))) for name in ("web", "api"))
    >>> folded_peers([web, api])[0].pods.expressions[0].values
    ('api', 'web')
    """
    rest = dict.fromkeys(peers)
    buckets: dict[tuple[Selector | None, str, tuple[tuple[str, str], ...]], list[tuple[str, Peer]]] = {}
    for peer in rest:
        for key, value in peer.pods.labels if peer.pods and not peer.pods.expressions else ():
            others = tuple(label for label in peer.pods.labels if label[0] != key) if peer.pods else ()
            buckets.setdefault((peer.namespaces, key, others), []).append((value, peer))
    found: list[Peer] = []
    for (namespaces, key, others), listed in sorted(buckets.items(), key=lambda item: (-len(item[1]), repr(item[0]))):
        free = [(value, peer) for value, peer in listed if peer in rest]
        if len(free) > 1:
            values = tuple(sorted(value for value, _ in free))
            found.append(Peer(Selector(others, (Requirement(key, "In", values),)), namespaces))
            for _, peer in free:
                del rest[peer]
    return tuple(sorted([*found, *rest], key=_peer_order))


def _peer_order(peer: Peer) -> tuple[bool, str, str, str]:
    return peer.block is not None, repr(peer.namespaces or ""), repr(peer.pods or ""), repr(peer.block or "")


def blocks(addresses: Iterable[str]) -> tuple[Peer, ...]:
    """Addresses and networks as the fewest blocks that hold them and nothing else, IPv4 first.

    >>> [peer.block.cidr for peer in blocks(["10.0.0.1", "10.0.0.0", "2001:db8::1"])]
    ['10.0.0.0/31', '2001:db8::1/128']
    """
    networks = [ipaddress.ip_network(address, strict=False) for address in addresses]
    v4 = ipaddress.collapse_addresses(each for each in networks if isinstance(each, ipaddress.IPv4Network))
    v6 = ipaddress.collapse_addresses(each for each in networks if isinstance(each, ipaddress.IPv6Network))
    return tuple(Peer(block=Block(str(network))) for network in (*v4, *v6))
