"""Unknown outside addresses: grouped, evidenced, and named in a loop until nothing is unknown."""

from __future__ import annotations

import pandas as pd
import pytest
import yaml

import flowkit as fk
from flowkit.errors import SourceError
from flowkit.matrix.external import custom_labels, read_names
from tests.flows import exchange, flow, pod, table

WEB = pod("Src", "web")
OUT = [
    *exchange("10.128.0.5:50001", "203.0.113.9:443", **WEB),
    *exchange("10.128.0.5:50002", "203.0.113.8:443", **WEB),
    *exchange("10.128.0.5:50003", "198.51.100.7:443", **WEB, DstSubnetLabel="EXT:known"),
    *exchange("192.0.2.1:50004", "10.128.0.5:8080", **pod("Dst", "web")),
]
SCAN = [flow("10.128.0.5:50009", "203.0.113.77:22", "SYN", **WEB)]


def test_rows_say_who_what_and_how_much():
    found = fk.external(table(*OUT, *SCAN))
    shown = found[["role", "block", "addresses", "ports", "peers", "connections", "bytes", "label", "cidrs"]]
    assert shown.values.tolist() == [
        ["server", "203.0.113.0/24", 2, "443/TCP", "shop/web", 2, 400, "EXT:net_203_0_113_0_24", ["203.0.113.8/31"]],
        ["client", "192.0.2.0/24", 1, "8080/TCP", "shop/web", 1, 200, "EXT:net_192_0_2_0_24", ["192.0.2.1/32"]],
    ]
    assert fk.provenance(found).notes[-1] == (
        "unknown of the traffic with the outside: 3 of 4 connections (75.0 %), 600 of 800 bytes (75.0 %)"
    )


def test_names_join_addresses():
    names = pd.DataFrame({"Addr": ["203.0.113.9", "203.0.113.8"], "Name": ["s3.example", "s3.example"]})
    found = fk.external(table(*OUT), names)
    assert found[["block", "label", "cidrs"]].values.tolist()[0] == ["s3.example", "EXT:s3_example", ["203.0.113.8/31"]]


def test_the_loop_ends_when_the_proposals_are_pasted():
    flows = table(*OUT)
    for _ in range(2):
        proposals = yaml.safe_load(custom_labels(fk.external(flows)))["customLabels"] or []
        flows = fk.enrich(flows, subnets={label["name"]: label["cidrs"] for label in proposals})
    assert fk.external(flows).empty
    assert custom_labels(fk.external(flows)) == "customLabels:"


def test_a_hostile_name_stays_a_label():
    names = pd.DataFrame({"Addr": ["203.0.113.9"], "Name": ["x\n- name: evil"]})
    text = custom_labels(fk.external(table(*OUT[:2]), names))
    assert yaml.safe_load(text) == {"customLabels": [{"name": "EXT:x_-_name:_evil", "cidrs": ["203.0.113.9/32"]}]}


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("n.txt", "", "give it an ending of .csv"),
        ("n.csv", "a,b\n1,2\n", "it has no column Addr and no Name"),
        ("n.parquet", "PAR1", "cannot read names"),
    ],
)
def test_bad_names_are_refused_with_the_way_out(tmp_path, name, content, message):
    path = tmp_path / name
    path.write_text(content)
    with pytest.raises(SourceError, match=message):
        read_names(path)


def test_names_are_read(tmp_path):
    (tmp_path / "n.csv").write_text("Addr,Name\n10.0.0.1,a\n")
    (tmp_path / "n.jsonl").write_text('{"Addr": "10.0.0.1", "Name": "a"}\n')
    for name in ("n.csv", "n.jsonl"):
        assert read_names(tmp_path / name).to_dict("records") == [{"Addr": "10.0.0.1", "Name": "a"}]


def test_an_address_of_the_clusters_own_range_is_unattributed_not_outside():
    ghost = exchange("10.128.0.5:50010", "10.128.1.200:8080", **WEB, SrcSubnetLabel="Pods", DstSubnetLabel="Pods")
    flows = table(*ghost, *OUT[:2])
    assert fk.external(flows)["block"].tolist() == ["203.0.113.0/24"]
    assert fk.matrix(flows).endpoints[["endpoint", "group"]].values.tolist() == [
        ["(external) unknown", "(external)"],
        ["(unattributed) Pods", "(unattributed)"],
        ["shop/web", "shop"],
    ]
