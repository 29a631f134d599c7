"""Later fragments get the ports of their datagram's first one: in order, out of order, across batches, never mixed up."""

from __future__ import annotations

import pytest

import capture
from tests.capture.craft import Frame, ether, fragment6, icmp, ip4, ip6, pcap, save, tcp, udp
from tests.capture.tables import read_quietly

FIRST = ether(ip4(udp(5000, 53, bytes(16)), 17, ident=9, more=True))
MIDDLE = ether(ip4(bytes(24), 17, ident=9, offset=24, more=True))
LAST = ether(ip4(bytes(8), 17, ident=9, offset=48))


def flows_of(folder, frames, chunk=1 << 20):
    flows = read_quietly(save(folder, "a.pcap", pcap([Frame(frame) for frame in frames])), chunk=chunk)
    return flows, flows[["Proto", "SrcPort", "DstPort", "Packets"]].astype(object).values.tolist()


@pytest.mark.parametrize("chunk", [60, 1 << 20], ids=["a batch each", "one batch"])
@pytest.mark.parametrize("order", [[FIRST, MIDDLE, LAST], [LAST, MIDDLE, FIRST], [MIDDLE, FIRST, LAST]])
def test_fragments_in_any_order_are_one_flow(tmp_path, order, chunk):
    flows, rows = flows_of(tmp_path, order, chunk)
    assert rows == [[17, 5000, 53, 3]]
    assert capture.report(flows).files["a.pcap"].reasons == {}


def test_ipv6_fragments_get_the_last_protocol_of_the_first(tmp_path):
    first = ether(ip6(fragment6(17, ident=3, more=True) + udp(1, 2), 44), 0x86DD)
    later = ether(ip6(fragment6(60, ident=3, offset=16) + bytes(8), 44), 0x86DD)
    assert flows_of(tmp_path, [later, first])[1] == [[17, 1, 2, 2]]


def test_icmp_type_is_given_on_too(tmp_path):
    first = ether(ip4(icmp(8, 0), 1, more=True))
    later = ether(ip4(bytes(8), 1, offset=32))
    flows, _ = flows_of(tmp_path, [first, later])
    assert flows[["IcmpType", "IcmpCode", "Packets"]].values.tolist() == [[8, 0, 2]]


def test_flags_come_from_the_first_only(tmp_path):
    first = ether(ip4(tcp(1, 2), 6, more=True))
    later = ether(ip4(b"\xff" * 24, 6, offset=24))
    flows, rows = flows_of(tmp_path, [later, first])
    assert (rows, flows["Flags"].tolist()) == ([[6, 1, 2, 2]], [2])


@pytest.mark.parametrize(
    "stranger",
    [
        ether(ip4(bytes(8), 17, ident=10, offset=48)),
        ether(ip4(bytes(8), 6, ident=9, offset=48)),
        ether(ip4(bytes(8), 17, src="10.128.0.8", ident=9, offset=48)),
    ],
    ids=["other id", "other protocol", "other source"],
)
def test_fragments_of_another_datagram_stay_without_ports_and_are_counted(tmp_path, stranger):
    flows, rows = flows_of(tmp_path, [FIRST, stranger])
    assert sorted(row[3] for row in rows) == [1, 1]
    assert flows["SrcPort"].isna().sum() == 1
    assert capture.report(flows).files["a.pcap"].reasons == {
        "IP fragments without their first one (kept, without ports)": 1
    }


def test_a_reused_identification_takes_the_newest_first_fragment(tmp_path):
    newer = ether(ip4(udp(6000, 53, bytes(16)), 17, ident=9, more=True))
    _, rows = flows_of(tmp_path, [FIRST, MIDDLE, newer, LAST])
    assert sorted(rows) == [[17, 5000, 53, 2], [17, 6000, 53, 2]]
