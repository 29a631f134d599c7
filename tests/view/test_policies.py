"""Policies reach the views as plain values: a verdict an edge, and each rule with the edges it stands on."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

import flowkit as fk
from flowkit.errors import SpecError
from flowkit.view.payload import Additions, edge_numbers, payload
from flowkit.view.widget import Selection

HOSTILE = "</script><img src=x onerror=alert(1)>"


def pod(name: str, address: str) -> dict:
    meta = {"name": name, "namespace": "shop", "labels": {"app": name}}
    return {"kind": "Pod", "metadata": meta, "status": {"podIPs": [{"ip": address}], "hostIP": "10.0.0.1"}}


@pytest.fixture
def cluster() -> dict:
    named = [
        {"kind": kind, "metadata": {"name": name, "namespace": "shop"}}
        for kind, name in (("Namespace", "shop"), ("Service", "s"))
    ]
    node = {
        "kind": "Node",
        "metadata": {"name": "n"},
        "status": {"addresses": [{"type": "InternalIP", "address": "10.0.0.1"}]},
    }
    return {
        "kind": "List",
        "items": [pod("web", "10.1.0.1"), pod("db", "10.1.0.2"), pod("cat", "10.1.0.3"), *named, node],
    }


@pytest.fixture
def matrix(cluster: dict) -> fk.FlowMatrix:
    import pandas as pd

    talks = [("10.1.0.1", "10.1.0.2", 5432), ("10.1.0.3", "10.1.0.2", 5432), ("10.1.0.2", "10.1.0.1", 80)]
    rows = []
    for number, (client, server, port) in enumerate(talks):
        ends = {"SrcAddr": client, "DstAddr": server, "SrcPort": 40_000 + number, "DstPort": port, "Flags": 2}
        back = {"SrcAddr": server, "DstAddr": client, "SrcPort": port, "DstPort": 40_000 + number, "Flags": 272}
        rows += [{**way, "Proto": 6, "Bytes": 60, "Packets": 1, "TimeFlowStartMs": 10**12} for way in (ends, back)]
    return fk.matrix(fk.enrich(pd.DataFrame(rows).assign(TimeFlowEndMs=10**12 + 5), cluster=cluster))


def hand_written(name: str = "db") -> dict:
    peers = [{"podSelector": {"matchLabels": {"app": "web"}}}]
    spec = {"podSelector": {"matchLabels": {"app": "db"}}, "ingress": [{"from": peers, "ports": [{"port": 5432}]}]}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": name, "namespace": "shop", "annotations": {"note": HOSTILE}},
        "spec": spec,
    }


def edge(matrix: fk.FlowMatrix, client: str, server: str) -> int:
    edges = matrix.edges
    return int(edges.index[(edges["from_workload"] == client) & (edges["to_workload"] == server)][0])


def test_every_edge_has_its_verdict_and_every_rule_its_edges(matrix, cluster):
    judged = fk.judged(matrix, fk.PolicySet.load(hand_written()), cluster)
    verdicts = judged.verdicts["verdict"]
    assert verdicts[edge(matrix, "web", "db")] == "allowed"
    assert verdicts[edge(matrix, "cat", "db")] == "denied"
    (policy,) = judged.policies
    assert (policy.namespace, policy.name) == ("shop", "db")
    assert [(rule.text, rule.edges) for rule in policy.rules] == [("Ingress rule 0", (edge(matrix, "web", "db"),))]
    assert "app: web" in policy.yaml


def test_a_synthesised_rule_says_whom_and_shows_the_edges_it_was_made_from(matrix, cluster):
    policies = fk.synthesise(matrix, cluster, options=fk.Options(default_deny="always"))
    judged = fk.judged(matrix, policies, cluster)
    assert set(judged.verdicts["verdict"]) == {"allowed"}
    rules = {rule.text: rule.edges for policy in judged.policies if policy.name == "db" for rule in policy.rules}
    assert rules["Ingress from shop/cat, shop/web on 5432/TCP"] == tuple(
        sorted((edge(matrix, "cat", "db"), edge(matrix, "web", "db")))
    )
    assert rules["Egress to shop/web on 80/TCP"] == (edge(matrix, "db", "web"),)


def test_the_report_carries_them_and_what_strangers_wrote_stays_text(matrix, cluster, tmp_path):
    judged = fk.judged(matrix, fk.PolicySet.load(hand_written()), cluster)
    document = payload(matrix, None, Additions(judged=judged))
    assert document["policies"][0]["rules"][0]["edges"]
    assert HOSTILE in document["policies"][0]["yaml"]
    assert HOSTILE not in fk.report(matrix, tmp_path / "r.html", policies=judged).read_text()


def test_cluster_wide_policies_are_shown_by_name(matrix, cluster):
    baseline = {
        "apiVersion": "policy.networking.k8s.io/v1alpha1",
        "kind": "BaselineAdminNetworkPolicy",
        "metadata": {"name": "default"},
        "spec": {"subject": {"namespaces": {}}, "ingress": [{"action": "Deny", "from": [{"namespaces": {}}]}]},
    }
    judged = fk.judged(matrix, fk.PolicySet.load(baseline), cluster)
    assert set(judged.verdicts["verdict"]) == {"denied"}
    assert [policy.name for policy in judged.policies] == ["BaselineAdminNetworkPolicy/default"]


def test_the_explorer_takes_a_set_or_where_it_lies_and_judges_new_edges(cluster, matrix, tmp_path):
    (tmp_path / "db.json").write_text(json.dumps(hand_written()))
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "web.json").write_text(json.dumps(hand_written("web")))
    inventory = fk.Inventory.load(cluster)
    ways = [fk.PolicySet.load(hand_written()), tmp_path / "db.json", str(tmp_path / "db.json"), [tmp_path / "db.json"]]
    asked = [matrix.explore(policies=policies, inventory=inventory, profile="ovn") for policies in ways]
    assert len({w.payload for w in asked}) == 1
    both = matrix.explore(policies=[tmp_path / "db.json", tmp_path / "more"], inventory=inventory)
    assert [policy.name for policy in both.shown.additions.judged.policies] == ["db", "web"]
    w = asked[0]
    w.selection = Selection(tuple(edge_numbers(w.matrix).tolist()), w.shown)
    assert w.selection.policy.to_numpy().tolist() == [["shop", "db", "Ingress rule 0", 1]]
    new = replace(matrix, edges=matrix.edges.iloc[::-1].reset_index(drop=True))
    w.update(new)
    verdicts = w.shown.additions.judged.verdicts["verdict"]
    assert verdicts[edge(new, "web", "db")] == "allowed"
    assert verdicts[edge(new, "cat", "db")] == "denied"


def test_without_an_inventory_policies_are_listed_and_that_is_said(matrix, tmp_path):
    w = matrix.explore(policies=fk.PolicySet.load(hand_written()))
    assert w.shown.additions.judged.verdicts is None
    document = payload(matrix, None, w.shown.additions)
    assert [one["name"] for one in document["policies"]] == ["db"]
    assert "listed, not judged" in document["header"]["notices"][-1]["text"]
    report = fk.report(matrix, tmp_path / "r.html", policies=fk.PolicySet.load(hand_written())).read_text()
    assert "listed, not judged" in report


def test_a_place_without_policies_is_an_error(matrix, tmp_path):
    with pytest.raises(SpecError, match=r"missing\.yaml"):
        matrix.explore(policies=tmp_path / "missing.yaml")
