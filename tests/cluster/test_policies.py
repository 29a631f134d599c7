"""The seed's own case: policies of the recorded cluster allow what the truth needs, and less than those written by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

import flowkit as fk

BY_HAND = Path(__file__).parents[2] / "data" / "policies" / "netobserv-operator.yaml"
PROFILE = "ovn"
API = {"matchLabels": {"app": "api"}}
TCP, SYN = 6, 2


@pytest.fixture(scope="module")
def inventory(cluster):
    return fk.Inventory.load(cluster / "cluster.json")


@pytest.fixture(scope="module")
def policies(matrix, inventory, cluster):
    return fk.synthesise(
        matrix.where(namespace="netobserv"), inventory, PROFILE, subnets=cluster / "flowcollector.yaml"
    )


def test_every_observed_connection_is_allowed_and_nothing_can_be_taken_away(policies, flows, inventory):
    verification = fk.verify(policies, flows, inventory, PROFILE)
    assert verification.is_complete
    assert verification.connections > 4_000
    assert verification.removable.empty


def test_the_operators_own_policy_allows_all_of_it_and_hundreds_of_connections_more(policies, flows, inventory):
    by_hand = fk.PolicySet.load(BY_HAND)
    assert fk.verify(by_hand, flows, inventory, PROFILE).is_complete
    difference = fk.policy_diff(by_hand, policies, inventory, PROFILE, flows=flows)
    assert set(difference["change"]) == {"removed"}  # ours adds nothing
    assert len(difference) > 300


def test_of_the_rows_of_the_matrix_only_what_no_server_wanted_is_denied(matrix, inventory, cluster):
    options = fk.Options(namespaces=("shop",), default_deny="always")
    policies = fk.synthesise(matrix, inventory, subnets=cluster / "flowcollector.yaml", options=options)
    edges = matrix.edges.join(fk.judge_edges(policies, matrix, inventory))
    denied = edges[edges["verdict"] == "denied"]
    assert set(denied["from_workload"]) == {"debug-shell", "cart-canary"}
    assert "answered" not in set(denied["state"])
    # Everything else of the namespace is admitted by a rule that the edge names, or by what needs none.
    rest = edges[(edges["from_namespace"] == "shop") & (edges["verdict"] != "denied")]
    assert (rest["rule"] != "").all()


def test_an_edge_has_the_worst_verdict_of_its_flows(matrix, flows, inventory):
    closed = fk.PolicySet.load(
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": {"namespace": "data", "name": "closed"},
            "spec": {"podSelector": {}, "ingress": [{"from": [{"namespaceSelector": {}, "podSelector": API}]}]},
        }
    )
    edges = matrix.edges.join(fk.judge_edges(closed, matrix, inventory)[["verdict"]])
    to_data = edges[(edges["to_namespace"] == "data") & (edges["proto"] == TCP)]
    judged = fk.judge(closed, fk.dedupe(flows), inventory)
    opening = judged[(judged["DstK8S_Namespace"] == "data") & (judged["Flags"].fillna(0).astype("int64") & SYN > 0)]
    names = opening[["SrcK8S_OwnerName", "DstK8S_OwnerName", "DstPort"]].astype("str").agg("/".join, axis=1)
    worst = opening.groupby(names)["verdict"].agg(lambda verdicts: "denied" if "denied" in set(verdicts) else "allowed")
    ends = to_data[["from_workload", "to_workload", "port"]].astype("str").agg("/".join, axis=1)
    found = dict(zip(ends, to_data["verdict"], strict=True))
    assert {"allowed", "denied"} == set(worst)
    assert {name: found[name] for name in worst.index} == worst.to_dict()


def test_without_its_dns_rule_the_namespace_loses_its_names(matrix, inventory, policies):
    changed = fk.what_if(matrix, policies, policies.without("netobserv/allow-dns"), inventory, PROFILE)
    assert set(changed["to_workload"]) == {"dns-default"}
    assert set(zip(changed["before"], changed["after"], strict=True)) == {("allowed", "denied")}
