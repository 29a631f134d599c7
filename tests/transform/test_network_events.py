"""OVN's events and the kernel's drops: opened, named and counted."""

from __future__ import annotations

import pandas as pd

import flowkit as fk
from flowkit.contract import provenance
from flowkit.transform.network_events import dropped_by

DENY = {
    "Feature": "acl",
    "Type": "NetworkPolicy",
    "Namespace": "shop",
    "Name": "deny",
    "Action": "drop",
    "Direction": "Ingress",
}
ALLOW = {**DENY, "Name": "web", "Action": "allow-related"}
FLOWS = pd.DataFrame(
    {
        "SrcAddr": ["10.0.0.1"] * 5,
        "DstPort": [80, 81, 82, 83, 84],
        "NetworkEvents": [[ALLOW, DENY], None, ["odd"], [{"Type": "NetpolNode", "Action": "allow"}], []],
        "PktDropPackets": pd.array([1, None, None, None, 3], dtype="UInt32"),
        "PktDropLatestDropCause": ["NetworkEvent_deny", None, None, None, "SKB_DROP_REASON_NO_SOCKET"],
    },
    index=[10, 11, 12, 13, 14],
)


def test_one_row_a_flow_and_event_and_one_a_bare_drop():
    table = fk.network_events(FLOWS)
    assert table[["row", "DstPort", "Name", "Action", "policy", "dropped"]].astype(object).where(
        table[["row", "DstPort", "Name", "Action", "policy", "dropped"]].notna(), None
    ).values.tolist() == [
        [10, 80, "web", "allow-related", "NetworkPolicy shop/web (Ingress)", False],
        [10, 80, "deny", "drop", "NetworkPolicy shop/deny (Ingress)", True],
        [13, 83, None, "allow", "NetpolNode", False],
        [14, 84, None, None, None, True],
    ]
    assert provenance(table).losses == {"network events that are no map": 1}
    assert table.groupby("policy").size().to_dict() == {
        "NetpolNode": 1,
        "NetworkPolicy shop/deny (Ingress)": 1,
        "NetworkPolicy shop/web (Ingress)": 1,
    }


def test_a_policy_explains_a_drop_better_than_the_kernel():
    told = dropped_by(FLOWS)
    assert told.dropna().to_dict() == {10: "NetworkPolicy shop/deny (Ingress)", 14: "SKB_DROP_REASON_NO_SOCKET"}


def test_events_as_json_text_are_events_and_other_text_is_counted():
    flows = pd.DataFrame({"NetworkEvents": ['[{"Action":"drop","Name":"a"}]', "no json"]})
    table = fk.network_events(flows)
    assert (table["dropped"].tolist(), provenance(table).losses) == ([True], {"network events that are no map": 1})


def test_flows_without_events_give_an_empty_table_of_the_same_columns():
    table = fk.network_events(pd.DataFrame({"SrcAddr": ["10.0.0.1"]}))
    assert (len(table), set(table.columns) >= {"row", "policy", "dropped", "Action"}) == (0, True)


def flow(port, **more):
    ends = {"SrcAddr": "10.0.0.2", "DstAddr": "10.0.0.1", "SrcPort": 50_000 + port, "DstPort": port}
    return {**ends, "Proto": 6, "Flags": 2, "Bytes": 60, "Packets": 1, **more}


def test_edges_say_who_dropped_them_and_only_where_something_was_dropped():
    plain = fk.matrix(pd.DataFrame([flow(80), flow(81)])).edges
    assert "dropped_by" not in plain.columns
    edges = fk.matrix(pd.DataFrame([flow(80, NetworkEvents=[DENY]), flow(80, SrcPort=1), flow(81)])).edges
    assert edges.set_index("port")["dropped_by"].to_dict() == {80: "NetworkPolicy shop/deny (Ingress)", 81: ""}
    pd.testing.assert_frame_equal(edges[edges["port"] == 81][plain.columns], plain[plain["port"] == 81])


def test_totals_are_weighted_by_sampling_and_the_result_says_so():
    matrix = fk.matrix(pd.DataFrame([flow(80, Sampling=50), flow(80, SrcPort=1, Sampling=1), flow(81)]))
    totals = matrix.edges.set_index("port")[["bytes", "packets", "flows", "connections"]]
    assert totals.loc[80].tolist() == [60 * 51, 51, 51, 2]
    assert totals.loc[81].tolist() == [60, 1, 1, 1]
    assert matrix.provenance.sampling == 50
    assert any("absent proves nothing" in note for note in matrix.provenance.notes)
