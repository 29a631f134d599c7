"""Differential: names against tshark's dissectors, on crafted captures and on the recorded cluster."""

from __future__ import annotations

import ipaddress
import shutil
import subprocess
from collections import Counter

import pytest

from capture.names.hostname import host_name, is_address
from capture.names.reading import find
from tests.capture import messages as say
from tests.capture.craft import A6, B6, A, B, Frame, pcap, save

pytestmark = [
    pytest.mark.tshark,
    pytest.mark.skipif(not shutil.which("tshark"), reason="tshark is absent"),
]

FIELDS = (
    "ip.dst",
    "ipv6.dst",
    "quic.version",
    "dns.flags.response",
    "dns.qry.name",
    "dns.a",
    "dns.aaaa",
    "tls.handshake.extensions_server_name",
    "http.host",
    "http.request.full_uri",
    "http.request.method",
)


def tshark(path) -> Counter:
    """What tshark shows, counted: address, name, source. Asked names stand for their answers."""
    command = ["tshark", "-n", "-r", str(path), "-T", "fields", "-E", "occurrence=a", "-E", "aggregator=|"]
    command += [part for name in FIELDS for part in ("-e", name)]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    seen: Counter = Counter()
    for line in lines:
        seen.update(_said(dict(zip(FIELDS, line.split("\t"), strict=True))))
    return seen


def _said(row):
    to = (row["ip.dst"] or row["ipv6.dst"]).split("|")[0]
    if row["dns.flags.response"] in ("1", "True"):
        for found in filter(None, [*row["dns.a"].split("|"), *row["dns.aaaa"].split("|")]):
            yield str(ipaddress.ip_address(found)), row["dns.qry.name"].lower(), "dns"
    for name in filter(None, row["tls.handshake.extensions_server_name"].split("|")):
        yield to, host_name(name.encode()), "quic-sni" if row["quic.version"] else "sni"
    if row["http.host"] and row["http.request.method"] != "CONNECT":
        name = host_name(row["http.host"].partition(":")[0].encode())
        if not is_address(name) and not row["http.host"].startswith("["):
            yield to, name, "http-host"


def ours(path) -> Counter:
    rows = find(path)[0].itertuples(index=False)
    return Counter({(row.Addr, row.Name, row.Source): row.Count for row in rows})


def test_every_kind_of_crafted_message(tmp_path):
    stream = say.in_records(say.hello(b"split.example", padding=1400))
    frames = [
        say.dns_reply(
            say.dns("shop.example", [say.address(b"\xc0\x0c", "198.51.100.1"), say.address(b"\xc0\x0c", "2001:db8::1")])
        ),
        say.dns_reply(
            say.dns(
                "www.example",
                [
                    say.record(b"\xc0\x0c", say.CNAME, say.wire_name("cdn.x")),
                    say.address(say.wire_name("cdn.x"), "203.0.113.9"),
                ],
            )
        ),
        say.dns_reply(say.dns("nothing.example", [], flags=0x8183)),
        say.segment(say.in_records(say.hello(b"one.example")), sport=50001),
        say.segment(stream[:700], 1, 50002, src=A6, dst=B6),
        say.segment(stream[700:], 701, 50002, src=A6, dst=B6),
        say.segment(say.request("cart.shop:8080"), sport=50003, dport=80),
        say.segment(say.request("shop", "shop:443", "CONNECT"), sport=50004, dport=3128),
    ]
    path = save(tmp_path, "a.pcap", pcap([Frame(frame) for frame in frames]))
    assert ours(path) == tshark(path)
    assert len(ours(path)) == 6


@pytest.mark.parametrize("version", [1, 0x6B3343CF])
def test_quic_initials(tmp_path, version):
    pytest.importorskip("cryptography", reason="cryptography is absent")
    packet = say.initial(say.crypto(0, say.hello(b"quic.example")), version=version)
    path = save(tmp_path, "a.pcap", pcap([Frame(say.datagram(packet))]))
    assert ours(path) == tshark(path) == Counter({(B, "quic.example", "quic-sni"): 1})
    assert A != B


def test_the_recorded_cluster(cluster):
    for path in sorted(cluster.glob("*.pcap.gz")):
        found, seen = ours(path), tshark(path)
        assert found - seen == Counter()  # none invented
        assert seen.total() - (seen - found).total() >= 0.96 * seen.total()
