"""Hubble's events: what each field becomes, what is folded, and that the lab's traffic gives the same matrix.

No Cilium runs here: events are written to its flow.proto, https://github.com/cilium/cilium/blob/main/api/v1/flow/flow.proto.
"""

from __future__ import annotations

import gzip
import json

import pytest

import flowkit as fk
from flowkit.contract import flag_names, provenance
from flowkit.errors import SourceError
from flowkit.policy.observed import observed
from tests.sources import hubble_form
from tests.sources.alike import edges

CLIENT = {
    "ID": 2273,
    "identity": 17221,
    "namespace": "shop",
    "labels": ["k8s:app=web", "k8s:io.kubernetes.pod.namespace=shop"],
    "pod_name": "web-5d4-x7",
    "workloads": [{"name": "web", "kind": "Deployment"}],
}
SERVER = {
    "identity": 39459,
    "namespace": "data",
    "pod_name": "db-0",
    "workloads": [{"name": "db", "kind": "StatefulSet"}],
}


def event(second, src="10.0.1.7:40000", dst="10.0.2.9:5432", flags=("SYN",), **more):
    (source, source_port), (target, target_port) = (end.rsplit(":", 1) for end in (src, dst))
    tcp = {"source_port": int(source_port), "destination_port": int(target_port), "flags": dict.fromkeys(flags, True)}
    flow = {
        "time": f"2026-01-12T08:00:{second:09.6f}123Z",
        "verdict": "FORWARDED",
        "IP": {"source": source, "destination": target, "ipVersion": "IPv4"},
        "l4": {"TCP": tcp},
        "source": CLIENT,
        "destination": SERVER,
        "Type": "L3_L4",
        "node_name": "prod/node-1",
        "event_type": {"type": 4, "sub_type": 3},
        "traffic_direction": "EGRESS",
        "trace_observation_point": "TO_STACK",
        "is_reply": False,
    }
    return {key: value for key, value in {**flow, **more}.items() if value is not None}


def read(tmp_path, *events, wrapped=True):
    path = tmp_path / "hubble.log"
    path.write_text("".join(json.dumps({"flow": one, "node_name": "n"} if wrapped else one) + "\n" for one in events))
    return fk.read(path)


def test_events_of_a_connection_become_a_flow_each_way(tmp_path):
    flows = read(
        tmp_path,
        event(1),
        event(1.5, flags=("ACK", "PSH")),
        event(
            1.25, "10.0.2.9:5432", "10.0.1.7:40000", ("SYN", "ACK"), source=SERVER, destination=CLIENT, is_reply=True
        ),
    )
    columns = ["SrcAddr", "SrcPort", "DstPort", "Initiator", "FlowDirection", "TimeFlowStartMs", "TimeFlowEndMs"]
    assert flows[columns].values.tolist() == [
        ["10.0.1.7", 40000, 5432, "Src", 1, 1768204801000, 1768204801500],
        ["10.0.2.9", 5432, 40000, "Dst", 0, 1768204801250, 1768204801250],
    ]
    assert flag_names(flows["Flags"]).tolist() == [["SYN", "ACK"], ["SYN_ACK"]]
    assert provenance(flows).folded == {"Hubble events of the same flow": 1}
    assert any("neither bytes nor packets" in note for note in provenance(flows).notes)
    edge = fk.matrix(flows).edges.iloc[0]
    assert (edge["from_workload"], edge["to_workload"], edge["to_kind"], edge["port"]) == (
        "web",
        "db",
        "StatefulSet",
        5432,
    )
    assert (edge["state"], edge["direction_by"], edge["connections"]) == ("answered", "SYN", 1)


def test_names_of_both_ends(tmp_path):
    flows = read(tmp_path, event(1))
    row = flows.astype("str").iloc[0]
    names = ("Name", "Type", "Namespace", "OwnerName", "OwnerType", "HostName")
    told = [row[f"SrcK8S_{name}"] for name in names]
    assert told == ["web-5d4-x7", "Pod", "shop", "web", "Deployment", "node-1"]
    assert (row["K8S_ClusterName"], row["CaptureFile"], row["SrcIdentity"]) == ("prod", "node-1", "17221")
    assert json.loads(flows["SrcLabels"].iloc[0]) == CLIENT["labels"]


@pytest.mark.parametrize(
    ("end", "kind", "name", "label"),
    [
        ({"identity": 1, "labels": ["reserved:host"]}, "Node", "node-1", None),
        ({"identity": 1}, "Node", "node-1", None),
        ({"identity": 6, "labels": ["reserved:remote-node", "reserved:kube-apiserver"]}, "Node", None, None),
        ({"identity": 7, "labels": ["reserved:kube-apiserver"]}, None, None, "reserved:kube-apiserver"),
        ({"identity": 2, "labels": ["reserved:world"]}, None, None, None),
        ({"identity": 16777217, "labels": ["cidr:192.0.2.0/24", "reserved:world"]}, None, None, None),
    ],
)
def test_reserved_identities(tmp_path, end, kind, name, label):
    flows = read(tmp_path, event(1, destination=end, destination_names=["s3.example"]))
    found = [
        flows[column].iloc[0] if column in flows else None
        for column in ("DstK8S_Type", "DstK8S_Name", "DstSubnetLabel")
    ]
    assert found == [kind, name, label]
    assert flows["DstNames"].iloc[0] == '["s3.example"]'


def test_a_service_address_is_its_service(tmp_path):
    flows = read(tmp_path, event(1, destination={}, destination_service={"name": "db", "namespace": "data"}))
    assert flows[["DstK8S_Type", "DstK8S_Name", "DstK8S_Namespace"]].values.tolist() == [["Service", "db", "data"]]


def test_reply_unknown_is_unknown(tmp_path):
    flows = read(
        tmp_path, event(1, is_reply=None, flags=("ACK",)), event(2, is_reply=None, reply=True, dst="10.0.2.9:80")
    )
    assert flows["Initiator"].isna().tolist() == [True, False]
    assert flows["Initiator"].iloc[1] == "Dst"


POLICY = {"name": "deny-db", "namespace": "data", "kind": "CiliumNetworkPolicy"}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"verdict": "DROPPED", "drop_reason_desc": "POLICY_DENIED", "egress_denied_by": [POLICY]},
         ("denied", "CiliumNetworkPolicy data/deny-db (Egress)")),
        ({"verdict": "DROPPED", "drop_reason": 181, "drop_reason_desc": "POLICY_DENY", "is_reply": None}, ("denied", "Cilium (Egress)")),
        ({"verdict": "DROPPED", "drop_reason_desc": "CT_MAP_INSERTION_FAILED"}, (None, None)),
        ({"trace_observation_point": "TO_STACK"}, (None, None)),  # it left; whether it may arrive is another node's word
        ({"trace_observation_point": "TO_ENDPOINT", "traffic_direction": "INGRESS"}, ("allowed", "Cilium (Ingress)")),
        ({"destination": {"identity": 2, "labels": ["reserved:world"]}}, ("allowed", "Cilium (Egress)")),
        ({"verdict": "AUDIT", "event_type": {"type": 5}}, ("allowed", "audit mode of Cilium (Egress)")),
        ({"event_type": {"type": 5}, "traffic_direction": "INGRESS", "ingress_allowed_by": [POLICY]},
         ("allowed", "CiliumNetworkPolicy data/deny-db (Ingress)")),
    ],
)  # fmt: skip
def test_verdicts_say_what_the_network_did(tmp_path, change, told):
    flows = read(tmp_path, event(1, **change))
    found = observed(flows).iloc[0]
    assert tuple(None if value != value else value for value in found) == told
    dropped = change.get("verdict") == "DROPPED"
    assert ("PktDropLatestDropCause" in flows) == dropped
    if dropped:
        assert flows[["PktDropPackets", "PktDropLatestDropCause"]].values.tolist() == [[1, change["drop_reason_desc"]]]


def test_layer_7_is_kept_beside_its_packets(tmp_path):
    dns = {"query": "s3.example.", "rcode": 3, "ips": []}
    udp = {"UDP": {"source_port": 53, "destination_port": 40000}}
    flows = read(
        tmp_path,
        event(1, l4=udp, Type="L7", l7={"type": "RESPONSE", "latency_ns": "12400000", "dns": dns}, is_reply=True),
        event(2, Type="L7", verdict="DROPPED", l7={"type": "REQUEST", "http": {"method": "GET", "url": "http://a/b"}}),
    )
    assert flows[["DnsName", "DnsFlagsResponseCode", "DnsLatencyMs", "HttpMethod"]].astype(object).fillna(
        ""
    ).values.tolist() == [
        ["s3.example.", "NXDomain", 12, ""],
        ["", "", "", "GET"],
    ]
    assert observed(flows)["observed"].isna().all()  # a proxy's refusal is no policy's on addresses and ports
    assert fk.network_events(flows)[["row", "policy", "dropped"]].values.tolist() == [[1, "Cilium L7", True]]


def test_what_is_no_packet_is_counted(tmp_path):
    path = tmp_path / "hubble.json.gz"
    lost = {"lost_events": {"source": "HUBBLE_RING_BUFFER", "num_events_lost": "7"}, "node_name": "n"}
    other = [lost, {"agent_event": {"type": "POLICY_UPDATED"}}, {"flow": event(2, Type="SOCK", verdict="TRANSLATED")}]
    text = "".join(json.dumps(one) + "\n" for one in ({"flow": event(1)}, *other)) + '{"flow":{"time'
    path.write_bytes(gzip.compress(text.encode()))
    assert provenance(fk.read(path)).losses == {
        "events that Hubble lost before it wrote them": 7,
        "JSON values that are no Hubble flow": 1,
        "Hubble events of sockets, without a packet": 1,
        "broken JSON lines": 1,
    }
    path.write_text(json.dumps(lost))
    with pytest.raises(SourceError, match="no Hubble flow of packets"):
        fk.read(path)


def test_bare_flows_and_silence_between_connections(tmp_path):
    flows = read(tmp_path, event(1), event(2), {**event(3), "time": "2026-01-12T08:02:00Z"}, wrapped=False)
    assert len(flows) == 2
    assert fk.matrix(flows).edges["connections"].tolist() == [2]


def test_the_labs_traffic_gives_the_same_matrix(tmp_path, lab, inventory):
    path = tmp_path / "lab.json"
    path.write_text(hubble_form.lines(lab))
    flows = fk.read(path)
    assert edges(flows, inventory) == edges(lab.drop(columns=["Client", "DirectionBy"]), inventory)
