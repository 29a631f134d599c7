"""The console's columns: presets by what flows carry, cells as the console writes them."""

import pandas as pd
import pytest

from flowkit.contract import FIELDS, conform
from flowkit.errors import SpecError
from flowkit.view.console import PRESETS, columns_of, laid_out
from flowkit.view.console.columns import COLUMNS
from tests.flows import flow, pod, table

FLOWS = table(
    flow(
        "10.0.0.1:4000", "[2001:db8::1]:443", "SYN ACK", **pod("Src", "web"), TimeFlowRttNs=1_234_567, FlowDirection=1,
        Interfaces=["eth0", "br-ex"], IfDirections=[1, 0], TimeReceived=3, PktDropBytes=5, Sampling=50,
        NetworkEvents=[{"Feature": "acl", "Action": "drop", "Type": "NetworkPolicy", "Namespace": "shop", "Name": "deny"}],
    ),
    flow("10.0.0.2", "8.8.8.8", proto=1, IcmpType=8, DstK8S_Type="Node", DstK8S_Name="n1", DstK8S_OwnerType="Node", DstK8S_OwnerName="n1"),
    flow("10.0.0.2", "8.8.8.8", proto=200),
)  # fmt: skip


def cells(*names):
    return laid_out(FLOWS, names).astype(object).where(lambda shown: shown.notna(), None).to_numpy().tolist()


def test_columns_of_objects_and_sockets():
    assert cells("SrcK8S_Object", "DstK8S_Object", "SrcK8S_OwnerObject", "DstAddrPort") == [
        ["Pod.shop.web-1", "[2001:db8::1]:443", "Deployment.shop.web", "[2001:db8::1]:443"],
        ["10.0.0.2", "Node.n1", "", "8.8.8.8"],
        ["10.0.0.2", "8.8.8.8", "", "8.8.8.8"],
    ]


def test_numbers_that_have_names():
    assert cells("Proto", "TCPFlags", "FlowDirection", "Interfaces", "IfDirections", "NetworkEvents") == [
        ["TCP", "SYN, ACK", "Egress", "eth0, br-ex", "1, 0", "drop NetworkPolicy shop deny"],
        ["ICMP", "", "", "", "", ""],
        ["200", "", "", "", "", ""],
    ]


def test_times_and_differences():
    shown = laid_out(FLOWS, ["EndTime", "FlowDuration", "CollectionLatency", "TimeFlowRttMs"])
    assert shown.columns.tolist() == ["end time", "duration ms", "collection latency ms", "RTT ms"]
    assert str(shown.iloc[0, 0]) == "1970-01-01 00:00:02+00:00"
    assert shown.iloc[0, 1:].tolist() == [1000, 1000, 1.235]


def test_a_time_beyond_all_calendars_is_empty():
    wild = conform(pd.DataFrame({"TimeFlowEndMs": [2**62, -5, 1000]}))
    assert laid_out(wild, ["EndTime"])["end time"].isna().tolist() == [True, True, False]


def test_presets_show_what_flows_carry():
    plain = FLOWS[["SrcAddr", "DstAddr", "SrcPort", "DstPort", "Proto", "TimeFlowEndMs", "Bytes"]]
    assert columns_of("default", plain) == ("EndTime", "SrcPort", "DstPort", "Proto", "Bytes")
    assert columns_of("objects", plain) == ("EndTime", "SrcK8S_Object", "DstK8S_Object", "DstPort", "Proto", "Bytes")
    assert "NetworkEvents" in columns_of("default", FLOWS)
    assert "DNSName" not in columns_of("all", FLOWS)


def test_flags_named_in_a_list_are_taken_as_they_are():
    named = pd.DataFrame({"Flags": pd.Series([["SYN", "SYN"], None], dtype=object)})
    assert laid_out(named, ["TCPFlags"])["TCP flags"].tolist() == ["SYN, SYN", ""]


def test_a_field_is_a_column_too_and_flags_have_names():
    assert columns_of(["Flags", "AgentIP"], FLOWS) == ("Flags", "AgentIP")
    assert laid_out(FLOWS, ["Flags", "AgentIP"]).iloc[0].tolist() == ["SYN, ACK", ""]


def test_a_name_that_is_none_is_hinted_at():
    with pytest.raises(SpecError, match="no column 'SrcK8S_Nam': did you mean 'SrcK8S_Name'"):
        columns_of(["SrcK8S_Nam"], FLOWS)


def test_presets_and_columns_are_of_the_contract():
    assert {name for preset in PRESETS.values() for name in preset} <= set(COLUMNS)
    assert {field for column in COLUMNS.values() for field in column.fields} <= set(FIELDS)
    assert len({column.heading for column in COLUMNS.values()}) == len(COLUMNS)
