"""Verification, diff, drift, hold-out and the figures of coverage."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import flowkit as fk
from flowkit.policy.model import Port
from flowkit.policy.verify.coverage import Gate, chao1, coverage, good_turing, passes


def without(policies, namespace, name):
    return replace(policies, policies=tuple(p for p in policies.policies if (p.namespace, p.name) != (namespace, name)))


def test_the_recorded_cluster_is_complete_tight_and_minimal(recorded, strict):
    found = fk.verify(strict, recorded.flows, recorded.inventory)
    assert found.is_complete
    assert found.removable.empty
    assert set(found.tightness["cause"]) == {"infrastructure", "not isolated"} or "subnet label" in set(
        found.tightness["cause"]
    )
    assert found.line.startswith("every observed connection allowed (4,167 on 190 calls)")
    assert found.line.endswith("nothing removable")


def test_a_missing_policy_shows_as_broken_connections(recorded, strict):
    found = fk.verify(without(strict, "data", "redis"), recorded.flows, recorded.inventory)
    assert found.broken[["client", "server", "port", "connections", "direction", "policy"]].values.tolist() == [
        ["shop/api", "data/redis", 6379, 91, "Ingress", "data/default-deny"],
        ["shop/cart-canary", "data/redis", 6379, 53, "Ingress", "data/default-deny"],
        ["shop/cart", "data/redis", 6379, 38, "Ingress", "data/default-deny"],
        ["shop/worker", "data/redis", 6379, 20, "Ingress", "data/default-deny"],
    ]
    assert "202 of 4,167 observed connections denied (4 edges)" in found.line


def test_a_port_too_many_is_removable(recorded, strict):
    def wider(policy):
        if (policy.namespace, policy.name) != ("data", "redis"):
            return policy
        rule = policy.ingress[0]
        return replace(policy, ingress=(replace(rule, ports=(*rule.ports, Port(6, 22))),))

    wide = replace(strict, policies=tuple(map(wider, strict.policies)))
    found = fk.verify(wide, recorded.flows, recorded.inventory)
    assert found.removable[["policy", "part", "what"]].values.tolist() == [["data/redis", "port", "22/6"]]


def test_policies_that_are_there_already_are_asked_too(recorded):
    deny = {
        "kind": "NetworkPolicy",
        "apiVersion": "networking.k8s.io/v1",
        "metadata": {"name": "locked", "namespace": "data"},
        "spec": {"podSelector": {}},
    }
    there = replace(recorded.inventory, bodies={**recorded.inventory.bodies, "NetworkPolicy": (deny,)})
    made = fk.synthesise(
        recorded.matrix,
        there,
        subnets=recorded.subnets,
        options=fk.Options(namespaces=("shop",), default_deny="always"),
    )
    found = fk.verify(made, recorded.flows, there)
    assert found.is_complete
    assert set(found.both_ends["server"]) == {"data/redis", "data/postgres"}
    assert set(found.both_ends["policy"]) == {"data/locked"}


def test_the_diff_is_of_cells(recorded, strict):
    less = without(strict, "data", "redis")
    changes = fk.policy_diff(strict, less, recorded.inventory)
    assert changes[["change", "client", "server", "port"]].values.tolist() == [
        ["removed", client, "data/redis", 6379]
        for client in ("shop/api", "shop/cart", "shop/cart-canary", "shop/worker")
    ]
    assert fk.policy_diff(strict, strict, recorded.inventory, flows=recorded.flows).empty
    assert set(fk.policy_diff(less, strict, recorded.inventory)["change"]) == {"added"}


def test_drift_lists_what_is_new_and_what_rests(recorded, strict):
    later = recorded.flows[
        recorded.flows["SrcK8S_Namespace"].isin(["shop"]) | recorded.flows["DstK8S_Namespace"].isin(["shop"])
    ]
    found = fk.drift(without(strict, "data", "redis"), later.reset_index(drop=True), recorded.inventory)
    assert set(found.denied["server"]) == {"data/redis"}
    assert "netobserv/netobserv-plugin" in set(found.unused["policy"])


def test_hold_out_finds_what_came_late(recorded):
    found = fk.hold_out(recorded.flows, recorded.inventory, share=0.1, subnets=recorded.subnets)
    assert 0 < found.denied_connections < found.connections
    assert "monitoring/syslog" in set(found.denied["server"])


def test_good_turing_and_chao_as_published():
    """400 Zipf edges, 200 trials: the figures that the estimators must reproduce."""
    rng = np.random.default_rng(5)
    weights = 1 / np.arange(1, 401) ** 1.1
    weights /= weights.sum()
    told = {}
    for size in (1_000, 3_000):
        draws = rng.multinomial(size, weights, size=200)
        truth = np.mean([weights[each == 0].sum() for each in draws])
        told[size] = (np.mean([good_turing(each) for each in draws]), truth, np.mean([chao1(each) for each in draws]))
    assert told[1_000][:2] == pytest.approx((0.105, 0.104), abs=0.003)
    assert told[3_000][:2] == pytest.approx((0.0314, 0.0315), abs=0.001)
    assert (told[1_000][2], told[3_000][2]) == pytest.approx((344, 390), abs=4)


def edges(rows):
    names = [
        "from_namespace",
        "from_kind",
        "from_workload",
        "to_namespace",
        "to_kind",
        "to_workload",
        "port",
        "proto",
        "connections",
        "first",
    ]
    table = pd.DataFrame(rows, columns=names)
    first = pd.to_datetime(table["first"], unit="s", utc=True)
    return table.assign(state="answered", first=first, last=first + pd.Timedelta("1s"))


def test_states_of_workloads_and_the_gate():
    web, api, idle = (("shop", "Deployment", name) for name in ("web", "api", "idle"))
    seen = edges([(*web, *api, 80, 6, 50, 0), (*web, *api, 81, 6, 1, 1), (*api, *web, 90, 6, 9, 100)])
    known = coverage(seen, {web: [(6, 90)], api: [(6, 80)], idle: []})
    states = {(row.workload, row.direction): row.state for row in known.itertuples()}
    assert states == {
        ("web", "Ingress"): "learning",
        ("web", "Egress"): "stable",
        ("api", "Ingress"): "stable",
        ("api", "Egress"): "learning",
        ("idle", "Ingress"): "unknown",
        ("idle", "Egress"): "unknown",
    }
    assert passes(known, "shop", "Ingress", Gate()) == "1 of 3 workloads are unknown: idle"
    assert passes(known, "shop", "Ingress", Gate(refused=())) == ""
    assert "1.7%" in passes(known, "shop", "Ingress", Gate(unseen=0.01, refused=()))
