"""The truth: which connections the scenario makes, from its definition alone (`scenario` states the rules).

A relation names the client, the server after NAT, and what the client got. Host-network pods and a node's own
processes are their Node; who has no workload in the cluster is unnamed, and known by its subnet label at most.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from data.lab.derived import all_calls
from data.lab.model import (
    PROTOCOLS,
    UDP_SPEECH,
    Call,
    Node,
    Scenario,
    ToAddress,
    ToNodes,
    ToOutside,
    ToPods,
    ToService,
)
from data.lab.placement import Pod, backends, pods_of
from data.lab.subnets import label

Relation = dict[str, str | int | None]


@dataclass(frozen=True)
class End:
    """One side of a connection; `port` is the server's own, None for a client and for ICMP."""

    namespace: str
    kind: str
    workload: str
    address: str
    port: int | None = None


def truth(scenario: Scenario) -> list[Relation]:
    """List the distinct relations, sorted."""
    every = (relation for call in all_calls(scenario) for relation in _relations(scenario, call))
    distinct = {tuple(relation.items()): relation for relation in every}
    return sorted(distinct.values(), key=_order)


def _order(relation: Relation) -> list[str]:
    return [f"{value:05}" if isinstance(value, int) else value or "" for value in relation.values()]


def _relations(scenario: Scenario, call: Call) -> Iterator[Relation]:
    for client in clients(scenario, call):
        for server in servers(scenario, call):
            if client.address != server.address:
                yield {
                    **_side(scenario, "from", client),
                    **_side(scenario, "to", server),
                    "port": server.port,
                    "proto": protocol(call),
                    "state": call.state,
                }


def _side(scenario: Scenario, side: str, end: End) -> Relation:
    return {
        f"{side}_namespace": end.namespace,
        f"{side}_kind": end.kind,
        f"{side}_workload": end.workload,
        f"{side}_subnet_label": label(scenario, end.address),
    }


def protocol(call: Call) -> int:
    """Give the IP protocol number that a call is made with."""
    if call.speaks == "ping":
        return PROTOCOLS["ICMP" if call.family == 4 else "ICMPv6"]
    return PROTOCOLS["UDP" if call.speaks in UDP_SPEECH else "TCP"]


def clients(scenario: Scenario, call: Call) -> tuple[End, ...]:
    """Name the ends that make a call."""
    kind, _, name = call.client.partition("/")
    if kind == "node":
        return (_node_end(scenario.node(name)),)
    if kind == "outside":
        return (End("", "", "", _of_family(scenario.host(name).addresses, call.family)),)
    return tuple(_pod_end(pod, call.family) for pod in pods_of(scenario, call.client))


def servers(scenario: Scenario, call: Call) -> tuple[End, ...]:
    """Name the ends that a call reaches, after NAT."""
    match call.target:
        case ToService(service=key, port=number):
            return _behind(scenario, call, key, number)
        case ToPods(workload=key, port=port, node=short):
            return tuple(_pod_end(pod, call.family, port) for pod in pods_of(scenario, key, short))
        case ToNodes(port=port, short=short):
            return tuple(_node_end(node, port) for node in scenario.nodes if short in ("", node.short))
        case ToOutside(host=host, port=port):
            return (End("", "", "", _of_family(scenario.host(host).addresses, call.family), port),)
        case ToAddress(address=address, port=port):
            return (End("", "", "", address, port),)


def _behind(scenario: Scenario, call: Call, key: str, number: int) -> tuple[End, ...]:
    service = scenario.service(key)
    wanted = "UDP" if call.speaks in UDP_SPEECH else "TCP"
    port = next(p for p in service.ports if p.number == number and p.protocol == wanted)
    return tuple(
        _pod_end(found.pod, call.family, found.port) if found.pod else _node_end(found.node, found.port)
        for found in backends(scenario, service, port, call.family)
    )


def _pod_end(pod: Pod, family: int, port: int | None = None) -> End:
    workload = pod.workload
    if workload.host_network:
        return _node_end(pod.node, port)
    return End(workload.namespace, workload.kind, workload.name, pod.address if family == 4 else pod.address6, port)


def _node_end(node: Node, port: int | None = None) -> End:
    return End("", "Node", node.name, node.address, port)


def _of_family(addresses: tuple[str, ...], family: int) -> str:
    return next(a for a in addresses if (":" in a) == (family == 6))
