"""Names on flows: owners, hosts, zones, directions, layers and labels as upstream gives them."""

from __future__ import annotations

import pandas as pd
import pytest

import flowkit as fk
from flowkit.contract import provenance
from tests.enrich.cluster import CLUSTER
from tests.flows import flow, table


def enriched(*rows, **more):
    return fk.enrich(table(*rows), cluster=CLUSTER, **more)


def ends(flows, *suffixes):
    return [tuple(flows[f"{side}{suffix}"].iloc[0] for suffix in suffixes) for side in ("Src", "Dst")]


def test_pods_are_named_with_their_workload_and_node():
    flows = enriched(flow("10.128.0.5:50000", "10.129.0.6:5432"))
    fields = [
        "K8S_Name",
        "K8S_Type",
        "K8S_Namespace",
        "K8S_OwnerName",
        "K8S_OwnerType",
        "K8S_HostIP",
        "K8S_HostName",
        "K8S_Zone",
    ]
    assert ends(flows, *fields) == [
        ("web-7d9-x", "Pod", "shop", "web", "Deployment", "10.0.0.11", "node-a", "zone-a"),
        ("db-0", "Pod", "data", "db", "StatefulSet", "10.0.0.12", "node-b", "zone-b"),
    ]


def test_nodes_services_and_strangers():
    flows = enriched(flow("10.0.0.11:50000", "172.30.0.9:80"), flow("10.0.0.99:1", "8.8.8.8:53"))
    shown = flows[
        ["SrcK8S_Type", "SrcK8S_OwnerName", "SrcK8S_Namespace", "DstK8S_Type", "DstK8S_OwnerType", "DstK8S_HostName"]
    ]
    assert shown.astype(object).where(shown.notna(), None).values.tolist() == [
        ["Node", "node-a", None, "Service", "Service", None],
        [None, None, None, None, None, None],
    ]


def test_a_host_network_pod_is_its_node():
    flows = enriched(flow("10.0.0.12:50000", "10.128.0.5:8080"))
    assert ends(flows, "K8S_Type", "K8S_Name")[0] == ("Node", "node-b")


@pytest.mark.parametrize(
    ("agent", "src", "dst", "direction"),
    [
        ("10.0.0.11", "10.128.0.5:1", "10.129.0.6:2", 1),
        ("10.0.0.12", "10.128.0.5:1", "10.129.0.6:2", 0),
        ("10.0.0.11", "10.128.0.5:1", "10.0.0.11:2", 2),
        ("10.0.0.11", "10.128.0.5:1", "172.30.0.9:80", 1),
        ("10.0.0.12", "8.8.8.8:1", "10.129.0.6:2", 0),
        ("10.0.0.11", "8.8.8.8:1", "10.129.0.6:2", None),
        (None, "10.128.0.5:1", "10.129.0.6:2", None),
    ],
)
def test_flow_direction_is_the_reporting_nodes_view(agent, src, dst, direction):
    found = enriched(flow(src, dst, AgentIP=agent))["FlowDirection"].iloc[0]
    assert (None if pd.isna(found) else found) == direction


def test_a_capture_named_after_a_node_tells_its_agent():
    flows = enriched(
        flow("10.128.0.5:1", "10.129.0.6:2", CaptureFile="node-a"), flow("10.128.0.5:1", "8.8.8.8:2", CaptureFile="x")
    )
    assert flows["AgentIP"].astype(object).where(flows["AgentIP"].notna(), None).tolist() == ["10.0.0.11", None]


def test_flow_layer():
    rows = [
        flow("10.128.0.5:1", "10.129.0.6:2"),
        flow("10.0.0.11:1", "10.128.0.7:8080"),
        flow("10.0.0.11:1", "8.8.8.8:53"),
        flow("10.0.0.11:1", "172.30.0.1:443"),
    ]
    assert enriched(*rows)["K8S_FlowLayer"].tolist() == ["app", "infra", "infra", "infra"]


def test_what_a_flow_says_of_itself_stays():
    own = {"SrcK8S_Name": "old-pod", "SrcK8S_Type": "Pod", "SrcK8S_Namespace": "then", "FlowDirection": 0}
    flows = enriched(
        flow("10.128.0.5:1", "10.129.0.6:2", AgentIP="10.0.0.11", **own), flow("10.128.0.5:1", "10.129.0.6:2")
    )
    assert flows["SrcK8S_Name"].tolist() == ["old-pod", "web-7d9-x"]
    assert flows["SrcK8S_Namespace"].tolist() == ["then", "shop"]
    assert flows["FlowDirection"].iloc[0] == 0


def test_labels_first_match_in_list_order_and_bad_addresses_counted():
    subnets = {"Wide": ["10.0.0.0/8"], "Narrow": ["10.128.0.0/14"], "EXT:v6": ["2001:db8::/32"]}
    rows = [flow("10.128.0.5:1", "[2001:db8::1]:443"), flow("[::ffff:10.1.1.1]:1", "203.0.113.1:443")]
    flows = fk.enrich(table(*rows, flow("shop", "1.2.3.4")), subnets=subnets)
    labels = flows[["SrcSubnetLabel", "DstSubnetLabel"]].astype(object)
    assert labels.where(labels.notna(), None).values.tolist() == [["Wide", "EXT:v6"], ["Wide", None], [None, None]]
    assert provenance(flows).losses == {"flows whose SrcAddr is no IP address": 1}


def test_rows_and_index_keep_their_order():
    flows = table(flow("10.128.0.5:1", "10.129.0.6:2"), flow("10.129.0.6:2", "10.128.0.5:1")).set_axis([7, 3])
    assert fk.enrich(flows, cluster=CLUSTER).index.tolist() == [7, 3]
