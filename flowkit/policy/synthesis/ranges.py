"""Ranges of outside addresses that are wider than what was seen, and what of them is not outside at all.

Private ranges: RFC 1918 and RFC 4193. The metadata service of clouds, which hands out credentials, is 169.254.169.254.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator
from typing import Any

from flowkit.enrich.subnets import Network
from flowkit.policy.model import Block, Peer
from flowkit.policy.synthesis.scene import CLUSTER_RANGES, Scene

PRIVATE: tuple[Network, ...] = tuple(
    ipaddress.ip_network(each)
    for each in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.169.254/32", "fc00::/7")
)
_WHOLE = {4: "0.0.0.0/0", 6: "::/0"}


def own_ranges(scene: Scene) -> list[Network]:
    """What pods, Services and nodes have: the ranges under the cluster's labels, and every address of the inventory."""
    labels, networks = (scene.subnets.labels, scene.subnets.networks) if scene.subnets else ((), ())
    labelled = [each for label, each in zip(labels, networks, strict=True) if label in CLUSTER_RANGES]
    return [*labelled, *map(ipaddress.ip_network, scene.inventory.identities)]


def anywhere(version: int, scene: Scene) -> Peer:
    """Every outside address of an IP version, but private ones and the cluster's own."""
    closed = [each for each in (*PRIVATE, *own_ranges(scene)) if each.version == version]
    holes: list[Any] = list(ipaddress.collapse_addresses(closed))  # type: ignore[type-var]
    return Peer(block=Block(_WHOLE[version], tuple(map(str, holes))))


def prefixes(
    addresses: Iterable[int], version: int, share: float, taken: list[Network]
) -> Iterator[tuple[Network, list[int]]]:
    """The widest prefixes of which at least a `share` was seen and that hold nothing `taken`, each with what was seen of it.

    >>> seen = [int(ipaddress.ip_address(each)) for each in ("192.0.2.0", "192.0.2.1", "192.0.2.3", "192.0.2.200")]
    >>> [str(network) for network, _ in prefixes(seen, 4, 0.5, [])]
    ['192.0.2.0/30', '192.0.2.200/32']
    """
    waiting = [sorted(addresses)]
    while waiting and waiting[-1]:
        part = waiting.pop()
        free = (part[0] ^ part[-1]).bit_length()
        network = _network(part[0], version, free)
        dense = len(part) >= share * network.num_addresses
        if not free or (dense and not any(_meets(network, each) for each in taken)):
            yield network, part
            continue
        middle = part[-1] >> (free - 1) << (free - 1)
        waiting += [[each for each in part if each >= middle], [each for each in part if each < middle]]


def _network(address: int, version: int, free: int) -> Network:
    bits, kind = (32, ipaddress.IPv4Network) if version == 4 else (128, ipaddress.IPv6Network)
    network: Network = kind((address >> free << free, bits - free))
    return network


def _meets(one: Network, other: Network) -> bool:
    return one.version == other.version and one.overlaps(other)


def held(blocks: Iterable[Block]) -> int:
    """How many addresses blocks hold that do not overlap.

    >>> held([Block("203.0.113.0/24", ("203.0.113.0/25",))])
    128
    """
    sizes = (
        ipaddress.ip_network(block.cidr).num_addresses
        - sum(ipaddress.ip_network(each).num_addresses for each in block.excluded)
        for block in blocks
    )
    return sum(sizes)
