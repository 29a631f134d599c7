"""Old captures in today's fields, and conversation records that never count a flow twice."""

from __future__ import annotations

import pandas as pd

import flowkit as fk
from flowkit.contract import provenance
from flowkit.sources.records import one_record_a_flow, today
from tests.sources import forms

TALK = {
    "SrcAddr": "10.0.0.1",
    "SrcPort": 40000,
    "SrcK8S_Name": "web",
    "SrcK8S_Type": "Pod",
    "DstAddr": "10.0.0.2",
    "DstPort": 5432,
    "DstK8S_Name": "db",
    "DstK8S_Type": "Pod",
    "Proto": 6,
    "FlowDirection": 1,
    "_HashId": "ab",
    "PktDropPackets": 1,
}


def record(kind, end, forth, back, **more):
    return {
        **TALK,
        "_RecordType": kind,
        "TimeFlowStartMs": 1000,
        "TimeFlowEndMs": end,
        "Bytes": 100 * (forth + back),
        "Packets": forth + back,
        "Bytes_AB": 100 * forth,
        "Packets_AB": forth,
        "Bytes_BA": 100 * back,
        "Packets_BA": back,
        **more,
    }


def read(tmp_path, rows):
    path = tmp_path / "flows.json"
    path.write_text(forms.lines(rows))
    return fk.read(path)


def test_old_fields_become_todays_and_duplicates_are_folded(tmp_path):
    rows = [
        {"Bytes": 1, "Interface": "eth0", "IfDirection": 1, "Duplicate": False, "Flags": 2},
        {"Bytes": 1, "Interface": "br0", "IfDirection": 0, "Duplicate": True, "Flags": 2},
        {"Bytes": 2, "Interfaces": ["ens5"], "IfDirections": ["0"]},
    ]
    flows = read(tmp_path, rows)
    assert flows["Interfaces"].tolist() == [["eth0"], ["ens5"]]
    assert flows["IfDirections"].tolist() == [[1], [0]]
    assert not {"Interface", "IfDirection", "Duplicate"} & set(flows.columns)
    assert provenance(flows).folded == {"duplicates of another interface, as the agent marked them": 1}


def test_a_table_without_old_fields_stays_itself():
    flows = pd.DataFrame({"Bytes": [1]})
    assert today(flows) is flows
    assert one_record_a_flow(flows) is flows


def test_beside_flows_conversation_records_are_left_out(tmp_path):
    flow = {**TALK, "_RecordType": "flowLog", "Bytes": 100, "Packets": 1}
    flows = read(tmp_path, [flow, record("newConnection", 1, 1, 0), record("endConnection", 2, 1, 1), flow])
    assert flows["Bytes"].sum() == 200
    assert provenance(flows).folded == {"conversation records, whose flows are here themselves": 2}


def test_of_conversations_alone_the_last_record_counts_each_way_once(tmp_path):
    rows = [
        record("newConnection", 1100, 1, 0),
        record("heartbeat", 31000, 5, 4),
        record("endConnection", 40000, 7, 6),
        record("newConnection", 90000, 2, 0),
        record("heartbeat", 95000, 3, 0),
        record("heartbeat", 95000, 9, 9, _HashId="cd"),
    ]
    flows = read(tmp_path, rows)
    assert flows[["SrcAddr", "SrcPort", "SrcK8S_Name", "Bytes", "Packets", "FlowDirection"]].values.tolist() == [
        ["10.0.0.1", 40000, "web", 700, 7, 1],
        ["10.0.0.1", 40000, "web", 300, 3, 1],
        ["10.0.0.1", 40000, "web", 900, 9, 1],
        ["10.0.0.2", 5432, "db", 600, 6, 0],
        ["10.0.0.2", 5432, "db", 900, 9, 0],
    ]
    assert flows["PktDropPackets"].sum() == 3
    assert not [name for name in flows.columns if name.endswith(("_AB", "_BA"))]
    assert provenance(flows).folded == {"earlier records of the same conversation": 3}
    assert any("conversation records" in note for note in provenance(flows).notes)


def test_conversations_make_the_matrix_their_flows_make(tmp_path):
    edges = fk.matrix(read(tmp_path, [record("endConnection", 40000, 7, 6)])).edges
    assert edges[["from_workload", "to_workload", "port", "bytes", "packets"]].values.tolist() == [
        ["web", "db", 5432, 1300, 13]
    ]


def test_records_without_the_two_ways_stay_whole(tmp_path):
    rows = [
        {**TALK, "_RecordType": kind, "TimeFlowEndMs": end, "Bytes": end}
        for kind, end in [("heartbeat", 1), ("endConnection", 2)]
    ]
    assert read(tmp_path, rows)["Bytes"].tolist() == [2]


def test_totals_that_are_no_numbers_are_counted(tmp_path):
    flows = read(tmp_path, [record("endConnection", 40000, 7, 6, Bytes_AB=-1, Packets_BA="x")])
    assert flows["Bytes"].tolist() == [1300]
    assert provenance(flows).losses == {
        "values of Bytes_AB that are not its type": 1,
        "values of Packets_BA that are not its type": 1,
    }
