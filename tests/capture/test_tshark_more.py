"""Differential against tshark where packets lie inside others: link layers, tunnels, pcapng, what scapy crafts, Debian's own captures."""

from __future__ import annotations

import shutil
import subprocess
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest

from capture.pcap.decode import View
from capture.pcap.plan import Plan
from tests.capture import craft_more as more
from tests.capture.craft import NOON, Frame, ether, ip4, pcap, save, udp
from tests.capture.tables import read_quietly
from tests.capture.test_tshark import assert_same

pytestmark = [
    pytest.mark.tshark,
    pytest.mark.skipif(
        not (shutil.which("tshark") and shutil.which("capinfos")), reason="tshark or capinfos is absent"
    ),
]

SYN_ACK, RST_ACK = 256, 1024
FIELDS = [
    "frame.len",
    "frame.time_epoch",
    "frame.protocols",
    "ip.src",
    "ip.dst",
    "ip.dsfield.dscp",
    "ipv6.src",
    "ipv6.dst",
    "ipv6.tclass.dscp",
    "tcp.srcport",
    "tcp.dstport",
    "udp.srcport",
    "udp.dstport",
]


def tshark(path, fields, *options) -> list[dict[str, list[str]]]:
    """Every occurrence of some fields, packet by packet."""
    command = ["tshark", "-n", "-r", str(path), *options, "-T", "fields", "-E", "occurrence=a"]
    command += [part for name in fields for part in ("-e", name)]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    rows = (zip(fields, line.split("\t"), strict=True) for line in lines)
    return [{name: value.split(",") if value else [] for name, value in row} for row in rows]


def innermost(rows) -> Counter:
    """Packets, bytes and last times by the innermost addresses and ports."""
    flows: Counter = Counter()
    for row in rows:
        version = [layer for layer in row["frame.protocols"][0].split(":") if layer in ("ip", "ipv6")][-1]
        transport = next(name for name in ("tcp", "udp") if name in row["frame.protocols"][0].split(":")[-3:])
        dscp = row["ip.dsfield.dscp" if version == "ip" else "ipv6.tclass.dscp"][-1]
        ends = (row[f"{version}.src"][-1], row[f"{version}.dst"][-1])
        ports = (int(row[f"{transport}.srcport"][-1]), int(row[f"{transport}.dstport"][-1]))
        time = int(Decimal(row["frame.time_epoch"][0]) * 10**9)
        flows[(*ends, *ports, int(dscp), int(row["frame.len"][0]), time)] += 1
    return flows


def ours(flows) -> Counter:
    names = ["SrcAddr", "DstAddr", "SrcPort", "DstPort", "Dscp", "Bytes", "TimeFlowStartNs", "Packets"]
    rows = flows[names].astype(object).values.tolist()
    return Counter({tuple(row[:-1]): row[-1] for row in rows})


@pytest.mark.parametrize("name", more.LINKS)
def test_link_layers(tmp_path, name):
    link, frame = more.LINKS[name]
    path = save(tmp_path, "a.pcap", pcap([Frame(frame)], link=link))
    assert ours(read_quietly(path)) == innermost(tshark(path, FIELDS))


@pytest.mark.parametrize("name", more.TUNNELS)
def test_the_inside_of_tunnels(tmp_path, name):
    path = save(tmp_path, "a.pcap", pcap([Frame(more.TUNNELS[name])]))
    assert ours(read_quietly(path)) == innermost(tshark(path, FIELDS))


def test_pcapng_of_several_interfaces_and_clocks(tmp_path):
    data = b""
    for port, order in ((1000, "<"), (2000, ">")):
        data += more.section(order) + more.interface(order=order, name="eth0")
        data += more.interface(101, order=order, resolution=9, offset=7) + more.interface(order=order, resolution=0x94)
        for number, ticks in enumerate((10**6, 10**9, 2**20)):
            frame = ether(ip4(udp(port + number, 7), 17))
            data += more.enhanced(Frame(frame[14:] if number == 1 else frame), number, order=order, ticks=ticks)
    path = save(tmp_path, "a.pcapng", data)
    flows = read_quietly(path)
    rows = tshark(path, [*FIELDS, "frame.interface_name"])
    assert sum(ours(flows).values()) == len(rows) == 6
    assert {key[:6] for key in ours(flows)} == {key[:6] for key in innermost(rows)}
    # tshark shows fractions of 2^-20 s cut to its own digits.
    assert all(abs(one - other) < 1000 for one, other in zip(_times(ours(flows)), _times(innermost(rows)), strict=True))
    assert sorted(name[0] for name in flows["Interfaces"].dropna()) == ["eth0", "eth0"]


def _times(flows) -> list[int]:
    return sorted(key[-1] for key in flows)


def test_vlans_in_the_key(tmp_path):
    frames = [Frame(ether(ip4(udp(), 17), 0x0800, tags)) for tags in ([0x8100], [0x88A8, 0x8100])]
    path = save(tmp_path, "a.pcap", pcap(frames))
    flows = read_quietly(path, plan=Plan(View(vlan="key")))
    outermost = {int((row["ieee8021ad.id"] or row["vlan.id"])[0]) for row in tshark(path, ["ieee8021ad.id", "vlan.id"])}
    assert set(flows["Vlan"]) == outermost


def test_round_trips(tmp_path, root):
    paths = [save(tmp_path, "a.pcap", pcap(more.handshake(), nano=True)), *sorted((root / "data/cluster").glob("*.gz"))]
    for path in paths:
        flows = read_quietly(path)
        names = ["ip.src", "ipv6.src", "tcp.srcport", "ip.dst", "ipv6.dst", "tcp.dstport", "tcp.analysis.initial_rtt"]
        expected: dict = {}
        for row in tshark(path, names, "-Y", "tcp.analysis.initial_rtt"):
            ends = (
                *(row["ip.src"] or row["ipv6.src"]),
                int(row["tcp.srcport"][0]),
                *(row["ip.dst"] or row["ipv6.dst"]),
            )
            rtt = int(Decimal(row["tcp.analysis.initial_rtt"][0]) * 10**9)
            key = (*ends, int(row["tcp.dstport"][0]))
            # tshark shows it on packets after the handshake only; here it belongs to both directions.
            for either in (key, (*key[2:], *key[:2])):
                expected[either] = max(rtt, expected.get(either, 0))
        timed = flows[flows["TimeFlowRttNs"].notna()]
        rows = timed[["SrcAddr", "SrcPort", "DstAddr", "DstPort", "TimeFlowRttNs"]].astype(object).values.tolist()
        found = {tuple(row[:4]): row[4] for row in rows}
        # tshark times refused connections too, from SYN to RST; the agent's field and ours want an established one.
        refused = flows[(flows["Proto"] == 6) & (flows["Flags"] & RST_ACK > 0) & (flows["Flags"] & SYN_ACK == 0)]
        names = ["SrcAddr", "SrcPort", "DstAddr", "DstPort"]
        never = set(refused[names].itertuples(index=False, name=None))
        never |= {(*key[2:], *key[:2]) for key in never}
        assert found == {key: rtt for key, rtt in expected.items() if key not in never}


def test_dns_answers(root):
    for path in sorted((root / "data/cluster").glob("*.gz")):
        flows = read_quietly(path)
        names = ["ip.src", "ip.dst", "udp.dstport", "dns.id", "dns.flags", "dns.qry.name", "dns.time"]
        rows = tshark(path, names, "-Y", "dns.flags.response == 1 && udp.srcport == 53 && ip && !icmp")
        expected = {(*row["ip.src"], *row["ip.dst"], int(row["udp.dstport"][0])): row for row in rows}
        told = flows[flows["DnsId"].notna() & (flows["Proto"] == 17) & (flows["Etype"] == 0x0800)]
        assert len(told) == len(expected) > 0
        for one in told.itertuples():
            row = expected[(one.SrcAddr, one.DstAddr, one.DstPort)]
            assert (one.DnsId, one.DnsFlags, one.DnsName) == (
                int(row["dns.id"][0], 16),
                int(row["dns.flags"][0], 16),
                row["dns.qry.name"][0],
            )


def test_what_scapy_crafts(tmp_path):
    scapy = pytest.importorskip("scapy.all", reason="scapy is absent")
    inside = scapy.Ether() / scapy.IP(src="10.1.1.1", dst="10.2.2.2", tos=0xB8) / scapy.TCP(sport=1, dport=2, flags="S")
    outside = scapy.Ether() / scapy.IP(src="192.0.2.1", dst="192.0.2.2")
    six = scapy.IPv6(src="2001:db8::1", dst="2001:db8::2", tc=0x28)
    packets = [
        inside,
        scapy.Ether() / scapy.Dot1AD(vlan=3) / scapy.Dot1Q(vlan=4) / inside[scapy.IP],
        outside / scapy.UDP(sport=9, dport=4789) / scapy.VXLAN(vni=5) / inside,
        outside / scapy.GRE(key_present=1, key=7) / inside[scapy.IP],
        outside / inside[scapy.IP],
        outside / six / scapy.UDP(sport=3, dport=4) / b"six in four",
        scapy.Ether()
        / scapy.IP(src="10.1.1.1", dst="10.2.2.2", options=[scapy.IPOption_NOP()] * 4)
        / scapy.UDP(sport=5, dport=6),
        scapy.Ether()
        / six
        / scapy.IPv6ExtHdrHopByHop()
        / scapy.IPv6ExtHdrDestOpt()
        / scapy.UDP(sport=7, dport=8)
        / b"x",
        scapy.Ether() / scapy.PPPoE(sessionid=1) / scapy.PPP() / inside[scapy.IP],
    ]
    path = tmp_path / "a.pcap"
    frames = [Frame(bytes(packet), time=NOON + 10**9 * place) for place, packet in enumerate(packets)]
    path.write_bytes(pcap(frames))
    assert sum(ours(read_quietly(path)).values()) == len(packets)
    flows = read_quietly(path, plan=Plan(View(vlan="key")))
    theirs = innermost(tshark(path, FIELDS))
    assert {key[:5] for key in ours(flows)} == {key[:5] for key in theirs}
    assert flows["Bytes"].sum() == sum(key[5] for key in theirs)


def _debian() -> list[Path]:
    folders = (Path("/usr/share"), Path("/usr/lib/python3"), Path("/usr/lib/wireshark"))
    endings = ("*.pcap", "*.pcapng", "*.cap", "*.pcap.gz", "*.pcapng.gz", "*.cap.gz")
    return sorted(path for folder in folders if folder.exists() for ending in endings for path in folder.rglob(ending))


@pytest.mark.parametrize("path", _debian() or [None], ids=lambda path: path.name if path else "none")
def test_captures_that_debian_packages_ship(path):
    if path is None:
        return  # no installed package ships a capture: there is nothing to compare
    assert_same(path)
