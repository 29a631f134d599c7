"""The calls that nobody writes down because they follow from the scenario: health probes and name look-ups."""

from __future__ import annotations

from collections.abc import Iterator

from data.lab.model import Call, Scenario, Speaks, ToOutside, ToPods, ToService
from data.lab.placement import pods

DNS = ToService("openshift-dns/dns-default", 53)
RESOLVER = ToOutside("resolver", 53)
PROBE_EVERY = 4.0


def all_calls(scenario: Scenario) -> tuple[Call, ...]:
    """List every call of the scenario: the written ones, the probes and the look-ups."""
    return (*scenario.calls, *probes(scenario), *look_ups(scenario))


def probes(scenario: Scenario) -> Iterator[Call]:
    """List the kubelets' probes: each node asks its own pods. Those of host-network pods never leave `lo`."""
    seen = {(p.node.short, p.workload.key): p.workload for p in pods(scenario)}
    for (node, key), workload in seen.items():
        if workload.probe and not workload.host_network:
            target = ToPods(key, workload.probe, node)
            speaks: Speaks = "http" if workload.probe_path else "connect"
            yield Call(f"node/{node}", target, speaks, PROBE_EVERY, path=workload.probe_path)


def look_ups(scenario: Scenario) -> Iterator[Call]:
    """List who asks the cluster's DNS, and the DNS server's own questions to the resolver outside.

    The server passes a question on over the transport that it came by.
    """
    forwarded: set[Speaks] = set()
    for workload in scenario.workloads:
        by_name = [c for c in scenario.calls if c.client == workload.key and uses_name(scenario, c)]
        speaks: Speaks = "dns" if workload.resolves_over == "udp" else "dns-tcp"
        if by_name:
            yield Call(workload.key, DNS, speaks)
        if any(isinstance(call.target, ToOutside) for call in by_name):
            forwarded.add(speaks)
    for speaks in sorted(forwarded):
        yield Call("openshift-dns/dns-default", RESOLVER, speaks)


def uses_name(scenario: Scenario, call: Call) -> bool:
    """Tell whether a call looks up a name while the recording runs. Host-network clients use addresses."""
    kind = call.client.split("/")[0]
    if kind in ("node", "outside") or call.when == "before" or scenario.workload(call.client).host_network:
        return False
    match call.target:
        case ToService():
            return True
        case ToOutside(host=host):
            return bool(scenario.host(host).hostname)
        case _:
            return False
