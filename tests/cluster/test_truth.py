"""On the recorded cluster the matrix is the truth: every edge, and no other."""

from __future__ import annotations

import json

import pytest

import flowkit as fk
from data.score import score
from flowkit.enrich import InventoryWarning


@pytest.mark.parametrize("state", ["answered", "refused", "unanswered"])
def test_edges_equal_the_truth(matrix, wanted, state):
    found = score(matrix.edges, wanted, state)
    assert (found.precision, found.recall, found.extra, found.missing) == (1.0, 1.0, [], [])
    assert found.right > 0


def test_the_connection_opened_before_the_recording_is_found_and_marked(matrix):
    inferred = matrix.edges[matrix.edges["direction_by"].str.startswith("inferred") & (matrix.edges["proto"] == 6)]
    assert inferred[["from_workload", "to_workload", "port", "state", "connections"]].values.tolist() == [
        ["reporting", "postgres", 5432, "answered", 1]
    ]


def test_every_other_direction_is_known_from_handshake_or_one_ephemeral_port(matrix):
    known = {"SYN", "ICMP request", "inferred: declared port", "inferred: ephemeral port"}
    assert set(matrix.edges["direction_by"]) <= known


def test_no_service_remains(matrix):
    kinds = set(matrix.edges["from_kind"]) | set(matrix.edges["to_kind"])
    assert "Service" not in kinds
    assert {"Deployment", "StatefulSet", "DaemonSet", "Job", "Pod", "Node", ""} == kinds


def test_each_node_alone_finds_no_edge_that_is_not_true(flows, wanted):
    for _, part in flows.groupby("CaptureFile", observed=True):
        found = fk.matrix(part).edges
        named = found[found["to_kind"] != "Service"]
        assert score(named, wanted).extra == []


@pytest.mark.parametrize("kinds", [("Pod",), ("Pod", "Node"), ("Node", "Service"), ("Service",)])
def test_an_inventory_of_some_kinds_works_with_one_warning(packets, cluster, kinds):
    listed = json.loads((cluster / "cluster.json").read_text())
    part = {**listed, "items": [item for item in listed["items"] if item["kind"] in kinds]}
    with pytest.warns(InventoryWarning) as caught:
        matrix = fk.matrix(fk.enrich(packets, cluster=part))
    assert len(caught) == 1
    assert len(matrix.edges) > 5
