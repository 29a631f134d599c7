"""The judge on the conformance cases of `cases` and `tier_cases`, and the reference on the same."""

from __future__ import annotations

import warnings

import pandas as pd
import pytest
import yaml

import flowkit as fk
from flowkit.policy.profiles import GENERIC, PROFILES
from flowkit.policy.world import World
from tests.policy import reference
from tests.policy.cases import CASES
from tests.policy.tier_cases import PROFILE_CASES, TIER_CASES

PROTOCOLS = {"tcp": 6, "udp": 17, "sctp": 132, "icmp": 1}
HTTP = {"name": "http", "containerPort": 80}
PODS = {
    "x/a": ("n1", 1, {}, [HTTP, {"name": "dns", "containerPort": 53, "protocol": "UDP"}]),
    "x/b": ("n2", 2, {"tier": ""}, [{**HTTP, "containerPort": 8080}]),
    "x/c": ("n2", 3, {}, []),
    "y/a": ("n2", 4, {}, []),
    "y/b": ("n2", 5, {}, []),
    "z/a": ("n2", 6, {}, []),
    "w/a": ("n2", 7, {}, []),
}
ADDRESSES = {
    "x/a": "10.0.0.1", "x/b": "10.0.0.2", "x/c": "10.0.0.3", "y/a": "10.0.1.1", "y/b": "10.0.1.2", "z/a": "10.0.2.1",
    "w/a": "10.0.3.1", "n1": "10.9.0.1", "n2": "10.9.0.2", "out": "203.0.113.9", "far": "198.51.100.7", "out6": "2001:db8::9",
}  # fmt: skip
ADDRESSES |= {f"{pod}6": f"fd00::{number}" for pod, (_, number, _, _) in PODS.items()}


def pod(name: str, node: str, labels: dict[str, str], ports: list[dict[str, object]], addresses: list[str]) -> dict:
    space, _, short = name.partition("/")
    return {
        "kind": "Pod",
        "metadata": {"namespace": space, "name": short, "labels": {"pod": short, **labels}},
        "spec": {
            "nodeName": node,
            "containers": [{"ports": ports}],
            "hostNetwork": not labels.keys().isdisjoint({"host"}),
        },
        "status": {"podIPs": [{"ip": each} for each in addresses], "hostIP": ADDRESSES[node]},
    }


@pytest.fixture(scope="module")
def world() -> World:
    items = [
        pod(name, node, labels, ports, [ADDRESSES[name], f"fd00::{number}"])
        for name, (node, number, labels, ports) in PODS.items()
    ]
    items.append(pod("x/h", "n1", {"host": "yes"}, [], [ADDRESSES["n1"]]))
    items += [{"kind": "Namespace", "metadata": {"name": each, "labels": {"ns": each}}} for each in "xyz"]
    items += [
        {
            "kind": "Node",
            "metadata": {"name": each, "labels": {"node": each}},
            "status": {"addresses": [{"type": "InternalIP", "address": ADDRESSES[each]}]},
        }
        for each in ("n1", "n2")
    ]
    with warnings.catch_warnings(action="ignore"):
        return World.of({"kind": "List", "items": items})


def policies(specs: list[str]) -> fk.PolicySet:
    items = [
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": {"namespace": "x", "name": f"p{at}"},
            "spec": yaml.safe_load(spec),
        }
        for at, spec in enumerate(specs)
    ]
    return fk.PolicySet.load({"kind": "List", "items": items})


def connection(text: str) -> tuple[str, str, int, int]:
    source, destination, service = text.split()
    port, _, proto = service.partition("/")
    return ADDRESSES[source], ADDRESSES[destination], int(port), PROTOCOLS[proto or "tcp"]


def judged(chosen: fk.PolicySet, world: World, flow: tuple[str, str, int, int], profile: str = "generic") -> str:
    flows = pd.DataFrame([flow], columns=["SrcAddr", "DstAddr", "DstPort", "Proto"]).assign(SrcPort=51000)
    return str(fk.judge(chosen, flows, world, profile)["verdict"].iloc[0])


@pytest.mark.parametrize(("rule", "specs", "flow", "expected"), CASES, ids=[case[0] for case in CASES])
def test_networkpolicy(world, rule, specs, flow, expected):
    chosen, asked = policies(specs), connection(flow)
    assert (judged(chosen, world, asked), reference.verdict(chosen, world, asked, GENERIC)) == (expected, expected), (
        rule
    )


@pytest.mark.parametrize(("rule", "bodies", "flow", "expected"), TIER_CASES, ids=[case[0] for case in TIER_CASES])
def test_tiers(world, rule, bodies, flow, expected):
    documents = [yaml.safe_load(body) for body in bodies]
    chosen, asked = fk.PolicySet.load({"kind": "List", "items": documents}), connection(flow)
    assert (judged(chosen, world, asked), reference.verdict(chosen, world, asked, GENERIC)) == (expected, expected), (
        rule
    )


@pytest.mark.parametrize(("rule", "spec", "flow", "expected"), PROFILE_CASES, ids=[case[0] for case in PROFILE_CASES])
def test_profiles(world, rule, spec, flow, expected):
    found = {name: judged(policies([spec]), world, connection(flow), name) for name in PROFILES}
    assert found == dict(zip(PROFILES, expected.split(), strict=True)), rule


def test_there_are_enough_cases_and_every_verdict_is_among_them():
    assert len(CASES) + len(TIER_CASES) + len(PROFILE_CASES) >= 80
    assert {case[3] for case in CASES} == {case[3] for case in TIER_CASES} == {"allowed", "denied", "undecided"}
