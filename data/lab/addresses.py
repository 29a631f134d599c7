"""The address plan: OpenShift's default ranges, and documentation ranges for everything outside."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

POD_RANGES = ("10.128.0.0/14", "fd01::/48")
SERVICE_RANGES = ("172.30.0.0/16", "fd02::/112")
MACHINE_RANGES = ("10.0.0.0/16", "100.64.0.0/16", "100.88.0.0/16", "169.254.0.0/17")  # the last three are OVN's own
OUTSIDE_RANGES = ("198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")

OUTSIDE_GATEWAY = "10.0.0.1"
DNS_SERVICE = "172.30.0.10"
GATEWAY6 = "fe80::1"  # of pods towards their node, and of nodes towards outside: a node has no other IPv6 address
FIRST_POD = 5  # the first addresses of a node's range are its own


def gateway(pods: str) -> str:
    """Give the node's address inside its pod range.

    >>> gateway("10.129.0.0/23")
    '10.129.0.1'
    """
    return str(IPv4Network(pods)[1])


def pod_address(pods: str, place: int) -> str:
    """Give the address of a node's pod number `place` (from 0), of either family.

    >>> pod_address("10.128.0.0/23", 0), pod_address("fd01:0:0:1::/64", 0)
    ('10.128.0.5', 'fd01:0:0:1::5')
    """
    network = IPv6Network(pods) if ":" in pods else IPv4Network(pods)
    return str(network[FIRST_POD + place])


def mac(address: str) -> str:
    """Make a stable hardware address from an IPv4 address, as OVN-Kubernetes does.

    >>> mac("10.128.0.5")
    '0a:58:0a:80:00:05'
    """
    return "0a:58:" + IPv4Address(address).packed.hex(":")


def link_local(address: str) -> str:
    """Make a node's link-local IPv6 address from the last byte of its IPv4 address.

    >>> link_local("10.0.0.11")
    'fe80::b'
    """
    return str(IPv6Address(b"\xfe\x80" + bytes(13) + IPv4Address(address).packed[-1:]))
