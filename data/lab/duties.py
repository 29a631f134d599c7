"""Duties: calls as orders for the programs, with the names, addresses and ports that a client uses."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from data.lab.derived import probes
from data.lab.model import Call, Outside, Port, Scenario, ToAddress, ToNodes, ToOutside, ToPods, ToService, When
from data.lab.placement import Pod, pods_of
from data.lab.programs.wire import Request

Orders = dict[str, Any]


def client_orders(scenario: Scenario, client: str) -> Orders:
    """Give a client's orders: what to do again and again, and what to do once."""
    calls = [*_calls(scenario, client, "periodic"), *(c for c in probes(scenario) if c.client == client)]
    return {
        "periodic": [{"every": c.every, "requests": _dicts(requests(scenario, c))} for c in calls],
        "once": [r for c in _calls(scenario, client, "once") for r in _dicts(requests(scenario, c))],
    }


def server_orders(scenario: Scenario, pod: Pod, certificate: str) -> Orders:
    """Give a pod's orders: where to listen, and what to ask on each request."""
    everywhere = "::" if pod.address6 else "0.0.0.0"
    address = pod.address if pod.workload.host_network else everywhere
    return {
        "listen": [_listen(address, port) for port in pod.workload.ports],
        "on_request": [_dicts(requests(scenario, c)) for c in _calls(scenario, pod.workload.key, "request")],
        "certificate": certificate,
    }


def outside_orders(host: Outside, certificate: str) -> Orders:
    """Give an outside host's orders."""
    listen = [_listen(address, port) for address in host.addresses for port in host.ports if port.speaks != "dns"]
    return {"listen": listen, "on_request": [], "certificate": certificate}


def requests(scenario: Scenario, call: Call) -> tuple[Request, ...]:
    """Give a call's requests, one for each address that takes a turn."""
    port = call.target.port or 0
    kind, _, name = call.client.partition("/")
    source = scenario.host(name).addresses[0] if kind == "outside" else ""
    what = port, call.family, source, call.path, call.upload
    return tuple(Request(call.speaks, host, *what) for host in hosts(scenario, call))


def hosts(scenario: Scenario, call: Call) -> tuple[str, ...]:
    """Give the names or addresses that a client uses for a call's target."""
    match call.target:
        case ToService(service=key):
            return (_service_host(scenario, call.client, key),)
        case ToPods(workload=key, node=short):
            return tuple(p.address if call.family == 4 else p.address6 for p in pods_of(scenario, key, short))
        case ToNodes(short=short):
            return tuple(node.address for node in scenario.nodes if short in ("", node.short))
        case ToOutside(host=name):
            host = scenario.host(name)
            return (host.hostname or host.addresses[0],)
        case ToAddress(address=address):
            return (address,)


def _service_host(scenario: Scenario, client: str, key: str) -> str:
    service = scenario.service(key)
    if scenario.workload(client).host_network:
        return service.address
    same = client.split("/")[0] == service.namespace
    return service.name if same else f"{service.name}.{service.namespace}.svc"


def _calls(scenario: Scenario, client: str, when: When) -> list[Call]:
    return [call for call in scenario.calls if call.client == client and call.when == when]


def _listen(address: str, port: Port) -> Orders:
    return {"address": address, "port": port.number, "speaks": port.speaks}


def _dicts(wanted: tuple[Request, ...]) -> list[Orders]:
    return [asdict(request) for request in wanted]
