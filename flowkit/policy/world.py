"""The cluster as network policies see it: pods with labels and named ports, namespaces, nodes, Services, and who had which
address when.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from flowkit.enrich import Inventory
from flowkit.enrich import objects as k8s
from flowkit.enrich.addresses import Addresses, spelled
from flowkit.enrich.services import Socket
from flowkit.enrich.sides import Codes
from flowkit.enrich.tenancy import ALWAYS, FOREVER, Tenancies, Tenancy
from flowkit.policy.model import PROTOCOLS

NAME_LABEL = "kubernetes.io/metadata.name"
_NO_LABELS: Mapping[str, str] = {}


@dataclass(frozen=True)
class Pod:
    """A pod. `ports` are its named container ports as (name, number, protocol number); a host-network pod has no `addresses`
    of its own; times are in ms since the epoch.
    """

    namespace: str
    name: str
    labels: Mapping[str, str] = field(default_factory=dict)
    ports: tuple[tuple[str, int, int], ...] = ()
    node: str = ""
    host_network: bool = False
    addresses: tuple[str, ...] = ()
    start: int = ALWAYS
    end: int = FOREVER


@dataclass(frozen=True)
class Host:
    """A node; its `labels` are None where the inventory does not tell them."""

    name: str
    labels: Mapping[str, str] | None = None
    addresses: tuple[str, ...] = ()


@dataclass(frozen=True)
class World:
    """Pods, nodes, labels of the namespaces (None where unknown), and the sockets behind each Service socket.

    A *party* is whoever has an address: the pods by number, then the nodes; -1 and -2 are outside addresses (-2: a pod had
    it, but not at that time).
    """

    pods: tuple[Pod, ...]
    hosts: tuple[Host, ...] = ()
    namespaces: Mapping[str, Mapping[str, str] | None] = field(default_factory=dict)
    backends: Mapping[Socket, tuple[Socket, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, inventory: Inventory | str | Path | Mapping[str, Any]) -> World:
        """Read the world from an inventory, or from what `Inventory.load` takes.

        >>> pod = {"kind": "Pod", "metadata": {"name": "a", "namespace": "shop"}, "status": {"podIPs": [{"ip": "10.128.0.5"}]}}
        >>> import warnings
        >>> with warnings.catch_warnings(action="ignore"):
        ...     World.of({"kind": "List", "items": [pod]}).pods[0].addresses
        ('10.128.0.5',)
        """
        inventory = Inventory.load(inventory)
        # Running pods first: of two that had an address from the same moment the first is preferred.
        bodies = sorted(inventory.bodies.get("Pod", ()), key=k8s.has_ended)
        pods = tuple(_pod(body) for body in bodies)
        return cls(pods, _hosts(inventory, bodies), _namespaces(inventory, pods), inventory.backends)

    def find(self, codes: Codes, addresses: Addresses, begin: Codes, end: Codes) -> Codes:
        """The party at each row's address at its time; see `Tenancies.find` for the arguments."""
        return self._tenancies.find(codes, addresses, begin, end)

    def party(self, address: str) -> int:
        """The party that has an address now, or had it last; negative for an outside address."""
        return self._latest.get(spelled(address), -1)

    @cached_property
    def _tenancies(self) -> Tenancies:
        listed = [Tenancy(each, at, pod.start, pod.end) for at, pod in enumerate(self.pods) for each in pod.addresses]
        return Tenancies(listed, self._landlords)

    @cached_property
    def _landlords(self) -> dict[str, int]:
        found: dict[str, int] = {}
        for at, host in enumerate(self.hosts, start=len(self.pods)):
            for address in host.addresses:
                found.setdefault(address, at)
        return found

    @cached_property
    def _latest(self) -> dict[str, int]:
        latest = dict(self._landlords)
        by_time = sorted(enumerate(self.pods), key=lambda each: (each[1].end, each[1].start, -each[0]))
        latest.update({address: at for at, pod in by_time for address in pod.addresses})
        return latest

    def labels_of_namespace(self, name: str) -> tuple[Mapping[str, str], bool]:
        """The labels known of a namespace, and whether these are all; its name is always one of them (since 1.22).

        >>> World(()).labels_of_namespace("shop")
        ({'kubernetes.io/metadata.name': 'shop'}, False)
        """
        labels = self.namespaces.get(name)
        return {**(labels or _NO_LABELS), NAME_LABEL: name}, labels is not None


def _pod(body: k8s.Body) -> Pod:
    meta, spec = k8s.meta(body), k8s.spec(body)
    start, end = k8s.lifetime(body)
    host_network = bool(spec.get("hostNetwork"))
    primary = () if host_network else tuple(each for each, network in k8s.pod_addresses(body) if network == "primary")
    return Pod(
        meta.get("namespace") or "default",
        meta.get("name", ""),
        dict(meta.get("labels") or {}),
        _named_ports(spec),
        spec.get("nodeName", ""),
        host_network,
        primary,
        start,
        end,
    )


def _named_ports(spec: k8s.Body) -> tuple[tuple[str, int, int], ...]:
    """Init containers count too: a sidecar is one."""
    containers = [*(spec.get("containers") or []), *(spec.get("initContainers") or [])]
    listed = (port for container in containers for port in container.get("ports") or [])
    return tuple(
        (port["name"], int(port["containerPort"]), PROTOCOLS.get(port.get("protocol") or "TCP", 0))
        for port in listed
        if port.get("name") and port.get("containerPort")
    )


def _hosts(inventory: Inventory, pods: list[k8s.Body]) -> tuple[Host, ...]:
    bodies = inventory.bodies.get("Node", ())
    labels = {k8s.meta(body).get("name", ""): dict(k8s.meta(body).get("labels") or {}) for body in bodies}
    found = k8s.nodes(bodies, pods)
    return tuple(Host(name, labels.get(name), node.addresses) for name, node in found.items())


def _namespaces(inventory: Inventory, pods: tuple[Pod, ...]) -> dict[str, Mapping[str, str] | None]:
    found: dict[str, Mapping[str, str] | None] = {pod.namespace: None for pod in pods}
    for body in inventory.bodies.get("Namespace", ()):
        found[k8s.meta(body).get("name", "")] = dict(k8s.meta(body).get("labels") or {})
    return found
