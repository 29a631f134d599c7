"""What stands beside a matrix in its payload: verdicts, policies, a comparison, amounts over time, the outside."""

from __future__ import annotations

import pandas as pd
import pytest

from flowkit.errors import ContractError
from flowkit.view.judged import Judged, PolicyText, RuleText
from flowkit.view.payload import Additions, payload
from flowkit.view.times import timeline


@pytest.fixture
def nodes(sample):
    """Two nodes call a pod, and the pod calls out."""
    rows = [sample.row("node:a", "shop/cart", 80, 10), sample.row("node:b", "shop/cart", 80, 20)]
    return sample.matrix_of([*rows, sample.row("shop/cart", "out:", 443, 5)])


def verdicts(*rows):
    return pd.DataFrame(rows, columns=["verdict", "policy", "rule", "reason"])


def test_the_worst_verdict_of_joined_edges_wins_with_its_rule(nodes):
    table = verdicts(("allowed", "p", "1", ""), ("denied", "", "", "no rule"), ("allowed", "", "", "selected by none"))
    policy = PolicyText("shop", "p", "kind: NetworkPolicy", (RuleText("from nodes", (0, 1)), RuleText("unused")))
    document = payload(nodes, None, Additions(judged=Judged(table, (policy,))))
    edges = document["edges"]
    assert (edges["bytes"], edges["status"]) == ([30, 5], [4, 2])
    assert [document["ruleTexts"][at] for at in edges["rule"]] == ["no rule", "selected by none"]
    [record] = document["policies"]
    assert record["ns"] == document["nsNames"].index("shop")
    assert record["rules"] == [{"text": "from nodes", "edges": [0]}, {"text": "unused", "edges": []}]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (verdicts(("allowed", "", "", "")), "1 verdicts for 3 edges"),
        (verdicts(*[("maybe", "", "", "")] * 3), "no verdict 'maybe'"),
        (pd.DataFrame({"verdict": ["allowed"] * 3}), "no column policy, rule, reason"),
    ],
)
def test_verdicts_that_do_not_fit_are_refused(nodes, table, message):
    with pytest.raises(ContractError, match=message):
        payload(nodes, None, Additions(judged=Judged(table)))


def test_a_rule_that_names_no_edge_is_refused(nodes):
    policy = PolicyText("shop", "p", "", (RuleText("from nodes", (7,)),))
    with pytest.raises(ContractError, match="names edge 7 of 3"):
        payload(nodes, None, Additions(judged=Judged(policies=(policy,))))


def test_a_comparison_marks_every_edge_of_both(sample):
    before = sample.matrix_of([sample.row("a/x", "b/y", 1, 7, state="refused"), sample.row("a/x", "b/gone", 2, 9)])
    now = sample.matrix_of([sample.row("a/x", "b/y", 1, 5), sample.row("a/new", "b/y", 1, 3)])
    document = payload(now, None, Additions(against=before))
    edges, labels = document["edges"], document["labels"]
    found = sorted(
        (labels[s], labels[d], document["changes"][change], size, was)
        for s, d, change, size, was in zip(
            *(edges[name] for name in ("s", "d", "change", "bytes", "bytesBefore")), strict=True
        )
    )
    assert found == [("a/new", "b/y", "added", 3, 0), ("a/x", "b/gone", "gone", 9, 9), ("a/x", "b/y", "changed", 5, 7)]
    assert document["against"]["counts"] == {"the same": 0, "added": 1, "gone": 1, "changed": 1}
    assert document["meta"]["flows"] == 2
    assert "1 added, 1 gone, 1 changed" in document["header"]["notices"][0]["text"]


def test_a_matrix_against_itself_has_not_changed(sample):
    matrix = sample.cluster()
    document = payload(matrix, None, Additions(against=matrix))
    assert set(document["edges"]["change"]) == {0}
    assert document["edges"]["bytes"] == document["edges"]["bytesBefore"]


def test_a_timeline_loses_no_byte():
    flows = pd.DataFrame(
        {
            "SrcAddr": ["10.0.0.2", "10.0.0.3", "10.0.0.4"],
            "DstAddr": "203.0.113.9",
            "SrcPort": [50001, 50002, 50003],
            "DstPort": 443,
            "Proto": 6,
            "Flags": 18,
            "Bytes": [1000, 7, 13],
            "TimeFlowStartMs": [1_000_000, 1_004_500, 1_009_999],
            "TimeFlowEndMs": [1_009_999, 1_004_500, 1_009_999],
        }
    )
    table = timeline(flows, bins=5)
    assert table["bytes"].sum() == 1020
    assert len(table) == 5
    assert table["namespace"].unique().tolist() == ["(external)"]
    assert table["bytes"].iloc[2] == 207
