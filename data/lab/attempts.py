"""Attempts: the connections that a proof opens, one by one, from every client to every server."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from data.lab.matches import LAYER4, pod_network
from data.lab.model import PROTOCOLS, Outside, Port, Scenario
from data.lab.network import OUTSIDE, namespace
from data.lab.placement import Pod, pods

Socket = tuple[int, int]
"""A protocol's number and a port."""

NOBODYS: tuple[Socket, ...] = ((6, 9999), (17, 9999))


@dataclass(frozen=True)
class Place:
    """Who can open or take connections: a pod, a node or an outside host, the namespace it lives in, where it listens."""

    name: str
    netns: str
    addresses: tuple[str, ...]
    listens: tuple[Socket, ...]

    @property
    def inside(self) -> bool:
        """Whether it belongs to the cluster."""
        return self.netns != OUTSIDE


@dataclass(frozen=True)
class Attempt:
    """One connection: the client's place and address, the server's address, the protocol's number and the port."""

    client: str
    source: str
    server: str
    proto: int
    port: int


def places(scenario: Scenario) -> tuple[Place, ...]:
    """List pods with addresses of their own, nodes, and outside hosts."""
    return (*map(_pod, pod_network(scenario)), *_nodes(scenario), *map(_host, scenario.outside))


def _pod(pod: Pod) -> Place:
    return Place(pod.name, namespace(pod), pod.addresses, _sockets(pod.workload.ports))


def _nodes(scenario: Scenario) -> Iterator[Place]:
    for node in scenario.nodes:
        hosted = [pod.workload for pod in pods(scenario) if pod.workload.host_network and pod.node == node]
        listens = tuple(socket for workload in hosted for socket in _sockets(workload.ports))
        yield Place(node.short, namespace(node), (node.address,), listens)


def _host(host: Outside) -> Place:
    return Place(host.name, OUTSIDE, host.addresses, _sockets(host.ports))


def _sockets(ports: Iterable[Port]) -> tuple[Socket, ...]:
    return tuple((PROTOCOLS[port.protocol], port.number) for port in ports)


def everybody_to_everybody(scenario: Scenario, more: Iterable[Socket] = NOBODYS) -> list[Attempt]:
    """List every client to every server over either family: the ports it listens on, and some more, the same for all.

    Left out is what no policy is asked about: who talks to itself, and outside hosts among themselves.
    """
    everybody = places(scenario)
    return [
        Attempt(client.name, source, address, proto, port)
        for client in everybody
        for server in everybody
        if client is not server and (client.inside or server.inside)
        for source, address in routes(client, server)
        for proto, port in dict.fromkeys((*server.listens, *more))
        if proto in LAYER4
    ]


def routes(client: Place, server: Place) -> Iterator[tuple[str, str]]:
    """List the addresses to use between two places, one for each family that both have."""
    for version in (False, True):
        ends = [next((a for a in place.addresses if (":" in a) == version), "") for place in (client, server)]
        if all(ends):
            yield ends[0], ends[1]
