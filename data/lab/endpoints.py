"""EndpointSlices: who stands behind each Service, by address family and by what the ports mean.

Pods in which a named port has another number stand in a slice of their own, as Kubernetes does it.
"""

from __future__ import annotations

from collections.abc import Iterator

from data.lab.metadata import Object, metadata, owner, uid
from data.lab.model import Scenario, Service
from data.lab.placement import Backend, backends, suffix

Numbers = tuple[int, ...]


def endpoint_slices(scenario: Scenario) -> Iterator[Object]:
    """Write the slices of every Service."""
    for service in scenario.services:
        for family in (4, 6) if service.address6 else (4,):
            for numbers, members in _by_numbers(scenario, service, family).items():
                yield _slice(service, family, numbers, members)


def _by_numbers(scenario: Scenario, service: Service, family: int) -> dict[Numbers, list[Backend]]:
    groups: dict[Numbers, list[Backend]] = {}
    for members in zip(*(backends(scenario, service, port, family) for port in service.ports), strict=True):
        groups.setdefault(tuple(member.port for member in members), []).append(members[0])
    return groups


def _slice(service: Service, family: int, numbers: Numbers, members: list[Backend]) -> Object:
    name = f"{service.name}-{suffix(f'{service.key}/{family}/{numbers}')}"
    manager = "endpointslice-controller.k8s.io"
    made_by: Object | None = owner("v1", "Service", service.namespace, service.name)
    if service.nodes_serve:
        name, manager, made_by = service.name, "", None  # the API server writes its own
    labels = {"kubernetes.io/service-name": service.name}
    if manager:
        labels["endpointslice.kubernetes.io/managed-by"] = manager
    return {
        "addressType": f"IPv{family}",
        "apiVersion": "discovery.k8s.io/v1",
        "endpoints": [_endpoint(member) for member in members],
        "kind": "EndpointSlice",
        "metadata": metadata("EndpointSlice", service.namespace, name, labels, made_by),
        "ports": [
            {"name": port.name, "port": number, "protocol": port.protocol}
            for port, number in zip(service.ports, numbers, strict=True)
        ],
    }


def _endpoint(member: Backend) -> Object:
    where = {"conditions": {"ready": True, "serving": True, "terminating": False}, "addresses": [member.address]}
    if member.pod is None:
        return {**where, "conditions": {"ready": True}}
    namespace, name = member.pod.workload.namespace, member.pod.name
    pod = {"kind": "Pod", "name": name, "namespace": namespace, "uid": uid("Pod", namespace, name)}
    return {**where, "nodeName": member.node.name, "targetRef": pod, "zone": member.node.zone}
