"""Deep fields by tshark, a flow's packets, packet objects by pyshark: also inside a running event loop, and when they fail."""

from __future__ import annotations

import asyncio
import importlib.util
import shutil
import sys

import pandas as pd
import pytest

import capture
from capture.dissect import objects, tshark
from flowkit.contract import provenance
from flowkit.errors import CaptureError
from tests.capture import craft
from tests.capture.craft import A6, B6, NOON, A, B, Frame, ether, ip4, ip6, pcap, save
from tests.capture.messages import address, dns, dns_reply, segment
from tests.capture.tables import read_quietly

needs_tshark = pytest.mark.skipif(not shutil.which("tshark"), reason="tshark is absent")
needs_pyshark = pytest.mark.skipif(
    importlib.util.find_spec("pyshark") is None or sys.version_info >= (3, 14),
    reason="pyshark is absent or cannot run here",
)

REPLY = dns_reply(dns("shop", [address(b"\xc0\x0c", "10.0.0.1"), address(b"\xc0\x0c", "10.0.0.2")]))
TCP_KEY = (A, 40000, B, 443, 6)


@pytest.fixture
def mixed(tmp_path):
    """TCP both ways, DNS, an ICMP error about the TCP flow, a ping over IPv6."""
    error = craft.icmp(3, 1)[:8] + ip4(craft.tcp(), 6)
    data = [
        segment(b"one"),
        segment(b"three", 4),
        ether(ip4(craft.tcp(443, 40000, craft.ACK), 6, B, A)),
        REPLY,
        ether(ip4(error, 1, B, A)),
        ether(ip4(error, 1, A, B)),
        ether(ip6(craft.icmp(128), 58), 0x86DD),
    ]
    return save(tmp_path, "a.pcap", pcap([Frame(frame, time=NOON + place * 10**9) for place, frame in enumerate(data)]))


@pytest.mark.tshark
@needs_tshark
class TestTshark:
    """What runs tshark itself."""

    def test_fields_are_text_columns_and_missing_where_a_packet_has_none(self, mixed):
        table = capture.dissect(mixed, ["frame.number", "dns.a", "tcp.len"])
        assert table["frame.number"].tolist() == [*"1234567"]
        assert table["dns.a"].dropna().tolist() == ["10.0.0.1,10.0.0.2"]
        assert set(table.dtypes.astype(str)) == {"str"}
        assert provenance(table).sources == ("a.pcap",)

    def test_a_filter_chooses_packets(self, mixed):
        assert capture.dissect(mixed, ["frame.number"], "dns")["frame.number"].tolist() == ["4"]
        nothing = capture.dissect(mixed, ["frame.number", "ip.src"], "sctp")
        assert (list(nothing), len(nothing), str(nothing["ip.src"].dtype)) == (["frame.number", "ip.src"], 0, "str")

    def test_a_column_of_nothing_keeps_its_rows(self, mixed):
        assert capture.dissect(mixed, ["sctp.srcport"]).shape == (7, 1)

    def test_text_of_strangers_stays_one_cell(self, tmp_path):
        path = save(
            tmp_path,
            "a.pcap",
            pcap([Frame(segment(b'GET /"a\tb HTTP/1.1\r\nHost: a\t"b\x00\x0a\xff\r\n\r\n', dport=80))] * 2),
        )
        table = capture.dissect(path, ["http.host", "frame.number"])
        assert table["frame.number"].tolist() == ["1", "2"]

    @pytest.mark.parametrize(
        ("fields", "filter", "message"),
        [
            (["no.such"], "", r"a.pcap: Some fields aren't valid: no.such"),
            (["ip.src"], "ip.src ==", r"a.pcap: .*end of filter"),
            (["ip.src"], "nosuch.field", "a.pcap: .*nosuch.field.* is "),
            ([], "", "each once"),
            (["ip.src", "ip.src"], "", "each once"),
        ],
    )
    def test_tsharks_own_message_is_the_error(self, mixed, fields, filter, message):  # noqa: A002
        with pytest.raises(CaptureError, match=message):
            capture.dissect(mixed, fields, filter)

    def test_what_is_no_capture_is_an_error_and_what_is_cut_gives_its_packets(self, tmp_path, mixed):
        with pytest.raises(CaptureError, match="bad.pcap: .*"):
            capture.dissect(save(tmp_path, "bad.pcap", bytes(9)), ["ip.src"])
        short = save(tmp_path, "cut.pcap", mixed.read_bytes()[:-5])
        with pytest.warns(capture.CaptureWarning, match="cut.pcap: .*cut short") as caught:
            assert len(capture.dissect(short, ["ip.src"])) == 6
        assert caught[0].filename == __file__

    def test_a_name_that_looks_like_an_option_is_a_file(self, mixed, monkeypatch):
        monkeypatch.chdir(mixed.parent)
        mixed.rename("-h")
        assert len(capture.dissect("-h", ["frame.number"])) == 7

    def test_it_works_inside_a_running_event_loop(self, mixed):
        async def cell():
            return len(capture.dissect(mixed, ["frame.number"]))

        assert asyncio.run(cell()) == 7

    def test_every_flow_finds_exactly_its_packets(self, mixed):
        flows = read_quietly(mixed)
        for _, flow in flows.iterrows():
            packets = capture.packets_of(flow, mixed)
            assert len(packets) == flow["Packets"]
            assert packets["Length"].astype(int).sum() == flow["Bytes"]

    def test_a_key_finds_one_way_or_both(self, mixed):
        one, both = capture.packets_of(TCP_KEY, mixed), capture.packets_of(TCP_KEY, mixed, both=True)
        assert (one["Number"].tolist(), both["Number"].tolist()) == (["1", "2"], ["1", "2", "3"])
        assert one.attrs["display_filter"] == capture.display_filter(TCP_KEY)
        assert one["Protocol"].tolist()[0] in ("TCP", "TLSv1", "SSL")
        assert list(one) == ["Number", "Time", "Source", "Destination", "Protocol", "Length", "Info"]

    def test_the_tree_is_that_of_its_first_packets(self, mixed):
        tree = capture.packet_tree(TCP_KEY, mixed)
        assert tree.count("\nTransmission Control Protocol") == 2
        assert capture.packet_tree(TCP_KEY, mixed, most=1).count("\nTransmission Control Protocol") == 1


@pytest.mark.tshark
@needs_tshark
@needs_pyshark
class TestPyshark:
    """Packet objects."""

    def test_packets_are_objects_inside_a_running_event_loop_too(self, mixed):
        async def cell():
            return capture.pyshark_packets(mixed, "dns")

        for packets in (asyncio.run(cell()), capture.pyshark_packets(mixed, "dns")):
            assert [packet.dns.qry_name for packet in packets] == ["shop"]

    def test_most_stops_early(self, mixed):
        assert len(capture.pyshark_packets(mixed, most=2)) == 2

    def test_its_errors_are_tsharks_words(self, mixed, tmp_path):
        with pytest.raises(CaptureError, match="a.pcap: .*end of filter"):
            capture.pyshark_packets(mixed, "ip.src ==")
        with pytest.warns(capture.CaptureWarning, match="cut short"):
            assert len(capture.pyshark_packets(save(tmp_path, "cut.pcap", mixed.read_bytes()[:-5]))) == 6


def test_the_filter_of_each_kind_of_flow():
    six = {"SrcAddr": A6, "DstAddr": B6, "Proto": 58, "IcmpType": 128, "IcmpCode": 0}
    assert (
        capture.display_filter(six) == f"ipv6.src == {A6} && ipv6.dst == {B6} && icmpv6.type == 128 && icmpv6.code == 0"
    )
    other = pd.Series({"SrcAddr": A, "DstAddr": B, "Proto": 47, "SrcPort": pd.NA})
    assert capture.display_filter(other) == f"ip.src == {A} && ip.dst == {B} && ip.proto == 47"
    timed = {
        "SrcAddr": A,
        "DstAddr": B,
        "Proto": 1,
        "TimeFlowStartMs": 1_700_000_000_001,
        "TimeFlowEndMs": 1_700_000_000_999,
    }
    assert capture.display_filter(timed).endswith(
        " && icmp && frame.time_epoch >= 1700000000.001 && frame.time_epoch < 1700000001.000"
    )


@pytest.mark.parametrize(
    ("flow", "message"),
    [
        ((A, B), "a flow's key is SrcAddr, SrcPort"),
        ({"SrcAddr": A, "DstAddr": B}, "has no Proto"),
        ({"SrcAddr": "1.2.3.4 || tcp", "DstAddr": B, "Proto": 6}, "is not an IP address"),
        (pd.DataFrame({"Proto": [6, 6]}), "2 rows were given"),
    ],
)
def test_what_is_no_flow_is_an_error(flow, message):
    with pytest.raises(CaptureError, match=message):
        capture.display_filter(flow)


def test_without_the_programs_the_error_names_them(mixed, monkeypatch):
    monkeypatch.setattr(tshark.shutil, "which", lambda _: None)
    for call in (lambda: capture.dissect(mixed, ["ip.src"]), lambda: capture.pyshark_packets(mixed)):
        with pytest.raises(CaptureError, match="tshark is not installed: 'apt install tshark'"):
            call()


def test_without_pyshark_and_on_a_python_it_cannot_run_on(mixed, monkeypatch):
    monkeypatch.setattr(objects, "program", lambda: "tshark")
    monkeypatch.setitem(sys.modules, "pyshark", None)
    with pytest.raises(CaptureError, match="pyshark is not installed"):
        capture.pyshark_packets(mixed)
    monkeypatch.setitem(sys.modules, "pyshark", object())
    monkeypatch.delattr(asyncio, "set_child_watcher", raising=False)
    with pytest.raises(CaptureError, match="does not work on Python 3.14"):
        capture.pyshark_packets(mixed)
