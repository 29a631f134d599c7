"""Packets → flows: sums, times, flags, heaps, and hash collisions."""

from __future__ import annotations

import numpy as np
import pytest

from capture.pcap import keys
from capture.pcap.meter import Meter, group, merge, numbered
from capture.pcap.packets import MACS, Key, Packets

HUGE = 2**32 - 1


def packets(rows):
    """Rows of (key number, octets, time, flags)."""
    words, octets, time, flags = np.array(rows, np.int64).reshape(-1, 4).T
    key = Key(*[words.astype(np.uint64)] * 5)
    none = np.zeros(len(words), np.uint32)
    return Packets(key, octets, time, flags.astype(np.uint16), octets.astype(np.uint8), _macs(octets), none)


def _macs(octets):
    return octets.astype(">i8").view("V8").astype(MACS)


def rows(flows):
    columns = (flows.key.word, flows.packets, flows.octets, flows.first, flows.last, flows.flags)
    return sorted(zip(*(column.tolist() for column in columns), strict=True))


PACKETS = [(1, 60, 10, 2), (2, 70, 12, 2), (1, 80, 20, 16), (1, 90, 15, 512)]
FLOWS = [(1, 3, 230, 10, 20, 530), (2, 1, 70, 12, 12, 2)]


def test_sums_times_and_flags_in_and_out_of_time_order():
    assert rows(group(packets(PACKETS))) == FLOWS
    assert rows(group(packets(sorted(PACKETS, key=lambda row: row[2])))) == FLOWS


@pytest.mark.parametrize("heap", [1, 2, 100])
def test_heaps_change_nothing(heap):
    meter_ = Meter(heap)
    for row in PACKETS:
        meter_.add(packets([row]))
    assert rows(meter_.flows()) == FLOWS


def test_flows_may_be_read_on_the_way():
    meter_ = Meter()
    meter_.add(packets(PACKETS[:2]))
    assert len(meter_.flows()) == 2
    meter_.add(packets(PACKETS[2:]))
    assert rows(meter_.flows()) == FLOWS


def test_no_packets_are_no_flows():
    assert len(Meter().flows()) == 0
    assert rows(merge([])) == []


def test_sums_stay_exact_beyond_what_floats_hold():
    many = packets([(1, HUGE, 0, 0)] * 3)
    whole = merge([group(many)] * (1 << 12))
    for _ in range(2):
        whole = merge([whole] * (1 << 8))
    assert rows(whole) == [(1, 3 << 28, HUGE * (3 << 28), 0, 0, 0)]


def test_colliding_hashes_never_join_flows(monkeypatch):
    monkeypatch.setattr(keys, "hashed", lambda key: np.zeros(len(key), np.uint64))
    assert rows(group(packets(PACKETS))) == FLOWS


@pytest.mark.parametrize("place", range(5))
def test_every_column_of_the_key_tells_flows_apart(place):
    columns = [np.full(2, 7, np.uint64) for _ in range(5)]
    columns[place][1] = 8
    assert numbered(Key(*columns))[0].tolist() == [0, 1]
