"""What the programs count, packet by packet through BPF_PROG_TEST_RUN: sizes, segmentation, sampling, full map, full ring."""

from __future__ import annotations

import struct
import sys

import numpy as np
import pytest

from capture.ebpf.grouping import merged, numbered
from capture.ebpf.ledger import ledger, losses
from capture.ebpf.records import KEY, VALUE
from tests.capture.craft import ether, ip4, udp
from tests.capture.ebpf.fuzz import loaded
from tests.capture.ebpf.needs import need
from tests.capture.ebpf.parser import seeds

pytestmark = pytest.mark.privileged
INGRESS = "ethernet_ingress"
TCP = seeds()[2]
_HEADERS = 54


def segmented(segments: int) -> bytes:
    """The context of a packet that the kernel will cut into so many."""
    context = bytearray(192)
    struct.pack_into("<II", context, 160, 0, segments)
    struct.pack_into("<I", context, 176, 10)
    return bytes(context)


@pytest.fixture
def here():
    need()
    with loaded() as (object_, counting):
        yield object_.programs[INGRESS], counting


def test_bytes_and_packets_add_up(here):
    program, counting = here
    program.run(TCP, times=1000)
    keys, values = counting.drain()
    assert (len(keys), values["packets"][0], values["bytes"][0]) == (1, 1000, 1000 * len(TCP))
    assert counting.counters()["seen"] == 1000


def test_segmentation_adds_packets_and_their_headers(here):
    program, counting = here
    program.run(TCP, context=segmented(4))
    value = counting.drain()[1][0]
    assert (value["packets"], value["bytes"]) == (1, len(TCP))
    assert (value["extra_packets"], value["extra_bytes"]) == (3, 3 * _HEADERS)


def test_a_frame_without_ip_and_one_cut_are_counted_with_their_bytes(here):
    program, counting = here
    program.run(ether(bytes(28), 0x0806))
    program.run(ether(bytes(9), 0x0806, tags=[0x8100]))
    program.run(ether(b"\x45" + bytes(8), tags=[0x8100]))
    counters = counting.counters()
    assert {name: counters[name] for name in ("seen", "not_ip", "not_ip_bytes", "cut", "cut_bytes")} == {
        "seen": 3,
        "not_ip": 2,
        "not_ip_bytes": 42 + 27,
        "cut": 1,
        "cut_bytes": 27,
    }
    assert not len(counting.drain()[0])


def test_one_in_ten_packets_is_counted_when_sampled_so():
    need()
    with loaded(sampling=10) as (object_, counting):
        object_.programs[INGRESS].run(TCP, times=1_000_000)
        packets = int(counting.drain()[1]["packets"].sum())
        assert abs(packets - 100_000) < 5 * (1_000_000 * 0.09) ** 0.5
        assert counting.counters()["seen"] == packets


def test_what_finds_no_room_in_the_map_comes_by_the_ring_and_what_finds_none_there_is_counted():
    need()
    with loaded(max_flows=100, overflow=1 << 16) as (object_, counting):
        for port in range(1, 1001):
            object_.programs[INGRESS].run(ether(ip4(udp(port, 53), 17)))
        keys, values = counting.drain()
        counters = counting.counters()
    assert counters["seen"] == 1000
    assert 0 < counters["ring_lost"] < counters["map_full"] < 1000
    assert len(keys) == 1000 - counters["ring_lost"]
    assert len(np.unique(keys["sport"])) == len(keys)
    known = ledger(counters, int(values["packets"].sum()))
    assert (known.waiting, known.lost, known.by_ring) == (0, counters["ring_lost"], counters["ring_ok"])
    assert list(losses(counters).values()) == [counters["ring_lost"]]


def test_the_map_is_empty_after_a_drain_and_the_other_one_is_used():
    need()
    with loaded(max_flows=3, overflow=4096) as (object_, counting):
        for turn in range(5):
            for port in range(3):
                object_.programs[INGRESS].run(ether(ip4(udp(100 * turn + port + 1, 53), 17)))
            assert sorted(counting.drain()[0]["sport"].tolist()) == [100 * turn + port + 1 for port in range(3)]
        assert counting.counters()["map_full"] == 0


def test_rows_of_one_key_become_one():
    keys, values = np.zeros(4, KEY), np.zeros(4, VALUE)
    keys["sport"] = [7, 8, 7, 7]
    values["first_ns"], values["last_ns"], values["dscp"] = [30, 1, 10, 20], [35, 2, 15, 50], [1, 2, 3, 4]
    values["bytes"], values["packets"], values["flags"] = [100, 5, 10, 1], 1, [2, 4, 16, 1]
    values["cookie"], values["uid"] = [0, 9, 77, 0], [0xFFFFFFFF, 0, 1000, 0xFFFFFFFF]
    into, sums = merged(keys, values)
    assert into["sport"].tolist() == [7, 8]
    names = ("first_ns", "last_ns", "dscp", "bytes", "packets", "flags", "cookie", "uid")
    assert [sums[name].tolist() for name in names] == [
        [10, 1],
        [50, 2],
        [4, 2],
        [111, 5],
        [3, 1],
        [19, 4],
        [77, 9],
        [1000, 0],
    ]


def test_keys_whose_hashes_collide_stay_apart(monkeypatch):
    monkeypatch.setattr(sys.modules["capture.ebpf.grouping"], "_MIX", np.uint64(0))
    number, first = numbered(np.array([b"8 bytes.", b"others..", b"8 bytes."], "V8"))
    assert number[0] == number[2] != number[1]
    assert len(first) == 2
