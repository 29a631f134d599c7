"""NetFlow and IPFIX: nfdump's files in every form, a live collector, and the lab's matrix, all by real softflowd and nfdump."""

from __future__ import annotations

import shutil
import socket
import threading
from pathlib import Path

import pandas as pd
import pytest

import capture
import flowkit as fk
from flowkit.contract import flag_names, provenance
from flowkit.errors import SourceError
from flowkit.sources.netflow.collecting import Bounds, collect
from tests.sources import exporters
from tests.sources.alike import edges

SAMPLES = Path(__file__).parent / "samples"
NODE = "ip-10-0-0-11.eu-west-3.compute.internal.pcap.gz"


def test_the_json_of_nfdump():
    flows = fk.read(SAMPLES / "nfdump.json")
    row = flows.iloc[0]
    assert row[["SrcAddr", "DstAddr", "SrcPort", "DstPort", "Proto", "Bytes", "Packets", "TcpControlBits"]].tolist() == [
        "10.128.0.11", "10.129.0.12", 21, 47200, 6, 40, 1, 0x14,
    ]  # fmt: skip
    assert pd.Timestamp(row["TimeFlowStartMs"], unit="ms") == pd.Timestamp("2027-01-13T07:19:58.813")
    assert flag_names(flows["Flags"].head(2)).tolist() == [["RST_ACK"], ["SYN"]]
    unreachable = flows[flows["Proto"] == 1]
    assert unreachable[["IcmpType", "IcmpCode"]].values.tolist() == [[3, 1]]
    assert unreachable["SrcPort"].isna().all()
    assert fk.matrix(flows).edges["state"].tolist().count("refused") == 1


def test_csv_says_the_same_to_the_second():
    flows, json = fk.read(SAMPLES / "nfdump.csv"), fk.read(SAMPLES / "nfdump.json")
    times = ["TimeFlowStartMs", "TimeFlowEndMs"]
    pd.testing.assert_frame_equal(flows.drop(columns=times), json.drop(columns=times))
    assert (flows["TimeFlowStartMs"] // 1000).tolist() == (json["TimeFlowStartMs"] // 1000).tolist()
    assert any("taken as UTC" in note for note in provenance(flows).notes)


@exporters.needs_nfdump
def test_nfdumps_own_files_are_opened_by_nfdump(tmp_path):
    shutil.copy(SAMPLES / "nfcapd.sample", tmp_path / "-r nfcapd;x")
    flows, json = fk.read(tmp_path), fk.read(SAMPLES / "nfdump.json")
    pd.testing.assert_frame_equal(flows, json)
    assert provenance(flows).sources == ("-r nfcapd;x",)
    assert not any("UTC" in note for note in provenance(flows).notes)
    damaged = tmp_path / "nfcapd.damaged"
    damaged.write_bytes((SAMPLES / "nfcapd.sample").read_bytes()[:300])
    with pytest.raises(SourceError, match="nfdump finds no flow"):
        fk.read(damaged)


def test_without_nfdump_its_own_files_are_refused(monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(SourceError, match="nfdump, which alone knows its own files, is not installed"):
        fk.read(SAMPLES / "nfcapd.sample")


def test_records_of_both_ways_become_a_flow_each(tmp_path):
    path = tmp_path / "x.json"
    path.write_text(
        '{"type":"FLOW","proto":6,"src4_addr":"10.0.0.1","dst4_addr":"10.0.0.2","src_port":40000,"dst_port":80,"sampled":1,'
        '"in_packets":3,"in_bytes":180,"out_packets":2,"out_bytes":120,"tcp_flags":"...AP.SF","first":"2026-01-12T08:00:00.5"}'
    )
    flows = fk.read(path)
    assert flows[["SrcAddr", "SrcPort", "Bytes", "Packets"]].values.tolist() == [
        ["10.0.0.1", 40000, 180, 3],
        ["10.0.0.2", 80, 120, 2],
    ]
    assert flows["Flags"].isna().all()
    assert any("sampled" in note for note in provenance(flows).notes)
    assert any("of both ways" in note for note in provenance(flows).notes)


def test_damage_is_counted(tmp_path):
    path = tmp_path / "x.csv"
    text = (SAMPLES / "nfdump.csv").read_text().splitlines()
    path.write_text("\n".join([*text[:3], "2026,cut", text[3].replace(",1,", ",many,", 1)]))
    flows = fk.read(path)
    assert len(flows) == 3
    assert provenance(flows).losses["CSV rows of nfdump that have other columns than the header"] == 1


@pytest.fixture(scope="module")
def recording(cluster, tmp_path_factory):
    return exporters.unpacked(cluster / NODE, tmp_path_factory.mktemp("netflow"))


@exporters.needs_softflowd
@exporters.needs_nfdump
@pytest.mark.parametrize("version", ["9", "10"])
def test_the_labs_traffic_by_softflowd_and_nfdump(tmp_path, recording, inventory, version):
    flows = fk.read(exporters.collected(recording, tmp_path / "files", version))
    packets = capture.read_pcap(recording)
    packets = packets[packets["Proto"].isin([1, 6, 58])].assign(CaptureFile=Path(NODE).name.removesuffix(".pcap.gz"))
    found, wanted = edges(flows, inventory), edges(packets, inventory)
    # ICMPv6 in NetFlow 9 has no type, so a ping is no request; no node reports, so the API server stays behind its Service.
    assert {edge[9] for edge in wanted - found} == ({58} if version == "9" else set())
    assert {edge[4:7] for edge in found - wanted} == {("default", "Service", "kubernetes")}
    assert any("nothing tells whether they opened or answered" in note for note in provenance(flows).notes)


def listen(seconds, send, flows=None):
    """What a collector gives to which `send` sends."""
    result, opened = {}, threading.Event()

    def told(port):
        result["port"] = port
        opened.set()

    def run():
        try:
            result["flows"] = collect(Bounds("127.0.0.1", 0, seconds, flows), told)
        except SourceError as error:
            result["error"] = error

    thread = threading.Thread(target=run)
    thread.start()
    assert opened.wait(10)
    send(result["port"])
    thread.join(30)
    if "error" in result:
        raise result["error"]
    return result["flows"]


@exporters.needs_softflowd
@pytest.mark.parametrize(
    ("version", "options"), [("5", ()), ("9", ()), ("10", ("-b",))], ids=["v5", "v9", "IPFIX both ways"]
)
def test_a_live_collector_gets_what_the_packets_hold(recording, version, options):
    pytest.importorskip("netflume", reason="netflume is not installed")
    flows = listen(6, lambda port: exporters.export(recording, port, version, *options))
    packets = capture.read_pcap(recording)
    ipv4 = packets["SrcAddr"].notna() & ~packets["SrcAddr"].astype("str").str.contains(":")
    tcp = packets[(packets["Proto"] == 6) & (ipv4 if version == "5" else True)]
    mine = flows[flows["Proto"] == 6]
    assert int(mine["Packets"].sum()) == int(tcp["Packets"].sum())
    assert set(zip(mine["SrcAddr"], mine["SrcPort"], mine["DstPort"], strict=True)) == set(
        zip(tcp["SrcAddr"], tcp["SrcPort"], tcp["DstPort"], strict=True)
    )


def test_a_collector_says_what_it_could_not_use():
    pytest.importorskip("netflume", reason="netflume is not installed")

    def send(port):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            for datagram in (b"\x00", b"\x00\x07" + bytes(40), b"\x00\x05\x00\x01" + bytes(20)):
                sender.sendto(datagram, ("127.0.0.1", port))

    with pytest.raises(
        SourceError, match=r"no flow came .*1 datagrams that are no NetFlow or IPFIX, 1 datagrams of versions"
    ):
        listen(1, send)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("netflow://0.0.0.0:2055", "say for how many seconds"),
        ("netflow://0.0.0.0:2055?second=1", "'second' is not known"),
        ("netflow://0.0.0.0:2055?seconds=x", "are numbers"),
        ("netflow://0.0.0.0:2055?seconds=0", "more than 0"),
        ("netflow://0.0.0.0:99999?seconds=1", "must be like"),
    ],
)
def test_urls_are_checked(url, words):
    with pytest.raises(SourceError, match=words):
        fk.read(url)
