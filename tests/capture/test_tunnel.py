"""Link layers and tunnels: whose flows come out, inside and outside, and what is said of those that cannot be entered."""

from __future__ import annotations

import pytest

import capture
from capture.pcap.decode import View
from capture.pcap.plan import Plan
from capture.pcap.tunnel import CUT_APART, CUT_INSIDE
from tests.capture import craft_more as more
from tests.capture.craft import Frame, arp, cut, ether, ip4, pcap, save, udp
from tests.capture.tables import read_quietly

INNER4 = ["10.1.1.1", "10.2.2.2", 1111, 2222]
INNER6 = ["2001:db8:1::1", "2001:db8:2::2", 1111, 2222]
OUTER = Plan(View(tunnels="outer"))


def ends(flows):
    return flows[["SrcAddr", "DstAddr", "SrcPort", "DstPort"]].astype(object).values.tolist()


def read(folder, frames, link=1, plan=Plan()):  # noqa: B008 - a frozen value
    return read_quietly(save(folder, "a.pcap", pcap(frames, link=link)), plan=plan)


@pytest.mark.parametrize("name", more.LINKS)
def test_every_link_layer(tmp_path, name):
    link, frame = more.LINKS[name]
    flows = read(tmp_path, [Frame(frame)], link)
    assert ends(flows) in ([INNER4], [INNER6])
    assert (flows["Bytes"].tolist(), "SrcMac" in flows) == ([len(frame)], link == 1)


@pytest.mark.parametrize("name", more.LINKS)
def test_cut_frames_of_every_link_layer_are_counted(tmp_path, name):
    link, frame = more.LINKS[name]
    frames = [cut(frame, size) for size in range(len(frame))]
    found = capture.report(read(tmp_path, frames, link)).files["a.pcap"]
    assert found.packets == found.ip_packets + found.not_ip_packets + found.undecoded_packets == len(frames)


@pytest.mark.parametrize("name", more.TUNNELS)
def test_the_inside_of_every_tunnel(tmp_path, name):
    flows = read(tmp_path, [Frame(more.TUNNELS[name])])
    assert ends(flows) in ([INNER4], [INNER6])
    assert flows["OuterSrcAddr"].tolist() in (["10.128.0.7"], ["2001:db8::7"])
    assert flows["Bytes"].tolist() == [len(more.TUNNELS[name])]


@pytest.mark.parametrize("name", more.TUNNELS)
def test_the_outside_of_every_tunnel(tmp_path, name):
    flows = read(tmp_path, [Frame(more.TUNNELS[name])], plan=OUTER)
    assert flows["SrcAddr"].tolist() in (["10.128.0.7"], ["2001:db8::7"])
    assert "OuterSrcAddr" not in flows


@pytest.mark.parametrize("name", more.TUNNELS)
def test_a_cut_tunnel_stays_what_it_is_outside(tmp_path, name):
    frame = more.TUNNELS[name]
    flows = read(tmp_path, [cut(frame, size) for size in range(len(frame))])
    found = capture.report(flows).files["a.pcap"]
    assert int(flows["Packets"].sum()) == found.ip_packets
    assert found.reasons[CUT_INSIDE] > 10


def test_the_same_packet_with_and_without_a_tunnel_is_two_flows(tmp_path):
    flows = read(tmp_path, [Frame(ether(more.PAYLOAD)), Frame(more.TUNNELS["vxlan"])])
    assert flows["OuterDstAddr"].isna().tolist() == [True, False]


def test_what_is_no_ip_inside_is_the_tunnels_flow_without_a_word(tmp_path):
    flows = read(tmp_path, [Frame(more.vxlan(arp()))])
    assert (flows["DstPort"].tolist(), capture.report(flows).files["a.pcap"].reasons) == ([4789], {})


def test_a_tunnel_in_fragments_is_the_tunnels_flow(tmp_path):
    whole = udp(50000, 4789, b"\x08" + bytes(7) + ether(more.PAYLOAD))
    flows = read(tmp_path, [Frame(ether(ip4(whole, 17, more=True)))])
    assert (flows["DstPort"].tolist(), capture.report(flows).total("packets")) == ([4789], 1)
    assert capture.report(flows).files["a.pcap"].reasons == {CUT_APART: 1}


def test_vlans_tell_flows_apart_when_asked(tmp_path):
    frames = [Frame(ether(more.PAYLOAD, 0x0800, tags)) for tags in ([], [0x8100], [0x88A8, 0x8100])]
    assert len(read(tmp_path, frames)) == 1
    flows = read(tmp_path, frames, plan=Plan(View(vlan="key")))
    assert sorted(flows["Vlan"].astype(object).fillna(-1).tolist()) == [-1, 5]
    assert sorted(flows["Packets"].tolist()) == [1, 2]
