"""Differential: packets, bytes and flows against tshark and capinfos, on crafted captures and on the recorded cluster."""

from __future__ import annotations

import shutil
import subprocess
from collections import Counter
from decimal import Decimal
from random import Random

import pytest

import capture
from tests.capture import craft, slow
from tests.capture.craft import Frame, ether, ip4, ip6, pcap, save
from tests.capture.tables import as_dict, in_ms, read_quietly

pytestmark = [
    pytest.mark.tshark,
    pytest.mark.skipif(
        not (shutil.which("tshark") and shutil.which("capinfos")), reason="tshark or capinfos is absent"
    ),
]

PLAIN = ("ip.src", "ip.dst", "ip.proto", "ip.id", "ip.frag_offset", "ip.flags.mf")
CHAIN = ("ipv6.nxt", "ipv6.hopopts.nxt", "ipv6.routing.nxt", "ipv6.dstopts.nxt", "ah.next_header", "ipv6.fraghdr.nxt")
SIX = ("ipv6.src", "ipv6.dst", *CHAIN, "ipv6.fraghdr.ident", "ipv6.fraghdr.offset", "ipv6.fraghdr.more")
ENDS = {
    6: ("tcp.srcport", "tcp.dstport"),
    17: ("udp.srcport", "udp.dstport"),
    132: ("sctp.srcport", "sctp.dstport"),
    1: ("icmp.type", "icmp.code"),
    58: ("icmpv6.type", "icmpv6.code"),
}
FIELDS = (
    "frame.len",
    "frame.time_epoch",
    *PLAIN,
    *SIX,
    *(name for pair in ENDS.values() for name in pair),
    "tcp.flags",
)
NO_REASSEMBLY = ("ip.defragment:FALSE", "ipv6.defragment:FALSE", "tcp.desegment_tcp_streams:FALSE")


def tshark(path) -> slow.Result:
    """What tshark sees, packet by packet, counted into flows as the slow reference does."""
    command = ["tshark", "-n", "-r", str(path), "-T", "fields", "-E", "occurrence=f"]
    command += [part for option in NO_REASSEMBLY for part in ("-o", option)]
    command += [part for name in FIELDS for part in ("-e", name)]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    rows = [dict(zip(FIELDS, line.split("\t"), strict=True)) for line in lines]
    packets = [packet for row in rows if (packet := _packet(row))]
    slow._give_ports(packets)
    result = slow.Result(account=Counter(packets=len(rows), bytes=sum(int(row["frame.len"]) for row in rows)))
    result.account.update(ip_packets=len(packets), ip_bytes=sum(packet.wire for packet in packets))
    for packet in packets:
        slow._count(result.flows, packet)
    return result


def _packet(row):
    # An IPv4 packet may carry IPv6 headers inside an ICMP error; the outer header is the one that has a protocol.
    wire, time = int(row["frame.len"]), int(Decimal(row["frame.time_epoch"]) * 10**9)
    if row["ip.src"]:
        etype, ends, proto = 0x0800, (row["ip.src"], row["ip.dst"]), int(row["ip.proto"])
        offset, more = int(row["ip.frag_offset"]), row["ip.flags.mf"] in ("1", "True")
        datagram = (*ends, proto, row["ip.id"])
    elif row["ipv6.src"]:
        etype, ends, proto = 0x86DD, (row["ipv6.src"], row["ipv6.dst"]), _last(row)
        offset, more = int(row["ipv6.fraghdr.offset"] or 0), row["ipv6.fraghdr.more"] in ("1", "True")
        datagram = (*ends, "any", row["ipv6.fraghdr.ident"])
    else:
        return None
    names = ENDS.get(proto) if not offset else None
    numbers = tuple(int(row[name]) if row[name] else None for name in names) if names else (None, None)
    flags = slow._agent_flag(int(row["tcp.flags"], 16) & 255) if proto == 6 and row["tcp.flags"] and not offset else 0
    return slow.Packet(
        etype, *ends, proto, numbers, wire, time, flags, datagram if offset or more else None, offset > 0
    )


def _last(row) -> int:
    chain = [int(row[name]) for name in CHAIN if row[name]]
    if chain[0] not in slow.EXTENSIONS:
        return chain[0]
    return next((proto for proto in chain if proto not in slow.EXTENSIONS), chain[0])


def capinfos(path) -> tuple[int, int]:
    output = subprocess.run(
        ["capinfos", "-M", "-c", "-d", str(path)], capture_output=True, text=True, check=False
    ).stdout
    found = {line.split(":")[0]: line.split(":")[1].split()[0] for line in output.splitlines()[1:] if ":" in line}
    return int(found["Number of packets"]), int(found["Data size"])


def assert_same(path):
    flows = read_quietly(path)
    seen, found = tshark(path), capture.report(flows)
    assert as_dict(flows) == in_ms(seen.flows)
    assert {name: found.total(name) for name in seen.account} == dict(seen.account)
    assert (found.total("packets"), found.total("bytes")) == capinfos(path)


def whole_frames() -> list[Frame]:
    """Whole frames of every kind, with first and later fragments out of order."""
    udp, tcp = craft.udp(5000, 7, bytes(16)), craft.tcp(40001, 80, craft.SYN)
    chain = craft.extension(43) + craft.extension(60, bytes(4) + b"\0\0") + craft.extension(6, b"\1\4\0\0\0\0") + tcp
    data = [
        ether(ip4(craft.tcp(), 6)),
        ether(ip4(craft.tcp(443, 40000, craft.SYN_ACK), 6, craft.B, craft.A)),
        ether(ip4(craft.tcp(flags=craft.PSH_ACK, payload=bytes(300)), 6, options=b"\1" * 12)),
        ether(ip4(craft.udp(payload=bytes(9)), 17), 0x0800, [0x8100]),
        ether(ip4(craft.sctp(), 132), 0x0800, [0x88A8, 0x8100]),
        ether(ip4(craft.icmp(), 1)) + bytes(18),
        craft.snap(ip4(craft.udp(1, 2), 17)),
        craft.arp(),
        ether(b"\x42\x42\x03" + bytes(40), 43),
        ether(ip6(craft.udp(7, 7), 17), 0x86DD),
        ether(ip6(chain, 0), 0x86DD),
        ether(ip6(craft.icmp(128, 0), 58), 0x86DD, [0x8100]),
        ether(ip4(bytes(8), 17, ident=77, offset=24)),
        ether(ip4(udp, 17, ident=77, more=True)),
        ether(ip6(craft.fragment6(17, ident=5, more=True) + udp, 44), 0x86DD),
        ether(ip6(craft.fragment6(17, ident=5, offset=24) + bytes(8), 44), 0x86DD),
        ether(ip4(bytes(12), 47 + 100)),
        ether(ip4(craft.icmp(3, 3)[:8] + ip4(craft.udp(9, 10), 17, craft.B, craft.A), 1)),
    ]
    return [Frame(frame, time=craft.NOON + 1_234_567 * place) for place, frame in enumerate(data)]


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("nano", [False, True])
def test_every_kind_of_whole_frame(tmp_path, order, nano):
    assert_same(save(tmp_path, "a.pcap", pcap(whole_frames(), order=order, nano=nano)))


def test_the_wide_record_header(tmp_path):
    data = pcap(whole_frames(), magic=0xA1B2CD34, header=24)
    path = save(tmp_path, "a.pcap", data.replace(b"\xee" * 8, bytes(8)))
    assert as_dict(read_quietly(path)) == in_ms(tshark(path).flows)


def test_snapped_frames(tmp_path):
    frames = [craft.cut(frame.data, 64, frame.time) for frame in whole_frames() if b"\x86\xdd" not in frame.data[12:20]]
    assert_same(save(tmp_path, "a.pcap", pcap(frames)))


def test_totals_of_random_captures_whole_and_cut(tmp_path):
    for seed in range(12):
        data = pcap(craft.random_frames(Random(seed), 200))
        path = save(tmp_path, f"{seed}.pcap", data[: len(data) - seed * 5])
        found = capture.report(read_quietly(path))
        assert (found.total("packets"), found.total("bytes")) == capinfos(path)


def _recordings(root):
    return sorted((root / "data" / "cluster").glob("*.pcap.gz"))


def test_the_recorded_cluster(root):
    paths = _recordings(root)
    if not paths:
        pytest.skip("data/cluster holds no recording: make data")
    for path in paths:
        assert_same(path)
