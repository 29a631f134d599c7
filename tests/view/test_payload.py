"""The payload: what it says of a small matrix, word for word, and that it always says the same."""

from __future__ import annotations

import gzip
import json

import pandas as pd
import pytest

from flowkit.contract.provenance import Provenance
from flowkit.view.payload import edge_numbers, payload, to_gzip, to_json


@pytest.fixture
def small(sample):
    rows = [
        sample.row("node:b", "shop/cart", 8080, 300, folded=2),
        sample.row("node:a", "shop/cart", 8080, 700, direction_by="inferred: lower port", first=sample.START),
        sample.row("shop/cart", "out:", 443, 9000, proto=17, first=sample.START + pd.Timedelta(seconds=9.9)),
        sample.row("shop/cart", "data/redis!StatefulSet", None, 64, proto=1, state="unanswered"),
    ]
    return sample.matrix_of(rows, Provenance(("a.pcap",), 1, {"frames that are not IP": 3}, ("Look twice.",)))


def test_whole_value(small):
    document = payload(small, title="Small")
    assert document.pop("meta") == {
        "t0": 1789999985250,
        "t1": 1790000075250,
        "flows": 4,
        "kept": 4,
        "losses": {"frames that are not IP": 3},
        "folded": {},
        "notes": ["Look twice."],
        "sources": ["a.pcap"],
        "sampling": 1,
        "partial": False,
        "truncated": False,
        "by": "workload",
        "filters": [],
        "edges": 4,
        "unfiltered": 4,
        "tool": document_tool(),
    }
    assert document.pop("header") == {
        "facts": [
            "4 flows",
            "3 edges (4 before the nodes are joined)",
            "2 workloads in 2 namespaces",
            "2026-09-21 14:13:05 – 14:14:35 UTC",
            "sampling 1",
            "from a.pcap",
        ],
        "filters": "",
        "notices": [{"text": "Look twice."}],
    }
    assert document == {
        "v": 1,
        "title": "Small",
        "labels": ["(external) unknown", "(nodes)", "data/redis", "shop/cart"],
        "kind": ["", "Node", "StatefulSet", "Deployment"],
        "ns": [0, 1, 2, 3],
        "nsNames": ["(external)", "(nodes)", "data", "shop"],
        "pinned": 2,
        "orders": {"namespace": [0, 1, 2, 3], "traffic": [0, 1, 3, 2], "similar": [0, 1, 3, 2]},
        "states": ["answered", "refused", "unanswered"],
        "directionBy": ["SYN", "inferred: lower port"],
        "inferred": [0, 1],
        "edges": {
            "s": [1, 3, 3],
            "d": [3, 0, 2],
            "port": [8080, 443, -1],
            "proto": [6, 17, 1],
            "state": [0, 0, 2],
            "bytes": [1000, 9000, 64],
            "packets": [4, 12, 2],
            "flows": [2, 1, 1],
            "connections": [2, 1, 1],
            "first": [0, 9, 0],
            "last": [90, 90, 90],
            "by": [0, 0, 0],
            "folded": [2, 0, 0],
            "status": [0, 0, 0],
            "rule": [-1, -1, -1],
            "change": [0, 0, 0],
        },
        "verdicts": ["not judged", "allowed by policy", "no policy selects the server", "undecided", "would be denied"],
        "changes": ["the same", "added", "gone", "changed"],
        "ruleTexts": [],
        "against": None,
        "external": None,
        "timeline": None,
        "policies": [],
    }


def document_tool():
    from flowkit.view.payload import _tool

    return _tool()


def test_nodes_are_one_endpoint_but_states_stay_apart(sample):
    rows = [
        sample.row("node:a", "shop/cart", 80, 10),
        sample.row("node:b", "shop/cart", 80, 10, state="refused"),
        sample.row("node:c", "shop/cart", 80, 10),
    ]
    edges = payload(sample.matrix_of(rows))["edges"]
    assert (edges["state"], edges["bytes"]) == ([0, 1], [20, 10])


def test_edge_numbers_point_from_rows_into_the_payload(small):
    document = payload(small)
    numbers = edge_numbers(small)
    assert numbers.tolist() == [0, 0, 1, 2]
    assert [document["edges"]["port"][at] for at in numbers] == [8080, 8080, 443, -1]


def test_edge_numbers_of_a_cluster_sum_to_its_payload(sample):
    matrix = sample.cluster()
    document = payload(matrix)
    assert matrix.edges.groupby(edge_numbers(matrix))["bytes"].sum().tolist() == document["edges"]["bytes"]


def test_the_same_matrix_gives_the_same_bytes(sample):
    first, second = (to_gzip(payload(sample.cluster())) for _ in range(2))
    assert first == second
    assert first[4:8] == b"\0\0\0\0"
    assert json.loads(gzip.decompress(first)) == json.loads(to_json(payload(sample.cluster())))


def test_row_order_of_the_matrix_does_not_matter(sample):
    matrix = sample.cluster()
    turned = matrix.edges.iloc[::-1].reset_index(drop=True)
    turned.attrs = matrix.edges.attrs
    assert to_json(payload(type(matrix)(turned))) == to_json(payload(matrix))


def test_json_is_compact_sorted_and_survives_broken_text():
    assert to_json({"b": "\ud800é", "a": [1, 2]}) == b'{"a":[1,2],"b":"\\ud800\xc3\xa9"}'


def test_hostile_names_arrive_whole(sample):
    labels = json.loads(to_json(payload(sample.hostile())))["labels"]
    for name in sample.HOSTILE:
        assert f"(external) {name or 'unknown'}" in labels


def test_header_counts_inferred_edges_and_sampling(sample):
    header = payload(sample.cluster())["header"]
    assert header["notices"][0] == {"text": "Direction inferred for 2 edges.", "show": "inferred"}
    notices = payload(sample.large(20, 40, 4))["header"]["notices"]
    assert notices == [{"text": "Sampled 1:50: absence of a cell does not prove absence of traffic."}]


def test_header_says_what_is_filtered(sample):
    document = payload(sample.cluster().where(namespace="shop", port=8080))
    assert document["header"]["filters"] == "Only namespace shop, port 8080: 11 of 81 edges"
    assert document["meta"]["filters"] == ["namespace shop", "port 8080"]


def test_header_names_three_sources_and_counts_the_rest(sample):
    matrix = sample.matrix_of([], Provenance(tuple("abcde"), 50))
    assert payload(matrix)["header"]["facts"][-2:] == ["sampled 1:50", "from a, b, c and 2 more"]


def test_an_empty_matrix_has_a_payload(sample):
    document = payload(sample.matrix_of([]))
    assert document["labels"] == []
    assert document["orders"] == {"namespace": [], "traffic": [], "similar": []}
    assert all(column == [] for column in document["edges"].values())
