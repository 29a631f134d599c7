"""Policies in a kernel: what the API says happens to real connections, and the judge says the same of every single one.

The cluster stands once for all sets. Every pod, node and outside host tries every other on each port that it listens on and on
two that nobody has. What arrived is what nftables saw arrive.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from data.lab.attempts import everybody_to_everybody
from data.lab.network import left_overs
from data.lab.placement import pods
from data.lab.proof import Standing, contradictions, disagreements, judged, standing, tried
from data.lab.scenario import SCENARIO
from flowkit.policy.policyset import PolicySet

POLICIES = Path(__file__).parent / "policies"
pytestmark = [
    pytest.mark.privileged,
    pytest.mark.slow,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root"),
    pytest.mark.skipif(shutil.which("nft") is None, reason="nftables is not installed"),
]

OWNERS = {a: pod.workload.name for pod in pods(SCENARIO) if not pod.workload.host_network for a in pod.addresses}
OWNERS |= {node.address: node.short for node in SCENARIO.nodes}
OWNERS |= {a: host.name for host in SCENARIO.outside for a in host.addresses}


@pytest.fixture(scope="module")
def lab() -> Iterator[Standing]:
    with standing(SCENARIO) as cluster:
        yield cluster
    assert left_overs() == []


def shown(table: pd.DataFrame) -> str:
    return table.head(20).to_string()


def owned(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(
        client=table["source"].map(OWNERS), server=table["server"].map(OWNERS), six=table["source"].str.contains(":")
    )


def proven(lab: Standing, policies: PolicySet) -> pd.DataFrame:
    """Every attempt under a policy set, once client, witness and judge agree on each."""
    table = judged(tried(lab, policies, everybody_to_everybody(SCENARIO)), policies, SCENARIO)
    assert contradictions(table).empty, shown(contradictions(table))
    assert disagreements(table).empty, shown(disagreements(table))
    assert set(table["verdict"]) == {"allowed", "denied"}  # nothing undecided
    return owned(table)


# What the API says, by hand: client, server, protocol, port, and whether it gets through.
CASES = {
    "blocks": [
        ("customer", "frontend", 6, 8080, True),
        ("object-store", "frontend", 6, 8080, False),  # in the hole
        ("partner-office", "frontend", 6, 8080, False),
        ("checkout", "api", 6, 8000, True),  # in the hole, and given back
        ("postgres", "api", 6, 8000, False),
        ("redis", "api", 6, 8000, True),  # a block matches pods too
        ("api", "payments", 6, 443, True),
        ("api", "mail", 6, 587, False),
        ("api", "redis", 6, 6379, False),
        ("api", "clock", 17, 123, True),
        ("n1", "search", 6, 9300, True),  # the other node
        ("n2", "search", 6, 9300, True),  # its own node
        ("search", "n1", 6, 6443, True),
        ("search", "n2", 6, 6443, False),
        ("search", "n1", 6, 9100, False),
        ("n1", "postgres", 6, 5432, False),
        ("worker", "postgres", 6, 5432, True),
        ("customer", "postgres", 6, 5432, False),
    ],
    "ports": [
        ("shopper", "cart", 6, 8080, True),  # http is 8080 here
        ("shopper", "cart-canary", 6, 8081, True),  # and 8081 here
        ("shopper", "cart", 6, 9999, False),
        ("api", "catalog", 6, 9090, True),
        ("shopper", "catalog", 6, 9090, False),
        ("shopper", "catalog", 6, 9999, True),  # the end of a range is in it
        ("shopper", "catalog", 17, 9999, False),
        ("api", "catalog", 17, 9999, True),
        ("worker", "frontend", 6, 8080, True),
        ("worker", "dns-default", 17, 5353, True),
        ("worker", "dns-default", 6, 5353, False),  # dns-tcp is no UDP port
        ("worker", "object-store", 6, 443, False),  # outside has no names
        ("worker", "prometheus-k8s", 6, 9090, False),  # may leave, may not enter
        ("shopper", "syslog", 17, 1514, True),
        ("shopper", "statsd", 6, 9102, False),
        ("blackbox", "statsd", 6, 9102, True),
        ("checkout", "postgres", 6, 5432, True),
        ("checkout", "redis", 6, 6379, False),
        ("checkout", "cart", 6, 8080, True),
        ("checkout", "api", 17, 9999, False),
    ],
    "selectors": [
        ("frontend", "redis", 6, 6379, False),
        ("api", "redis", 6, 6379, True),
        ("worker", "redis", 6, 6379, True),  # has no tier
        ("blackbox", "redis", 6, 6379, False),
        ("migrate", "postgres", 6, 5432, True),
        ("catalog", "postgres", 6, 5432, False),  # right labels, another namespace
        ("netobserv-plugin", "postgres", 6, 5432, True),
        ("debug-shell", "postgres", 6, 5432, True),
        ("cart", "search", 6, 9300, False),
        ("redis", "search", 6, 9300, True),
        ("cart", "cart-canary", 6, 8081, True),
        ("api", "cart-canary", 6, 8081, False),
        ("api", "cart", 6, 8080, True),
        ("cart-canary", "redis", 6, 6379, False),  # namespaces have no label "name"
        ("cart-canary", "dns-default", 17, 5353, True),
        ("customer", "n1", 6, 443, True),
    ],
    "defaults": [
        ("shopper", "frontend", 6, 8080, False),
        ("frontend", "redis", 6, 6379, True),
        ("frontend", "api", 6, 8000, True),
        ("frontend", "api", 6, 9999, False),
        ("blackbox", "api", 6, 9999, True),
        ("blackbox", "api", 6, 8000, False),  # one rule's peer on another's port
        ("api", "redis", 6, 6379, False),
        ("worker", "catalog", 6, 9090, True),  # the ingress rules are not in policyTypes
        ("catalog", "postgres", 6, 5432, False),
        ("customer", "redis", 6, 6379, True),
        ("postgres", "redis", 6, 6379, False),  # may enter, may not leave
        ("customer", "statsd", 17, 8125, True),
        ("customer", "statsd", 6, 9102, False),
        ("thanos-querier", "prometheus-k8s", 6, 9090, False),
    ],
    "tiers": [
        ("debug-shell", "checkout", 6, 8000, False),
        ("prometheus-k8s", "api", 6, 8000, False),  # passed on to the NetworkPolicy
        ("prometheus-k8s", "netobserv-plugin", 6, 9002, True),
        ("prometheus-k8s", "redis", 6, 6379, False),
        ("worker", "dns-default", 17, 5353, True),
        ("worker", "dns-default", 6, 5353, True),
        ("worker", "redis", 6, 6379, False),
        ("cart", "postgres", 6, 5432, True),
        ("cart", "redis", 6, 6379, False),
        ("cart", "checkout", 6, 8000, True),
        ("cart", "api", 6, 8000, False),
        ("customer", "checkout", 6, 8000, True),  # the baseline speaks of pods
    ],
}


@pytest.mark.parametrize("case", CASES)
def test_the_kernel_does_what_the_api_says_and_so_does_the_judge(lab: Standing, case: str) -> None:
    table = proven(lab, PolicySet.load(POLICIES / f"{case}.yaml"))
    for client, server, proto, port, through in CASES[case]:
        rows = table[
            (table["client"] == client)
            & (table["server"] == server)
            & (table["proto"] == proto)
            & (table["port"] == port)
            & ~table["six"]
        ]
        assert set(rows["arrived"]) == {through}, (client, server, proto, port)
