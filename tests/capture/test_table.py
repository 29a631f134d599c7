"""The flow table: whole small tables with the contract's dtypes."""

from __future__ import annotations

import pandas as pd
import pytest

from flowkit.contract import FIELDS
from tests.capture.craft import (
    ACK,
    NOON,
    SECOND,
    SYN,
    SYN_ACK,
    A,
    B,
    Frame,
    ether,
    icmp,
    ip4,
    ip6,
    pcap,
    save,
    tcp,
    udp,
)
from tests.capture.tables import read_quietly

MS = NOON // 10**6
FRAMES = [
    Frame(ether(ip4(tcp(40000, 443, SYN), 6)), time=NOON),
    Frame(ether(ip4(tcp(443, 40000, SYN_ACK), 6, B, A)), time=NOON + 1_999_999),
    Frame(ether(ip4(tcp(40000, 443, ACK, bytes(100)), 6)), time=NOON + SECOND),
    Frame(ether(ip6(udp(0, 53), 17, "::ffff:10.0.0.1"), 0x86DD), time=NOON + SECOND),
    Frame(ether(ip4(icmp(3, 1), 1)), time=NOON + SECOND),
    Frame(ether(ip4(bytes(12), 47)), time=NOON + SECOND),
]


# What the contract calls them, where it does not list them yet.


def dtype_of(name):
    return FIELDS[name].dtype


def test_a_whole_table(tmp_path):
    flows = read_quietly(save(tmp_path, "node-1.pcap", pcap(FRAMES, nano=True)), agent_ip="10.0.0.11")
    expected = pd.DataFrame(
        {
            "TimeFlowStartMs": [MS, MS + 1, MS + 1000, MS + 1000, MS + 1000],
            "TimeFlowEndMs": [MS + 1000, MS + 1, MS + 1000, MS + 1000, MS + 1000],
            "SrcAddr": [A, B, A, A, "::ffff:10.0.0.1"],
            "DstAddr": [B, A, B, B, "2001:db8::a"],
            "SrcPort": [40000, 443, None, None, 0],
            "DstPort": [443, 40000, None, None, 53],
            "Proto": [6, 6, 47, 1, 17],
            "IcmpType": [None, None, None, 3, None],
            "IcmpCode": [None, None, None, 1, None],
            "Flags": [18, 256, None, None, None],
            "Bytes": [54 + 154, 54, 46, 66, 70],
            "Packets": [2, 1, 1, 1, 1],
            "Etype": [2048, 2048, 2048, 2048, 34525],
            "AgentIP": ["10.0.0.11"] * 5,
            "CaptureFile": ["node-1"] * 5,
            "Dscp": [0] * 5,
            "TimeFlowStartNs": [NOON, NOON + 1_999_999, *[NOON + SECOND] * 3],
            "TimeFlowEndNs": [NOON + SECOND, NOON + 1_999_999, *[NOON + SECOND] * 3],
            "SrcMac": ["02:00:00:00:00:01"] * 5,
            "DstMac": ["02:00:00:00:00:02"] * 5,
        }
    )
    for name in expected:
        expected[name] = expected[name].astype(dtype_of(name))
    pd.testing.assert_frame_equal(flows, expected, check_categorical=False)


def test_both_ends_share_their_categories_in_order_of_number(tmp_path):
    flows = read_quietly(save(tmp_path, "a.pcap", pcap(FRAMES)))
    assert flows["SrcAddr"].cat.categories.tolist() == [A, B, "::ffff:10.0.0.1", "2001:db8::a"]
    assert flows["SrcAddr"].dtype == flows["DstAddr"].dtype


def test_an_empty_capture_has_all_columns_in_their_types(tmp_path):
    flows = read_quietly(save(tmp_path, "a.pcap", pcap([])))
    assert len(flows) == 0
    assert {name: str(dtype) for name, dtype in flows.dtypes.items()} == {name: dtype_of(name) for name in flows}


@pytest.mark.parametrize("address", ["::", "::1", "::a00:1", "::ffff:10.0.0.1", "2001:db8::1:0:0:1", "1:0:2:3:4:5:6:7"])
def test_ipv6_text_is_canonical(tmp_path, address):
    flows = read_quietly(save(tmp_path, "a.pcap", pcap([Frame(ether(ip6(udp(), 17, address), 0x86DD))])))
    assert flows["SrcAddr"].tolist() == [address]


def test_an_ipv4_address_and_its_mapped_ipv6_twin_are_two_flows(tmp_path):
    twin = Frame(ether(ip6(udp(), 17, "::ffff:10.128.0.7", "::ffff:172.30.0.10"), 0x86DD))
    flows = read_quietly(save(tmp_path, "a.pcap", pcap([Frame(ether(ip4(udp(), 17))), twin])))
    assert flows["SrcAddr"].tolist() == [A, "::ffff:10.128.0.7"]
