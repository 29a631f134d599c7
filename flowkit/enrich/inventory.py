"""Who has which address at what time: a cluster's pods, nodes and Services, as NetObserv's enrichment looks them up.

Source: flowlogs-pipeline ``pkg/pipeline/transform/kubernetes`` (lookup order Pod, Node, Service), and time, which it need not
know because it looks up when the flow arrives.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from flowkit.enrich import objects as k8s
from flowkit.enrich.addresses import Addresses
from flowkit.enrich.objects import Body, Identity
from flowkit.enrich.openshift import Pairs, detected
from flowkit.enrich.services import Socket, backends, declared
from flowkit.enrich.shapes import misshapen
from flowkit.enrich.sides import Codes, SmallCodes, numbered
from flowkit.enrich.tenancy import Tenancies, Tenancy
from flowkit.errors import SpecError
from flowkit.manifests.documents import Manifest, load_objects

# What goes wrong without a kind; pods are indispensable.
_MISSED = {
    "Node": "zones are unknown, node addresses are taken from the pods on them",
    "Service": "Service addresses stay unnamed",
    "ReplicaSet": "Deployments are named after the pod-template-hash label",
}


class InventoryWarning(UserWarning):
    """Something the inventory lacks; results are right as far as they go."""


@dataclass(frozen=True)
class Inventory:
    """People and who of them had which address when; node addresses by name, backends by Service socket, declared
    sockets, the cluster's own subnets where its Network object is there, notes on what is missing or ambiguous, and the
    objects themselves by kind as they were last seen.
    """

    people: tuple[Identity, ...]
    tenancies: tuple[Tenancy, ...]
    landlords: Mapping[str, int]
    node_addresses: Mapping[str, str]
    backends: Mapping[Socket, tuple[Socket, ...]] = field(default_factory=dict)
    declared: frozenset[Socket] = frozenset()
    subnets: Pairs = ()
    notes: tuple[str, ...] = ()
    bodies: Mapping[str, tuple[Body, ...]] = field(default_factory=dict, repr=False, compare=False)

    @cached_property
    def identities(self) -> Mapping[str, Identity]:
        """Who has each address now, that is at the latest time the inventory knows."""
        latest = {address: self.people[person] for address, person in self.landlords.items()}
        by_time = sorted(enumerate(self.tenancies), key=lambda each: (each[1].end, each[1].start, -each[0]))
        latest.update({tenancy.address: self.people[tenancy.person] for _, tenancy in by_time})
        return latest

    def __repr__(self) -> str:
        kinds = Counter(who.type for who in set(self.identities.values()))
        said = [f"{count} {kind}{'s' if count > 1 else ''}" for kind, count in sorted(kinds.items())]
        count = f" with {len(self.identities)} addresses" if said else ""
        return f"Inventory: {', '.join(said) or 'nobody'}{count}"

    def _repr_html_(self) -> str:
        from flowkit.view.displays import inventory_html

        return inventory_html(self)

    def who(self, codes: Codes, addresses: Addresses, begin: Codes, end: Codes) -> Codes:
        """The number of the person at each row's address at its time, see `Tenancies.find`; to be used with `field`."""
        return self._index.find(codes, addresses, begin, end)

    def field(self, attribute: str) -> tuple[SmallCodes, list[str]]:
        """One attribute of all people: codes by number, a last -1 for whoever is none of them, and the texts they stand for."""
        if attribute not in self._fields:
            self._fields[attribute] = numbered([getattr(person, attribute) for person in self.people] + [""])
        return self._fields[attribute]

    @cached_property
    def _fields(self) -> dict[str, tuple[SmallCodes, list[str]]]:
        return {}

    @cached_property
    def _index(self) -> Tenancies:
        return Tenancies(self.tenancies, dict(self.landlords))

    @classmethod
    def load(cls, source: str | Path | Mapping[str, Any] | Inventory) -> Inventory:
        """Read an inventory from what ``kubectl get nodes,namespaces,pods,services,replicasets,… -A -o json`` prints.

        A file (JSON or YAML, a List or several documents), a folder of such files, or the parsed object. Files of a folder may
        be of different times, the later ones sorting last: an object counts as it was last seen, a pod for the time it
        lived. An inventory that lacks kinds works, with one `InventoryWarning` saying what that costs. Raises `SpecError`
        when it holds neither pods, nodes nor Services.

        >>> pod = {"kind": "Pod", "metadata": {"name": "a", "namespace": "shop"}, "status": {"podIPs": [{"ip": "10.128.0.5"}]}}
        >>> import warnings
        >>> with warnings.catch_warnings(action="ignore"):
        ...     Inventory.load({"kind": "List", "items": [pod]}).identities["10.128.0.5"].owner_type
        'Pod'
        """
        if isinstance(source, Inventory):
            return source
        return cls.of(load_objects(source), str(source) if isinstance(source, str | Path) else "")

    @classmethod
    def live(cls, context: str | None = None) -> Inventory:
        """Read the inventory of the running cluster of a kubeconfig `context`, see `flowkit.manifests.kubernetes`."""
        from flowkit.manifests.kubernetes import cluster_objects

        return cls.of(cluster_objects(context), context or "cluster")

    @classmethod
    def of(cls, objects: list[Manifest], place: str = "") -> Inventory:
        """Make an inventory of objects, as `load` does; `place` names them in messages."""
        inventory = _inventory(objects)
        if not inventory.identities:
            raise SpecError("no pod, node or Service with an address in this inventory", place=place)
        if inventory.notes:
            warnings.warn("inventory: " + "; ".join(inventory.notes), InventoryWarning, stacklevel=3)
        return inventory


def _inventory(found: list[Manifest]) -> Inventory:
    listed, left_out = _well_formed(found)
    by_kind = _last_seen(listed)
    pods, services = by_kind.get("Pod", []), by_kind.get("Service", [])
    nodes = k8s.nodes(by_kind.get("Node", []), pods)
    owners = {_key(kind, body): body for kind in k8s.CLIMBED for body in by_kind.get(kind, [])}
    people: list[Identity] = []
    tenancies: list[Tenancy] = []
    # Running pods first: of two that began together the first is preferred.
    for pod in sorted(pods, key=k8s.has_ended):
        person = k8s.pod_identity(pod, nodes, owners)
        start, end = k8s.lifetime(pod)
        for address, network in k8s.pod_addresses(pod):
            people.append(replace(person, network=network))
            tenancies.append(Tenancy(address, len(people) - 1, start, end))
    landlords: dict[str, int] = {}
    for identity, addresses in _landlords(nodes, services):
        people.append(identity)
        for address in addresses:
            landlords.setdefault(address, len(people) - 1)
    return Inventory(
        tuple(people),
        tuple(tenancies),
        landlords,
        {node.name: node.addresses[0] for node in nodes.values() if node.addresses},
        backends(services, by_kind.get("EndpointSlice", []), pods),
        frozenset(declared(services, pods)),
        detected(listed),
        (*left_out, *_missing(by_kind), *_shared(pods)),
        {kind: tuple(bodies) for kind, bodies in by_kind.items()},
    )


def _well_formed(found: Iterable[Manifest]) -> tuple[list[Manifest], list[str]]:
    """Objects whose parts are what the API says, and a note for each kind of which some were not."""
    listed: list[Manifest] = []
    complaints: dict[str, list[str]] = {}
    for item in found:
        complaint = misshapen(item.body, item.kind)
        if complaint:
            complaints.setdefault(item.kind, []).append(f"{item.place}: {complaint}")
        else:
            listed.append(item)
    return listed, [f"{len(of_kind)} {kind} left out, first {of_kind[0]}" for kind, of_kind in complaints.items()]


def _last_seen(listed: Iterable[Manifest]) -> dict[str, list[Body]]:
    """Bodies by kind; of one object seen several times the last."""
    found: dict[str, dict[tuple[Any, ...], Body]] = {}
    for at, item in enumerate(listed):
        meta = k8s.meta(item.body)
        name = (meta.get("uid"), meta.get("namespace"), meta.get("name")) if meta.get("name") else (at,)
        found.setdefault(item.kind, {})[name] = item.body
    return {kind: list(bodies.values()) for kind, bodies in found.items()}


def _landlords(nodes: Mapping[str, k8s.Node], services: Iterable[Body]) -> Iterable[tuple[Identity, Iterable[str]]]:
    for node in nodes.values():
        yield node.identity, node.addresses
    for service in services:
        yield k8s.service_identity(service), k8s.cluster_ips(service)


def _missing(by_kind: Mapping[str, list[Any]]) -> Iterable[str]:
    if "Pod" not in by_kind:
        yield "it holds no pods, so no workload can be named"
    for kind, cost in _MISSED.items():
        if kind not in by_kind and (kind != "ReplicaSet" or _uses_replica_sets(by_kind)):
            yield f"it holds no {kind}s: {cost}"


def _uses_replica_sets(by_kind: Mapping[str, list[Body]]) -> bool:
    return any(
        reference.get("kind") == "ReplicaSet"
        for pod in by_kind.get("Pod", [])
        for reference in k8s.meta(pod).get("ownerReferences") or []
    )


def _shared(pods: Iterable[Body]) -> Iterable[str]:
    """Addresses of pods that run together from the same moment on; of pods that began at different times the later has it."""
    running = (pod for pod in pods if not k8s.has_ended(pod))
    taken = Counter((address, k8s.lifetime(pod)[0]) for pod in running for address, _ in k8s.pod_addresses(pod))
    several = [address for (address, _), count in taken.items() if count > 1]
    if several:
        example = ", ".join(several[:3])
        yield f"{len(several)} addresses belong to several running pods (the first is taken): {example}"


def _key(kind: str, body: Body) -> str:
    return f"{kind}/{k8s.meta(body).get('namespace', '')}/{k8s.meta(body).get('name', '')}"
