"""The definition holds together: nothing here needs the network, or root."""

from __future__ import annotations

import doctest
from collections import Counter

import pytest

from data.lab import addresses
from data.lab.derived import all_calls, look_ups, probes
from data.lab.model import UDP_SPEECH, Call, ToNodes, ToOutside, ToPods, ToService
from data.lab.placement import backends, pods, pods_of
from data.lab.scenario import SCENARIO

CALLS = all_calls(SCENARIO)
SILENT = {"connect", "ping"}


def test_has_the_promised_size() -> None:
    assert 25 <= len(SCENARIO.workloads) <= 35
    assert sum(len(w.nodes) > 1 for w in SCENARIO.workloads) >= 8
    assert {w.kind for w in SCENARIO.workloads} >= {"Deployment", "DaemonSet", "StatefulSet", "Job", "Pod"}
    assert len({w.key for w in SCENARIO.workloads}) == len(SCENARIO.workloads)


def test_addresses_are_unique() -> None:
    own = [a for p in pods(SCENARIO) if not p.workload.host_network for a in p.addresses]
    services = [a for s in SCENARIO.services for a in (s.address, s.address6) if a]
    outside = [a for host in SCENARIO.outside for a in host.addresses]
    taken = Counter(own + services + outside + [node.address for node in SCENARIO.nodes])
    assert not [address for address, count in taken.items() if count > 1]


def test_pod_names_are_unique() -> None:
    names = [(p.workload.namespace, p.name) for p in pods(SCENARIO)]
    assert len(set(names)) == len(names)


def _listening(call: Call) -> list[bool]:
    """Tell of each server of a call whether it listens on the port."""
    protocol = "UDP" if call.speaks in UDP_SPEECH else "TCP"
    match call.target:
        case ToService(service=key, port=number):
            service = SCENARIO.service(key)
            port = next(p for p in service.ports if (p.number, p.protocol) == (number, protocol))
            if service.nodes_serve:
                return [_node_listens(node.short, int(port.target)) for node in SCENARIO.nodes]
            found = backends(SCENARIO, service, port, call.family)
            assert found, f"nobody behind {key}"
            return [
                any((p.number, p.protocol) == (b.port, protocol) for p in b.pod.workload.ports) for b in found if b.pod
            ]
        case ToPods(workload=key, port=number):
            ports = SCENARIO.workload(key).ports
            return [any((p.number, p.protocol) == (number, protocol) for p in ports)]
        case ToNodes(port=number, short=short):
            return [_node_listens(n.short, number) for n in SCENARIO.nodes if short in ("", n.short)]
        case ToOutside(host=host, port=number):
            return [any((p.number, p.protocol) == (number, protocol) for p in SCENARIO.host(host).ports)]
    return [False]


def _node_listens(short: str, number: int | None) -> bool:
    hosted = [p for p in pods(SCENARIO) if p.workload.host_network and p.node.short == short]
    return any(port.number == number for pod in hosted for port in pod.workload.ports)


@pytest.mark.parametrize("call", [c for c in CALLS if c.speaks != "ping"], ids=str)
def test_a_call_is_answered_where_somebody_listens(call: Call) -> None:
    assert set(_listening(call)) == {call.state == "answered"}


def test_a_call_over_ipv6_has_ipv6_at_both_ends() -> None:
    for call in (c for c in CALLS if c.family == 6):
        assert SCENARIO.workload(call.client).dual_stack
        if isinstance(call.target, ToPods):
            assert SCENARIO.workload(call.target.workload).dual_stack


def test_the_scan_stays_off_open_ports() -> None:
    scan = [c for c in SCENARIO.calls if c.client == "shop/debug-shell"]
    assert {c.state for c in scan} == {"refused", "unanswered"}
    dropped = [c for c in scan if isinstance(c.target, ToPods) and c.state == "unanswered"]
    assert all(c.target.port in SCENARIO.workload(c.target.workload).drops for c in dropped)


def test_the_old_connection_is_its_clients_only_one_to_that_server() -> None:
    (old,) = [c for c in CALLS if c.when == "before"]
    assert [c for c in CALLS if c.client == old.client] == [old]


def test_callers_of_a_service_of_nodes_stand_on_every_node() -> None:
    for call in CALLS:
        if isinstance(call.target, ToService) and SCENARIO.service(call.target.service).nodes_serve:
            assert {p.node.short for p in pods_of(SCENARIO, call.client)} == {n.short for n in SCENARIO.nodes}


def test_each_node_probes_its_own_pods_and_no_other() -> None:
    assert all(isinstance(c.target, ToPods) and c.client == f"node/{c.target.node}" for c in probes(SCENARIO))


def test_who_calls_by_name_asks_the_dns() -> None:
    asking = {c.client for c in look_ups(SCENARIO)}
    assert {"shop/api", "openshift-dns/dns-default"} <= asking
    assert "data/reporting" not in asking


def test_one_label_is_shared_and_one_port_name_means_two_numbers() -> None:
    cart = [w for w in SCENARIO.workloads if w.labels.get("app") == "cart"]
    assert len(cart) == 2
    assert len({p.number for w in cart for p in w.ports if p.name == "http"}) == 2


def test_the_address_plan_says_what_its_examples_say() -> None:
    assert doctest.testmod(addresses).failed == 0
