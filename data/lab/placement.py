"""The pods that follow from a scenario: their names, nodes and addresses, and the backends of Services."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from hashlib import sha256

from data.lab.addresses import pod_address
from data.lab.model import Node, Scenario, Service, ServicePort, Workload

ALPHABET = "bcdfghjklmnpqrstvwxz2456789"  # Kubernetes' own, free of vowels


@dataclass(frozen=True)
class Pod:
    """A pod; its addresses are its node's when it uses the host network."""

    name: str
    workload: Workload
    node: Node
    address: str
    address6: str

    @property
    def addresses(self) -> tuple[str, ...]:
        """All addresses, IPv4 first."""
        return (self.address, self.address6) if self.address6 else (self.address,)


@dataclass(frozen=True)
class Backend:
    """A pod (or, for a Service without selector, a node) behind a Service's port."""

    pod: Pod | None
    node: Node
    address: str
    port: int


def pods(scenario: Scenario) -> tuple[Pod, ...]:
    """Place every pod; addresses go up in the order of the scenario."""
    used: Counter[str] = Counter()
    placed = []
    for workload in scenario.workloads:
        for ordinal, place in enumerate(workload.nodes):
            node = scenario.nodes[place]
            placed.append(_pod(workload, ordinal, node, used[node.short]))
            used[node.short] += not workload.host_network
    return tuple(placed)


def _pod(workload: Workload, ordinal: int, node: Node, place: int) -> Pod:
    name = pod_name(workload, ordinal, node)
    if workload.host_network:
        return Pod(name, workload, node, node.address, "")
    address6 = pod_address(node.pods6, place) if workload.dual_stack else ""
    return Pod(name, workload, node, pod_address(node.pods4, place), address6)


def pod_name(workload: Workload, ordinal: int, node: Node) -> str:
    """Name a pod as its kind's controller does."""
    end = suffix(f"{workload.key}/{ordinal}")
    match workload.kind:
        case "Deployment":
            return f"{replica_set_name(workload)}-{end}"
        case "StatefulSet":
            return f"{workload.name}-{ordinal}"
        case "Pod":
            return workload.name
        case "Static":
            return f"{workload.name}-{node.name}"
        case _:
            return f"{workload.name}-{end}"


def replica_set_name(workload: Workload) -> str:
    """Name the ReplicaSet of a Deployment: its name and the hash of its pod template."""
    return f"{workload.name}-{suffix(workload.key, 10)}"


def suffix(text: str, length: int = 5) -> str:
    """Make a stable random-looking ending in Kubernetes' alphabet."""
    return "".join(ALPHABET[byte % len(ALPHABET)] for byte in sha256(text.encode()).digest()[:length])


def pods_of(scenario: Scenario, key: str, node: str = "") -> tuple[Pod, ...]:
    """List a workload's pods, or those of one node."""
    return tuple(p for p in pods(scenario) if p.workload.key == key and node in ("", p.node.short))


def selected(scenario: Scenario, service: Service) -> tuple[Pod, ...]:
    """List the pods that a Service selects."""
    return tuple(
        p
        for p in pods(scenario)
        if service.selector
        and p.workload.namespace == service.namespace
        and service.selector.items() <= p.workload.labels.items()
    )


def backends(scenario: Scenario, service: Service, port: ServicePort, family: int = 4) -> tuple[Backend, ...]:
    """List who answers behind a Service's port, with the pods' own ports."""
    if service.nodes_serve:
        number = int(port.target)
        return tuple(Backend(None, n, n.address, number) for n in scenario.nodes) if family == 4 else ()
    return tuple(
        Backend(p, p.node, p.address if family == 4 else p.address6, target_port(p.workload, port))
        for p in selected(scenario, service)
        if family == 4 or p.address6
    )


def target_port(workload: Workload, port: ServicePort) -> int:
    """Give the number that a Service's target port means in a workload's pods."""
    if isinstance(port.target, int):
        return port.target
    return next(p.number for p in workload.ports if p.name == port.target)
