"""Not one packet or byte of the recording is lost or invented: tshark and capinfos count the same."""

from __future__ import annotations

import shutil
import subprocess

import pytest

import capture

pytestmark = [
    pytest.mark.tshark,
    pytest.mark.skipif(
        not (shutil.which("tshark") and shutil.which("capinfos")), reason="tshark and capinfos are not installed"
    ),
]


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_packets_and_bytes_are_capinfos(packets, cluster):
    for path in sorted(cluster.glob("*.pcap.gz")):
        facts = run("capinfos", "-T", "-m", "-r", "-c", "-d", "-S", str(path)).strip().split(",")
        here = packets[packets["CaptureFile"] == path.name.removesuffix(".pcap.gz")]
        report = capture.report(packets).files[path.name]
        assert [int(here["Packets"].sum()) + report.not_ip_packets, int(here["Bytes"].sum()) + report.not_ip_bytes] == [
            int(facts[1]),
            int(facts[2]),
        ]


def test_packets_and_bytes_by_protocol_are_tsharks(packets, cluster):
    counted = {}
    for path in cluster.glob("*.pcap.gz"):
        lines = run(
            "tshark",
            "-r",
            str(path),
            "-T",
            "fields",
            "-e",
            "ip.proto",
            "-e",
            "ipv6.nxt",
            "-e",
            "frame.len",
            "-Y",
            "ip or ipv6",
        )
        for line in lines.splitlines():
            v4, v6, size = line.split("\t")
            proto = int((v4 or v6).split(",")[0])
            packets_, bytes_ = counted.get(proto, (0, 0))
            counted[proto] = packets_ + 1, bytes_ + int(size)
    ours = packets.groupby("Proto")[["Packets", "Bytes"]].sum().astype(int)
    # tshark names an extension header (hop-by-hop, for neighbour discovery) where we name what follows it.
    counted.pop(0, None)
    assert {proto: counted[proto] for proto in (1, 6, 17)} == {proto: tuple(ours.loc[proto]) for proto in (1, 6, 17)}
