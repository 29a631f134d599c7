"""The connections that a recording shows, found with tshark and the inventory alone: a second opinion on the truth.

Knows nothing of the scenario. Connections are oriented by their SYN, datagrams by a declared port, echo by its
request. The copy under a Service's address is dropped for the copy of the same client port under a pod's address.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

FIELDS = (
    "ip.src",
    "ip.dst",
    "ipv6.src",
    "ipv6.dst",
    "tcp.srcport",
    "tcp.dstport",
    "tcp.flags",
    "udp.srcport",
    "udp.dstport",
    "icmp.type",
    "icmpv6.type",
)
SYN, RST, SYN_ACK = 0x02, 0x04, 0x12
ECHO = {8: 0, 128: 129}

Object = dict[str, Any]
Name = tuple[str, str, str]


@dataclass(frozen=True)
class Connection:
    """A client and server as addresses; ports are 0 for ICMP."""

    client: str
    server: str
    client_port: int
    port: int
    proto: int


def packets(path: Path) -> Iterator[dict[str, str]]:
    """Read a pcap's packets with tshark. Of an ICMP error only the outer addresses count."""
    fields = [part for name in FIELDS for part in ("-e", name)]
    command = ["tshark", "-n", "-r", str(path), "-T", "fields", "-E", "occurrence=f", *fields]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    for line in shown.splitlines():
        yield dict(zip(FIELDS, line.split("\t"), strict=True))


def connections(paths: list[Path], declared: set[int]) -> dict[Connection, str]:
    """Find the connections of all files and what became of them."""
    opened: set[Connection] = set()
    answers: dict[Connection, str] = {}
    for packet in (packet for path in paths for packet in packets(path)):
        source = packet["ip.src"] or packet["ipv6.src"]
        target = packet["ip.dst"] or packet["ipv6.dst"]
        if not source or _is_local(source) or _is_local(target):
            continue
        if packet["icmp.type"] or packet["icmpv6.type"]:
            _echo(packet, source, target, opened, answers)
        elif packet["tcp.flags"]:
            _segment(packet, source, target, opened, answers)
        elif packet["udp.srcport"]:
            ports = int(packet["udp.srcport"]), int(packet["udp.dstport"])
            if ports[1] in declared:
                opened.add(Connection(source, target, *ports, 17))
                answers[Connection(source, target, *ports, 17)] = "answered"
    return {connection: answers.get(connection, "unanswered") for connection in opened}


def _is_local(address: str) -> bool:
    ip = ip_address(address)
    return ip.is_multicast or ip.is_link_local or address == "255.255.255.255"


def _echo(
    packet: dict[str, str], source: str, target: str, opened: set[Connection], answers: dict[Connection, str]
) -> None:
    kind, proto = int(packet["icmp.type"] or packet["icmpv6.type"]), 1 if packet["icmp.type"] else 58
    if kind in ECHO:
        opened.add(Connection(source, target, 0, 0, proto))
    elif kind in ECHO.values():
        answers[Connection(target, source, 0, 0, proto)] = "answered"


def _segment(
    packet: dict[str, str], source: str, target: str, opened: set[Connection], answers: dict[Connection, str]
) -> None:
    ports, flags = (int(packet["tcp.srcport"]), int(packet["tcp.dstport"])), int(packet["tcp.flags"], 16) & 0x3F
    back = Connection(target, source, ports[1], ports[0], 6)
    if flags & SYN_ACK == SYN:
        opened.add(Connection(source, target, *ports, 6))
    elif flags & SYN_ACK == SYN_ACK:
        answers[back] = "answered"
    elif flags & RST:
        answers.setdefault(back, "refused")


class Names:
    """Who has an address, by the inventory."""

    def __init__(self, inventory: Object) -> None:
        self.items: list[Object] = inventory["items"]
        self.by_address: dict[str, Name] = {}
        self.services: set[str] = set()
        owners = {(o["kind"], o["metadata"].get("namespace"), o["metadata"]["name"]): o for o in self.items}
        for item in self.of_kind("Pod"):
            if not item["spec"].get("hostNetwork"):
                for ip in item["status"]["podIPs"]:
                    self.by_address[ip["ip"]] = _top(item, owners)
        for item in self.of_kind("Node"):
            for address in item["status"]["addresses"]:
                self.by_address[address["address"]] = ("", "Node", item["metadata"]["name"])
        for item in self.of_kind("Service"):
            self.services |= {a for a in item["spec"]["clusterIPs"] if a != "None"}

    def of_kind(self, kind: str) -> list[Object]:
        """List the objects of a kind."""
        return [item for item in self.items if item["kind"] == kind]

    def declared(self) -> set[int]:
        """List the UDP ports of Services and containers, and those of DNS and NTP outside."""
        ports = {p["port"] for s in self.of_kind("Service") for p in s["spec"]["ports"] if p["protocol"] == "UDP"}
        for pod in self.of_kind("Pod"):
            for container in pod["spec"]["containers"]:
                ports |= {p["containerPort"] for p in container.get("ports", ()) if p["protocol"] == "UDP"}
        return ports | {53, 123}


def _top(item: Object, owners: dict[tuple[str, str | None, str], Object]) -> Name:
    meta = item["metadata"]
    while meta.get("ownerReferences") and meta["ownerReferences"][0]["kind"] in ("ReplicaSet", "Deployment"):
        reference = meta["ownerReferences"][0]
        item = owners[reference["kind"], meta["namespace"], reference["name"]]
        meta = item["metadata"]
    if meta.get("ownerReferences"):
        reference = meta["ownerReferences"][0]
        return meta["namespace"], reference["kind"], reference["name"]
    return meta["namespace"], item["kind"], meta["name"]


DETECTED = {
    "Machines": ["10.0.0.0/16", "100.64.0.0/16", "100.88.0.0/16", "169.254.0.0/17"],
    "Pods": ["10.128.0.0/14", "fd01::/48"],
    "Services": ["172.30.0.0/16", "fd02::/112"],
}


def label(custom: list[Object], address: str) -> str:
    """Give an address's first subnet label."""
    ip = ip_address(address)
    ranges = [(entry["name"], entry["cidrs"]) for entry in custom] + list(DETECTED.items())
    return next((name for name, cidrs in ranges if any(ip in ip_network(c) for c in cidrs)), "")


def relations(folder: Path, custom: list[Object]) -> tuple[list[Object], list[Connection]]:
    """Give the relations that a folder's recording shows, and the Service connections that no pod's copy explains."""
    names = Names(json.loads((folder / "cluster.json").read_text()))
    found = connections(sorted(folder.glob("*.pcap.gz")), names.declared())
    behind = {(c.client, c.client_port, c.proto) for c in found if c.server not in names.services}
    lone = [c for c in found if c.server in names.services and (c.client, c.client_port, c.proto) not in behind]
    rows = {
        (
            *names.by_address.get(c.client, ("", "", "")), label(custom, c.client),
            *names.by_address.get(c.server, ("", "", "")), label(custom, c.server),
            c.port or None, c.proto, state,
        )
        for c, state in found.items()
        if c.server not in names.services
    }  # fmt: skip
    keys = [f"{side}_{part}" for side in ("from", "to") for part in ("namespace", "kind", "workload", "subnet_label")]
    return [dict(zip([*keys, "port", "proto", "state"], row, strict=True)) for row in rows], lone
