"""A long file read in pieces by several processes gives what reading it from end to end gives, whatever is wrong with it."""

from __future__ import annotations

from random import Random

import pandas as pd
import pytest

import capture
from capture.pcap import pieces, reader
from capture.pcap.plan import Plan
from tests.capture.craft import pcap, random_frames, save
from tests.capture.tables import read_quietly

SIZE = 4096
TOGETHER, ALONE = Plan(heap=70, helpers=2), Plan(heap=70)


@pytest.fixture(autouse=True)
def joins(monkeypatch):
    """What each try to read in pieces gave: where the rest begins, or None."""
    found = []

    def noted(*given):
        found.append(TRUE(*given))
        return found[-1]

    monkeypatch.setattr(reader, "read_together", noted)
    return found


TRUE = reader.read_together


def both(path):
    alone = read_quietly(path, chunk=SIZE, plan=ALONE)
    together = read_quietly(path, chunk=SIZE, plan=TOGETHER)
    pd.testing.assert_frame_equal(together, alone)
    assert capture.report(together) == capture.report(alone)


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("options", [{}, {"nano": True}])
def test_several_processes_find_the_same(tmp_path, order, options, joins):
    both(save(tmp_path, "a.pcap", pcap(random_frames(Random(3), 900), order=order, **options)))
    assert joins
    assert joins[0] is not None


def test_a_cut_end_is_told_the_same_without_reading_twice(tmp_path, joins):
    both(save(tmp_path, "a.pcap", pcap(random_frames(Random(4), 900))[:-5]))
    assert joins
    assert joins[0] is not None


def test_damage_in_the_middle_is_read_from_end_to_end(tmp_path, joins):
    data = bytearray(pcap(random_frames(Random(5), 900)))
    data[len(data) // 2 :] = bytes([0xFF]) * (len(data) - len(data) // 2)
    both(save(tmp_path, "a.pcap", bytes(data)))
    assert joins == [None]


def test_a_wrong_guess_costs_only_time(tmp_path, joins, monkeypatch):
    monkeypatch.setattr(pieces.Pieces, "_beginning", lambda _self, _room, _held: 5)
    both(save(tmp_path, "a.pcap", pcap(random_frames(Random(6), 900))))
    assert joins == [None]
