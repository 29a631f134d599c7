"""pcapng: sections, byte orders, interfaces with clocks and names, three kinds of packet blocks, damage."""

from __future__ import annotations

import numpy as np
import pytest

import capture
from capture.pcap.pcapng import NO_INTERFACE, NO_TIME, interface, nanoseconds
from flowkit.errors import CaptureError
from tests.capture import craft_more as ng
from tests.capture.craft import NOON, Frame, ether, ip4, pcap, save, udp
from tests.capture.tables import as_dict, read_quietly

FRAMES = [Frame(ether(ip4(udp(port, 53), 17)), time=NOON + 1000 * port) for port in (1, 2, 3)]
EXPECTED = {1: NOON + 1000, 2: NOON + 2000, 3: NOON + 3000}


def read(folder, data, chunk=1 << 20):
    return read_quietly(save(folder, "a.pcapng", data), chunk=chunk)


def starts(flows):
    return dict(zip(flows["SrcPort"].tolist(), flows["TimeFlowStartNs"].tolist(), strict=True))


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("chunk", [40, 1 << 20])
def test_it_gives_what_classic_pcap_gives(tmp_path, order, chunk):
    flows = read(tmp_path, ng.pcapng(FRAMES, order=order), chunk)
    assert as_dict(flows) == as_dict(read_quietly(save(tmp_path, "a.pcap", pcap(FRAMES))))
    assert "Interfaces" not in flows


@pytest.mark.parametrize("order", "<>")
def test_old_and_enhanced_blocks_with_comments(tmp_path, order):
    data = ng.section(order) + ng.interface(order=order)
    data += ng.old(FRAMES[0], order=order) + ng.enhanced(FRAMES[1], order=order, comment=b"pod shop/web")
    assert starts(read(tmp_path, data)) == {port: EXPECTED[port] for port in (1, 2)}


def test_a_simple_block_has_no_time_and_its_interface_cuts_it(tmp_path):
    data = ng.section() + ng.interface(snap=36) + ng.simple(FRAMES[0])
    flows = read(tmp_path, data)
    assert (flows["TimeFlowStartNs"].tolist(), flows["Bytes"].tolist()) == ([0], [50])
    assert capture.report(flows).files["a.pcapng"].reasons[NO_TIME] == 1


@pytest.mark.parametrize(
    ("resolution", "ticks"), [(None, 10**6), (3, 10**3), (9, 10**9), (10, 10**10), (0x8A, 2**10), (0xA0, 2**32)]
)
def test_clocks(tmp_path, resolution, ticks):
    frame = Frame(FRAMES[0].data, time=NOON)
    data = ng.section() + ng.interface(resolution=resolution, offset=3600) + ng.enhanced(frame, ticks=ticks)
    assert starts(read(tmp_path, data)) == {1: NOON + 3600 * 10**9}


def test_an_empty_resolution_is_microseconds():
    assert interface(b"\1\0\0\0\0\0\0\0" + ng.option(9, b"") + ng.option(0, b""), "<").ticks == 10**6


def test_a_time_beyond_64_bits_is_told(tmp_path):
    data = ng.section() + ng.interface(offset=2**40) + ng.enhanced(FRAMES[0])
    assert capture.report(read(tmp_path, data)).files["a.pcapng"].reasons == {NO_TIME: 1}
    assert nanoseconds(np.zeros(0, np.uint64), 10**6, -(2**60))[0].tolist() == []


def test_interfaces_of_several_kinds_and_names(tmp_path):
    data = ng.section() + ng.interface(name="eth0") + ng.interface(101, name="tun0") + ng.interface(147)
    data += ng.enhanced(FRAMES[0], 0) + ng.enhanced(Frame(FRAMES[0].data[14:]), 1) + ng.enhanced(Frame(b"x" * 30), 2)
    flows = read(tmp_path, data)
    assert sorted(flows["Interfaces"].tolist()) == [["eth0"], ["tun0"]]
    found = capture.report(flows).files["a.pcapng"]
    assert (found.link_types, found.packets, found.undecoded_packets) == ((1, 101, 147), 3, 1)


def test_sections_of_both_byte_orders_begin_anew(tmp_path):
    data = ng.pcapng(FRAMES[:1]) + ng.pcapng(FRAMES[1:], order=">", resolution=None)
    assert starts(read(tmp_path, data)) == EXPECTED


def test_blocks_of_no_interface_are_counted(tmp_path):
    data = ng.pcapng(FRAMES[:1]) + ng.enhanced(FRAMES[1], 7)
    flows = read(tmp_path, data)
    assert (len(flows), capture.report(flows).files["a.pcapng"].reasons) == (1, {NO_INTERFACE: 1})


@pytest.mark.parametrize("chunk", [50, 1 << 20])
@pytest.mark.parametrize(("lost", "cut"), [(1, "cut record"), (60, "cut record")])
def test_a_cut_block_is_left_over(tmp_path, lost, cut, chunk):
    whole = ng.pcapng(FRAMES)
    flows = read(tmp_path, whole[:-lost], chunk)
    found = capture.report(flows).files["a.pcapng"]
    size = len(ng.enhanced(FRAMES[0]))
    assert (len(flows), found.left_over_bytes, found.first_bad_offset) == (2, size - lost, len(whole) - size)
    assert cut in next(iter(found.reasons))


def test_an_insane_length_stops_the_reading(tmp_path):
    whole = ng.pcapng(FRAMES[:1])
    found = capture.report(read(tmp_path, whole + b"\6\0\0\0\5\0\0\0" + bytes(40))).files["a.pcapng"]
    assert (found.first_bad_offset, found.left_over_bytes) == (len(whole), 48)
    assert "no sane record" in next(iter(found.reasons))


def test_a_damaged_first_header_is_one_error(tmp_path):
    with pytest.raises(CaptureError, match="first section header is damaged"):
        read(tmp_path, b"\x0a\x0d\x0d\x0a" + bytes(40))
