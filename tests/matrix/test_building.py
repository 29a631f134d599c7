"""From flows to edges: whole small matrices, and the laws every matrix keeps."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import flowkit as fk
from flowkit.errors import ContractError
from tests.flows import exchange, flow, pod, service, table

SHORT = ["from_namespace", "from_workload", "to_namespace", "to_workload", "port", "proto", "state", "direction_by"]


def edges(*rows, by=None, columns=SHORT):
    found = fk.matrix(table(*rows), by=by).edges[columns]
    return [tuple(None if pd.isna(value) else value for value in row) for row in found.itertuples(index=False)]


def test_a_connection_is_one_edge_with_all_its_evidence():
    ends = pod("Src", "web") | pod("Dst", "api") | {"SrcSubnetLabel": "Pods", "DstSubnetLabel": "Pods"}
    matrix = fk.matrix(table(*exchange("10.128.0.5:51000", "10.128.0.6:8080", **ends)))
    assert matrix.by == "workload"
    start, end = pd.Timestamp(1, unit="s", tz="UTC"), pd.Timestamp(2, unit="s", tz="UTC")
    assert matrix.edges.to_dict("records") == [
        {
            "from_namespace": "shop",
            "from_kind": "Deployment",
            "from_workload": "web",
            "from_subnet_label": "Pods",
            "to_namespace": "shop",
            "to_kind": "Deployment",
            "to_workload": "api",
            "to_subnet_label": "Pods",
            "port": 8080,
            "proto": 6,
            "state": "answered",
            "flows": 2,
            "connections": 1,
            "bytes": 200,
            "packets": 2,
            "first": start,
            "last": end,
            "direction_by": "SYN",
            "folded": 0,
        }
    ]


def test_without_names_the_endpoints_are_addresses():
    assert edges(*exchange("10.0.0.1:50000", "10.0.0.2:22")) == [
        ("", "10.0.0.1", "", "10.0.0.2", 22, 6, "answered", "SYN"),
    ]


def test_two_nodes_copies_are_one_connection():
    ends = pod("Src", "web") | pod("Dst", "db", host="10.0.0.12")
    there, back = exchange("10.128.0.5:51000", "10.129.0.6:5432", **ends)
    copies = [
        there | {"FlowDirection": 1},
        there | {"FlowDirection": 0},
        back | {"FlowDirection": 1},
        back | {"FlowDirection": 0},
    ]
    found = fk.matrix(table(*copies)).edges
    assert found[["flows", "connections", "bytes", "folded"]].values.tolist() == [[2, 1, 200, 2]]


def test_a_flow_that_only_the_sending_node_reports_is_kept():
    ends = pod("Src", "web") | pod("Dst", "db", host="10.0.0.12")
    there, back = exchange("10.128.0.5:51000", "10.129.0.6:5432", **ends)
    assert len(edges(there | {"FlowDirection": 1}, back | {"FlowDirection": 0})) == 1


def test_the_copy_to_a_service_yields_to_the_pod_and_its_port():
    before = exchange("10.128.0.5:51000", "172.30.0.9:80", **pod("Src", "web"), **service("Dst", "api"))
    after = exchange("10.128.0.5:51000", "10.129.0.6:8080", **pod("Src", "web"), **pod("Dst", "api"))
    assert edges(*before, *after) == [("shop", "web", "shop", "api", 8080, 6, "answered", "SYN")]
    assert fk.matrix(table(*before, *after)).edges["folded"].tolist() == [2]


def test_a_service_without_a_pod_copy_stays_and_is_noted():
    before = exchange("10.128.0.5:51000", "172.30.0.9:80", **pod("Src", "web"), **service("Dst", "api"))
    matrix = fk.matrix(table(*before))
    assert matrix.edges[["to_kind", "to_workload", "port"]].values.tolist() == [["Service", "api", 80]]
    assert matrix.provenance.notes == ("1 flows to a Service have no copy that names the pod behind it",)


def test_states_of_tcp():
    closed = [flow("10.0.0.1:50000", "10.0.0.2:1", "SYN"), flow("10.0.0.2:1", "10.0.0.1:50000", "RST_ACK")]
    silent = [flow("10.0.0.1:50001", "10.0.0.2:2", "SYN")]
    half = [flow("10.0.0.1:50002", "10.0.0.2:3", "SYN ACK")]
    probed = [flow("10.0.0.1:50003", "10.0.0.2:4", "SYN RST"), flow("10.0.0.2:4", "10.0.0.1:50003", "SYN_ACK")]
    states = {port: state for *_, port, _, state, _ in edges(*closed, *silent, *half, *probed)}
    assert states == {1: "refused", 2: "unanswered", 3: "answered", 4: "answered"}


def test_one_answer_among_failures_makes_the_edge_answered():
    retries = [flow(f"10.0.0.1:{port}", "10.0.0.2:80", "SYN") for port in (50001, 50002)]
    matrix = fk.matrix(table(*retries, *exchange("10.0.0.1:50003", "10.0.0.2:80")))
    assert matrix.edges[["state", "connections"]].values.tolist() == [["answered", 3]]


def test_a_connection_opened_before_the_capture_is_inferred():
    rows = [flow("10.0.0.2:5432", "10.0.0.1:50000", "ACK"), flow("10.0.0.1:50000", "10.0.0.2:5432", "ACK")]
    assert edges(*rows) == [("", "10.0.0.1", "", "10.0.0.2", 5432, 6, "answered", "inferred: ephemeral port")]


def test_udp_one_way_is_needed_and_a_port_unreachable_refuses():
    syslog = flow("10.0.0.1:40000", "10.0.0.2:514", proto=17)
    stray = flow("10.0.0.3:40000", "10.0.0.2:9999", proto=17)
    unreachable = flow("10.0.0.2", "10.0.0.3", proto=1, IcmpType=3, IcmpCode=3)
    matrix = fk.matrix(table(syslog, stray, unreachable))
    assert matrix.edges[["port", "state"]].values.tolist() == [[514, "answered"], [9999, "refused"]]
    assert matrix.provenance.losses == {"ICMP errors": 1}


def test_ping_has_no_port_and_goes_from_request_to_reply():
    reply = flow("10.0.0.2", "10.0.0.1", proto=1, IcmpType=0, IcmpCode=0)
    request = flow("10.0.0.1", "10.0.0.2", proto=1, IcmpType=8, IcmpCode=0)
    lost = flow("[fd01::1]", "[fd01::2]", proto=58, IcmpType=128, IcmpCode=0)
    assert edges(reply, request, lost) == [
        ("", "10.0.0.1", "", "10.0.0.2", None, 1, "answered", "ICMP request"),
        ("", "fd01::1", "", "fd01::2", None, 58, "unanswered", "ICMP request"),
    ]


def test_what_is_no_edge_is_left_out_and_counted():
    left_out = [
        flow("10.0.0.1:68", "255.255.255.255:67", proto=17),
        flow("10.0.0.1:5353", "224.0.0.251:5353", proto=17),
        flow("[fe80::1]:546", "[ff02::1:2]:547", proto=17),
        flow("[fe80::1]", "[fe80::2]", proto=58, IcmpType=135, IcmpCode=0),
        flow("10.0.0.1", "10.0.0.2", proto=1, IcmpType=11, IcmpCode=0),
        {"Bytes": 60, "Packets": 1},
    ]
    kept = exchange("10.0.0.1:50000", "169.254.169.254:80")
    matrix = fk.matrix(table(*left_out, *kept))
    assert matrix.edges["to_workload"].tolist() == ["169.254.169.254"]
    assert matrix.provenance.losses == {
        "flows without addresses": 1,
        "multicast and broadcast flows": 3,
        "link-local flows": 1,
        "ICMP errors": 1,
    }


def test_levels():
    ends = pod("Src", "web") | pod("Dst", "api", namespace="data")
    rows = exchange("10.128.0.5:51000", "10.128.0.6:8080", **ends)
    columns = ["from_namespace", "from_kind", "from_workload", "to_namespace", "to_kind", "to_workload"]
    assert edges(*rows, by="pod", columns=columns) == [("shop", "Pod", "web-1", "data", "Pod", "api-1")]
    assert edges(*rows, by="namespace", columns=columns) == [("shop", "Namespace", "", "data", "Namespace", "")]
    assert edges(*rows, by="address", columns=columns) == [("shop", "Pod", "10.128.0.5", "data", "Pod", "10.128.0.6")]
    with pytest.raises(ContractError, match="no level 'zone': choose one of workload, pod"):
        fk.matrix(table(*rows), by="zone")


def test_a_table_without_addresses_is_refused():
    with pytest.raises(ContractError, match="needs the field SrcAddr"):
        fk.matrix(pd.DataFrame({"Bytes": [1]}))


def test_no_flows_make_an_empty_matrix():
    matrix = fk.matrix(table(*exchange("10.0.0.1:50000", "10.0.0.2:22")).iloc[:0])
    assert (len(matrix.edges), repr(matrix), matrix.pivot().shape) == (0, "FlowMatrix(no edges)", (0, 0))


SOCKETS = st.tuples(st.integers(1, 4), st.sampled_from([22, 80, 443, 40000, 50000]))
FLAGS = st.sampled_from(["SYN", "SYN ACK", "SYN_ACK ACK", "ACK", "RST_ACK", "SYN_ACK", "ACK FIN_ACK"])
ROWS = st.lists(st.tuples(SOCKETS, SOCKETS, FLAGS, st.integers(0, 5000)), min_size=1, max_size=25)


def random_flows(rows):
    return table(
        *(
            flow(f"10.0.0.{a}:{p}", f"10.0.0.{b}:{q}", flags, TimeFlowStartMs=at, TimeFlowEndMs=at + 10, Bytes=at + 1)
            for at, ((a, p), (b, q), flags, _) in enumerate(rows)
        )
    )


@settings(max_examples=40)
@given(ROWS, st.randoms(use_true_random=False))
def test_order_of_rows_does_not_matter(rows, random):
    flows = random_flows(rows)
    order = list(range(len(flows)))
    random.shuffle(order)
    pd.testing.assert_frame_equal(fk.matrix(flows).edges, fk.matrix(flows.iloc[order]).edges)


@settings(max_examples=40)
@given(ROWS)
def test_no_byte_is_lost_or_counted_twice(rows):
    flows = random_flows(rows)
    matrix = fk.matrix(flows)
    assert matrix.edges["bytes"].sum() == flows["Bytes"].sum()
    assert matrix.edges["flows"].sum() == len(flows)


@settings(max_examples=40)
@given(ROWS)
def test_partial_records_make_the_same_edges(rows):
    flows = random_flows(rows)
    halves = pd.concat(
        [flows.assign(Bytes=flows["Bytes"] // 2), flows.assign(Bytes=flows["Bytes"] - flows["Bytes"] // 2)]
    )
    halves["Flags"] = halves["Flags"].where(np.arange(len(halves)) < len(flows), flows["Flags"].to_numpy().tolist() * 2)
    same = [name for name in fk.matrix(flows).edges.columns if name not in ("flows", "connections", "packets")]
    pd.testing.assert_frame_equal(fk.matrix(flows).edges[same], fk.matrix(halves).edges[same])
