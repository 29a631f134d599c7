"""The scenario once more, each call once: what every client has to say, and which arrivals show that it was heard."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from data.lab.derived import all_calls, probes
from data.lab.duties import requests
from data.lab.model import Call, Scenario
from data.lab.placement import Pod, pods_of
from data.lab.probes import Probers
from data.lab.programs.wire import Request
from data.lab.truth import End, clients, protocol, servers
from data.lab.witness import Arrival


@dataclass(frozen=True)
class Said:
    """One request of one client of a call; `complaint` is what went wrong with it, nothing where it was answered."""

    call: Call
    client: str
    request: Request
    complaint: str

    @property
    def as_the_truth_says(self) -> bool:
        """Whether the client got what the scenario says that it gets."""
        return (self.complaint == "") == (self.call.state == "answered")


def replay(probers: Probers) -> list[Said]:
    """Let every client make each of its calls once, all clients at once."""
    scenario = probers.network.scenario
    wanted: dict[str, list[tuple[Call, Request]]] = defaultdict(list)
    # Look-ups are no requests of their own: who calls by name asks the DNS.
    for call in (*scenario.calls, *probes(scenario)):
        for client in callers(scenario, call):
            wanted[client] += [(call, request) for request in requests(scenario, call)]
    complaints = probers.say({client: [request for _, request in own] for client, own in wanted.items()})
    return [
        Said(call, client, request, complaint)
        for client, own in wanted.items()
        for (call, request), complaint in zip(own, complaints[client], strict=True)
    ]


def callers(scenario: Scenario, call: Call) -> Iterator[str]:
    """Name the places where a call's clients are; a host-network pod is its node."""
    kind, _, name = call.client.partition("/")
    if kind in ("node", "outside"):
        yield name
    else:
        yield from (_place(pod) for pod in pods_of(scenario, call.client))


def _place(pod: Pod) -> str:
    return pod.node.short if pod.workload.host_network else pod.name


def unheard(scenario: Scenario, arrived: Iterable[Arrival]) -> list[tuple[Call, End]]:
    """List the clients of answered calls that reached none of the call's servers."""
    seen = set(arrived)
    return [
        (call, client)
        for call in all_calls(scenario)
        if call.state == "answered" and call.speaks != "ping"
        for client in clients(scenario, call)
        if not any((client.address, s.address, protocol(call), s.port) in seen for s in servers(scenario, call))
    ]
