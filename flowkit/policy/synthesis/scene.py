"""What a synthesis knows of its cluster: workloads and their subjects, the cluster's DNS and API servers, the label ranges."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from flowkit.enrich import Inventory, SubnetLabels
from flowkit.enrich import objects as k8s
from flowkit.enrich.services import Socket
from flowkit.policy.profiles import Profile
from flowkit.policy.synthesis.ends import NODES, PODS, End
from flowkit.policy.synthesis.options import Options
from flowkit.policy.synthesis.selectors import Subjects, subjects
from flowkit.policy.synthesis.workloads import Key, Workload, workloads

# Where clusters keep their DNS Service: Kubernetes, OpenShift, k3s and RKE2.
_DNS_SERVICES = ("kube-dns", "dns-default", "coredns", "rke2-coredns-rke2-coredns")
_DNS_PORT = 53
# Subnet labels that NetObserv gives to the cluster itself.
CLUSTER_RANGES = ("Pods", "Services", "Machines")


@dataclass(frozen=True)
class Scene:
    """The cluster as synthesis sees it, each derived fact computed once."""

    inventory: Inventory
    profile: Profile
    options: Options
    subnets: SubnetLabels | None = None

    @cached_property
    def workloads(self) -> Mapping[Key, Workload]:
        """Every workload with pods in the pod network."""
        return workloads(self.inventory)

    @cached_property
    def subjects(self) -> Subjects:
        """The subject of every workload."""
        return subjects(self.workloads)

    @cached_property
    def labels(self) -> frozenset[str]:
        """The subnet labels whose ranges are known."""
        return frozenset(self.subnets.labels if self.subnets else ())

    @cached_property
    def api_servers(self) -> frozenset[Socket]:
        """The sockets behind the Service ``default/kubernetes``."""
        return frozenset(socket for behind in self._behind("default", "kubernetes").values() for socket in behind)

    @cached_property
    def dns(self) -> Mapping[Key, frozenset[tuple[int, int]]]:
        """The workloads behind the cluster's DNS Service, with protocols and pod ports."""
        found: dict[Key, set[tuple[int, int]]] = {}
        for namespace, name in self._services:
            for (_, port, _), sockets in self._behind(namespace, name).items() if name in _DNS_SERVICES else ():
                for address, number, proto in sockets if port == _DNS_PORT else ():
                    key = self.at(address)
                    if key is not None and key in self.subjects.of:
                        found.setdefault(key, set()).add((proto, number))
        return {key: frozenset(served) for key, served in sorted(found.items())}

    def at(self, address: str) -> Key | None:
        """The workload at an address, None where there is none."""
        person = self.inventory.identities.get(address)
        return (person.namespace, person.owner_type, person.owner_name) if person and person.type == "Pod" else None

    def behind(self, namespace: str, service: str, served: tuple[int, int]) -> frozenset[tuple[End | Key, int]]:
        """Who serves a Service on a protocol and port: a workload or the nodes, and the port it has there."""
        found = set()
        for (_, port, proto), sockets in self._behind(namespace, service).items():
            if (proto, port) == served:
                found |= {(self.at(address) or End(NODES), number) for address, number, _ in sockets}
        return frozenset(found)

    def _behind(self, namespace: str, service: str) -> dict[Socket, tuple[Socket, ...]]:
        addresses = self._services.get((namespace, service), ())
        return {at: sockets for address in addresses for at, sockets in self._backends.get(address, {}).items()}

    @cached_property
    def _services(self) -> dict[tuple[str, str], tuple[str, ...]]:
        bodies = self.inventory.bodies.get("Service", ())
        named = ((k8s.service_identity(body), tuple(k8s.cluster_ips(body))) for body in bodies)
        return {(identity.namespace, identity.name): addresses for identity, addresses in named}

    @cached_property
    def _backends(self) -> dict[str, dict[Socket, tuple[Socket, ...]]]:
        found: dict[str, dict[Socket, tuple[Socket, ...]]] = {}
        for socket, behind in self.inventory.backends.items():
            found.setdefault(socket[0], {})[socket] = behind
        return found

    def end_of(self, key: Key) -> End | None:
        """The end that a workload is, None where nothing selects it."""
        subject = self.subjects.of.get(key)
        return None if subject is None else End(PODS, subject)
