"""Several processes: the same table as one gives, errors told, none left behind."""

from __future__ import annotations

import sys
from dataclasses import replace
from random import Random

import pandas as pd
import pytest

from capture.pcap import crew, harvest, pool, turns
from capture.pcap import plan as planning
from capture.pcap.decode import View
from capture.pcap.plan import Plan, helpers
from flowkit.errors import CaptureError
from tests.capture.craft import Frame, pcap, random_frames, save
from tests.capture.craft_more import TUNNELS, handshake, random_ng
from tests.capture.tables import read_quietly

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="helpers are forked on Linux only")

ALONE = Plan(View(vlan="key"), heap=50)
TOGETHER = replace(ALONE, helpers=2, patience=1)


def assert_same(one, other):
    pd.testing.assert_frame_equal(one, other)
    assert one.attrs == other.attrs


@pytest.mark.parametrize("seed", range(3))
def test_helpers_change_nothing(tmp_path, seed):
    random = Random(seed)
    frames = random_frames(random, 2000) + [Frame(frame) for frame in TUNNELS.values()]
    frames += [step for port in range(200) for step in handshake(port=20_000 + port, seq=random.randrange(2**32))]
    path = save(tmp_path, "a.pcap", pcap(sorted(frames, key=lambda frame: frame.time), nano=True))
    alone = read_quietly(path, chunk=3000, plan=ALONE)
    assert alone["TimeFlowRttNs"].notna().sum() == 400
    assert_same(read_quietly(path, chunk=3000, plan=TOGETHER), alone)


def test_helpers_read_pcapng_too(tmp_path):
    path = save(tmp_path, "a.pcapng", random_ng(Random(5), 500))
    assert_same(read_quietly(path, chunk=2000, plan=TOGETHER), read_quietly(path, chunk=2000, plan=ALONE))


def test_files_in_processes_of_their_own_change_nothing(tmp_path, monkeypatch):
    paths = [save(tmp_path, f"{n}.pcap", pcap(random_frames(Random(n), 50))) for n in range(5)]
    alone = read_quietly(paths, plan=ALONE)
    monkeypatch.setattr(pool, "WORTH_IT", 0)
    assert_same(read_quietly(paths, plan=TOGETHER), alone)
    with pytest.raises(CaptureError, match="a text file"):
        read_quietly([*paths, save(tmp_path, "t.pcap", b"text\n")], plan=TOGETHER)


def test_what_goes_wrong_in_a_helper_is_raised_here(tmp_path, monkeypatch):
    def broken(*_):
        raise KeyError("broken")

    path = save(tmp_path, "a.pcap", pcap(random_frames(Random(1), 500)))
    begun = harvest.Harvester.add
    monkeypatch.setattr(
        harvest.Harvester, "add", lambda self, number, walked: begun(self, number, walked) if not number else broken()
    )
    with pytest.raises(KeyError, match="broken"):
        read_quietly(path, chunk=2000, plan=TOGETHER)


@pytest.mark.parametrize("room", [crew, turns])
def test_a_helper_that_is_lost_is_one_line(tmp_path, monkeypatch, room):
    monkeypatch.setattr(room, "_work", lambda pipe, *_: pipe.close())
    data = pcap(random_frames(Random(1), 900)) if room is turns else random_ng(Random(5), 500)
    path = save(tmp_path, "a.pcap", data)
    with pytest.raises(CaptureError, match="workers=1"):
        read_quietly(path, chunk=2000, plan=TOGETHER)


def test_helpers_are_as_many_as_cores_or_as_given():
    assert helpers(1) == 0
    assert helpers(3) == 2
    assert helpers(100) == planning.MOST_HELPERS
    assert 0 <= helpers(None) <= planning.MOST_HELPERS
