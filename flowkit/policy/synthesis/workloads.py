"""The workloads of an inventory as synthesis needs them: which pods each has, with labels, declared ports and nodes.

Pods of the host network are their node to every policy and appear nowhere here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from flowkit.enrich import Inventory
from flowkit.enrich import objects as k8s
from flowkit.policy.model import PROTOCOLS

Key = tuple[str, str, str]
"""Namespace, kind and name of a workload, as the matrix names its ends."""


@dataclass(frozen=True)
class Pod:
    """A pod of the pod network: its labels, its node, its container ports as (name, number, protocol)."""

    name: str
    labels: Mapping[str, str]
    node: str
    ports: tuple[tuple[str, int, int], ...]


@dataclass(frozen=True)
class Workload:
    """Pods that one owner made; `chosen` are the labels its owner selects them by, empty where no owner says."""

    namespace: str
    kind: str
    name: str
    pods: tuple[Pod, ...]
    chosen: tuple[tuple[str, str], ...] = ()

    @property
    def key(self) -> Key:
        """What the matrix calls it."""
        return self.namespace, self.kind, self.name

    @property
    def nodes(self) -> frozenset[str]:
        """The nodes its pods run on."""
        return frozenset(pod.node for pod in self.pods)


def workloads(inventory: Inventory) -> dict[Key, Workload]:
    """Every workload with pods in the pod network, by key, in the order of keys."""
    owners = {(p.namespace, p.name): (p.owner_type, p.owner_name) for p in inventory.people if p.type == "Pod"}
    members: dict[Key, list[Pod]] = {}
    for body in inventory.bodies.get("Pod", ()):
        namespace, name = k8s.meta(body).get("namespace", ""), k8s.meta(body).get("name", "")
        if (namespace, name) in owners and not k8s.spec(body).get("hostNetwork"):
            members.setdefault((namespace, *owners[namespace, name]), []).append(_pod(body))
    chosen = _chosen(inventory)
    return {key: Workload(*key, tuple(members[key]), chosen.get(key, ())) for key in sorted(members)}


def _pod(body: k8s.Body) -> Pod:
    spec, meta = k8s.spec(body), k8s.meta(body)
    listed = [
        port for kind in ("containers", "initContainers") for each in spec.get(kind) or [] for port in _ports(each)
    ]
    return Pod(meta.get("name", ""), dict(meta.get("labels") or {}), spec.get("nodeName", ""), tuple(listed))


def _ports(container: Mapping[str, Any]) -> Iterable[tuple[str, int, int]]:
    for port in container.get("ports") or []:
        if port.get("containerPort"):
            yield port.get("name") or "", int(port["containerPort"]), PROTOCOLS.get(port.get("protocol") or "TCP", 0)


def _chosen(inventory: Inventory) -> dict[Key, tuple[tuple[str, str], ...]]:
    """The matchLabels of every owner in the inventory that selects by labels alone."""
    found: dict[Key, tuple[tuple[str, str], ...]] = {}
    for kind, bodies in inventory.bodies.items():
        for body in bodies:
            selector = k8s.spec(body).get("selector")
            labels = selector.get("matchLabels") if isinstance(selector, Mapping) else None
            if isinstance(labels, Mapping) and isinstance(selector, Mapping) and not selector.get("matchExpressions"):
                key = (k8s.meta(body).get("namespace", ""), kind, k8s.meta(body).get("name", ""))
                found[key] = tuple(sorted((str(name), str(value)) for name, value in labels.items()))
    return found
