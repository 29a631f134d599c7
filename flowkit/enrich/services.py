"""What Services and pods say of their ports: the backends behind a Service (from EndpointSlices), and declared ports.

Source: discovery.k8s.io/v1; a slice's port belongs to the Service port of the same name and protocol.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from flowkit.enrich.addresses import spelled
from flowkit.enrich.objects import Body

Socket = tuple[str, int, int]
"""Address, port and IP protocol number."""

_PROTOCOLS = {"TCP": 6, "UDP": 17, "SCTP": 132}


def backends(
    services: Iterable[Body], slices: Iterable[Body], pods: Iterable[Body] = ()
) -> dict[Socket, tuple[Socket, ...]]:
    """The sockets behind each Service socket, of the same address family, ready or not: from EndpointSlices, else from the
    pods the Service selects and its targetPort.

    >>> service = {"metadata": {"name": "api", "namespace": "shop"},
    ...            "spec": {"clusterIPs": ["172.30.0.9"], "ports": [{"name": "http", "port": 80}]}}
    >>> piece = {"metadata": {"namespace": "shop", "labels": {"kubernetes.io/service-name": "api"}},
    ...          "endpoints": [{"addresses": ["10.128.0.5"]}], "ports": [{"name": "http", "port": 8080}]}
    >>> backends([service], [piece])
    {('172.30.0.9', 80, 6): (('10.128.0.5', 8080, 6),)}
    """
    neighbours: dict[str, list[Body]] = {}
    for pod in pods:
        neighbours.setdefault((pod.get("metadata") or {}).get("namespace", ""), []).append(pod)
    by_service: dict[tuple[str, str], list[Body]] = {}
    for piece in slices:
        meta = piece.get("metadata") or {}
        name = (meta.get("labels") or {}).get("kubernetes.io/service-name", "")
        by_service.setdefault((meta.get("namespace", ""), name), []).append(piece)
    found: dict[Socket, tuple[Socket, ...]] = {}
    for service in services:
        meta, spec = service.get("metadata") or {}, service.get("spec") or {}
        pieces = by_service.get((meta.get("namespace", ""), meta.get("name", "")), [])
        for port in spec.get("ports") or []:
            for address in spec.get("clusterIPs") or [spec.get("clusterIP") or "None"]:
                sockets = _behind(pieces, port, address) if pieces else _selected(service, port, address, neighbours)
                behind = tuple(dict.fromkeys(sockets))
                if behind and address != "None":
                    found[address, port["port"], _protocol(port)] = behind
    return found


def declared(services: Iterable[Body], pods: Iterable[Body]) -> Iterable[Socket]:
    """The sockets that Services (at their cluster addresses) and containers (at their pod's, or its node's) declare."""
    for service in services:
        spec = service.get("spec") or {}
        addresses = spec.get("clusterIPs") or [spec.get("clusterIP") or "None"]
        yield from _sockets((spec.get("ports") or [], "port"), (address for address in addresses if address != "None"))
    for pod in pods:
        spec, status = pod.get("spec") or {}, pod.get("status") or {}
        ports = [port for container in spec.get("containers") or [] for port in container.get("ports") or []]
        addresses = [item.get("ip") for item in status.get("podIPs") or []] or [status.get("podIP")]
        yield from _sockets((ports, "containerPort"), (address for address in addresses if address))


def _sockets(ports: tuple[Iterable[Body], str], addresses: Iterable[str]) -> Iterable[Socket]:
    listed, key = ports
    numbers = [(port[key], _protocol(port)) for port in listed if port.get(key)]
    return [(spelled(address), number, proto) for address in addresses for number, proto in numbers]


def _behind(pieces: Iterable[Body], port: Body, address: str) -> Iterable[Socket]:
    for piece in pieces:
        for other in piece.get("ports") or []:
            if (other.get("name") or "", _protocol(other)) != (port.get("name") or "", _protocol(port)):
                continue
            for endpoint in piece.get("endpoints") or []:
                for backend in endpoint.get("addresses") or []:
                    if (":" in backend) == (":" in address) and other.get("port"):
                        yield backend, other["port"], _protocol(other)


def _selected(service: Body, port: Body, address: str, neighbours: Mapping[str, list[Body]]) -> Iterable[Socket]:
    """The pods a Service selects, at the number its targetPort means for each of them."""
    wanted = (service.get("spec") or {}).get("selector") or {}
    for pod in neighbours.get((service.get("metadata") or {}).get("namespace", ""), []):
        labels = (pod.get("metadata") or {}).get("labels") or {}
        if not wanted or wanted.items() - labels.items():
            continue
        number = _target(port, pod)
        for item in (pod.get("status") or {}).get("podIPs") or []:
            if number and (":" in item.get("ip", "")) == (":" in address):
                yield spelled(item["ip"]), number, _protocol(port)


def _target(port: Body, pod: Body) -> int | None:
    target = port.get("targetPort", port.get("port"))
    if isinstance(target, int):
        return target
    containers = (pod.get("spec") or {}).get("containers") or []
    named = (item for container in containers for item in container.get("ports") or [])
    return next((item.get("containerPort") for item in named if item.get("name") == target), None)


def _protocol(port: Body) -> int:
    return _PROTOCOLS.get(port.get("protocol") or "TCP", 0)
