"""Port numbers, port names, protocols and networks as the API server takes them.

Source: apimachinery ``IsValidPortNum`` and ``IsValidPortName`` (RFC 6335), networking/validation ``validateIPBlock``.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any

from flowkit.manifests.node import Node
from flowkit.policy.model import PROTOCOLS, Block

Network = IPv4Network | IPv6Network

_PORT_NAME = re.compile(r"(?=.*[a-z])[a-z0-9]+(-[a-z0-9]+)*", re.ASCII)
_LONGEST_PORT_NAME = 15
LAST_PORT = 65535


def number(node: Node, name: str, bounds: tuple[int, int] = (1, LAST_PORT)) -> int:
    """The whole number at a key, within `bounds`.

    >>> number(Node({"endPort": 90}, "p.yaml", "spec"), "endPort")
    90
    """
    value: Any = node.body.get(name)
    if value is None:
        node.refuse("is required", name)
    low, high = bounds
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        node.refuse(f"'{value}' is no whole number from {low} to {high}", name)
    return value


def port_name(node: Node, name: str) -> str:
    """The name of a container port at a key.

    >>> port_name(Node({"port": "http-metrics"}, "p.yaml", ""), "port")
    'http-metrics'
    """
    text = node.text(name, None)
    if text.isdecimal():
        node.refuse(f"'{text}' in quotes is a name, and no name has only digits: write {text} without quotes", name)
    if len(text) > _LONGEST_PORT_NAME or not _PORT_NAME.fullmatch(text):
        node.refuse(f"'{text}' is no port name: at most 15 of [a-z0-9-], a letter among them, no '-' at the ends", name)
    return text


def protocol(node: Node, default: str | None = "TCP") -> int:
    """The IP number of the protocol at a mapping; TCP where it names none."""
    return PROTOCOLS[node.text("protocol", default, tuple(PROTOCOLS))]


def block(node: Node) -> Block:
    """The ``ipBlock`` at a mapping; each ``except`` must be smaller and inside.

    >>> block(Node({"cidr": "10.0.0.1/8", "except": ["10.1.0.0/16"]}, "p.yaml", ""))
    Block(cidr='10.0.0.0/8', excluded=('10.1.0.0/16',))
    """
    node.only(("cidr", "except"))
    whole = network(node, node.text("cidr", None), "cidr")
    excluded = []
    for place, text in enumerate(node.texts("except")):
        part = network(node, text, f"except[{place}]")
        if part.version != whole.version or part.prefixlen <= whole.prefixlen or not _inside(part, whole):
            node.refuse(f"'{text}' must lie inside {whole} and be smaller", f"except[{place}]")
        excluded.append(str(part))
    return Block(str(whole), tuple(excluded))


def _inside(part: Network, whole: Network) -> bool:
    return int(whole.network_address) <= int(part.network_address) <= int(whole.broadcast_address)


def network(node: Node, text: str, name: str) -> Network:
    """The network a text in CIDR notation is, host bits cleared."""
    try:
        if "/" not in text or not text.rpartition("/")[2].isdecimal():
            raise ValueError
        return ip_network(text, strict=False)
    except ValueError:
        node.refuse(f"'{text}' is no network: write an address, '/' and a prefix length, e.g. 10.0.0.0/8", name)
