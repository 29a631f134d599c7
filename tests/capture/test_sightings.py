"""Handshakes, DNS, cuts: what belongs to which row."""

from __future__ import annotations

from functools import partial
from random import Random

import pandas as pd
import pytest

from capture.pcap import harvest
from capture.pcap.decode import View
from capture.pcap.handshake import Handshakes
from capture.pcap.meter import Cuts
from capture.pcap.plan import Plan
from flowkit.errors import CaptureError
from tests.capture.craft import NOON, SECOND, A, B, Frame, ether, ip4, pcap, save, tcp, udp
from tests.capture.craft_more import dns, handshake, segment
from tests.capture.tables import read_quietly


def read(folder, frames, plan=Plan(), chunk=1 << 20):  # noqa: B008 - a frozen value
    return read_quietly(save(folder, "a.pcap", pcap(frames, nano=True)), plan=plan, chunk=chunk)


@pytest.mark.parametrize("chunk", [1, 1 << 20])
@pytest.mark.parametrize("heap", [1, 2, 100])
def test_a_handshake_gives_both_directions_its_round_trip(tmp_path, heap, chunk):
    flows = read(tmp_path, handshake(), Plan(heap=heap), chunk)
    assert flows["TimeFlowRttNs"].tolist() == [7_000_000, 7_000_000]


def test_of_a_repeated_syn_the_last_one_counts(tmp_path):
    first = Frame(handshake()[0].data, time=NOON - SECOND)
    assert set(read(tmp_path, [first, *handshake()])["TimeFlowRttNs"]) == {7_000_000}


def test_of_several_connections_on_the_same_ports_the_slowest_counts(tmp_path):
    again = handshake(seq=70_000, at=NOON + SECOND, halves=(10**6, 10**7))
    assert set(read(tmp_path, handshake() + again)["TimeFlowRttNs"]) == {11_000_000}


def test_sequence_numbers_wrap(tmp_path):
    assert set(read(tmp_path, handshake(seq=2**32 - 1))["TimeFlowRttNs"]) == {7_000_000}


@pytest.mark.parametrize("missing", [0, 1])
def test_half_a_handshake_gives_none(tmp_path, missing):
    frames = [frame for place, frame in enumerate(handshake()) if place != missing]
    assert "TimeFlowRttNs" not in read(tmp_path, frames)


@pytest.mark.parametrize("cuts", [Cuts(), Cuts(idle=2 * SECOND), Cuts(export=3 * SECOND)])
def test_settling_handshakes_early_changes_nothing(tmp_path, monkeypatch, cuts):
    """300 connections one after the other on the same ports, some of them never completed."""
    random, frames = Random(5), []
    for number in range(300):
        halves = (random.randrange(10**6, 10**8), random.randrange(10**6, 10**8))
        steps = handshake(seq=number * 1000, at=NOON + number * SECOND // 3, halves=halves)
        frames += steps[: random.choice((1, 2, 3, 3, 3))]
    plan = Plan(cuts=cuts, heap=20)
    at_the_end = read(tmp_path, frames, plan, chunk=400)
    monkeypatch.setattr(harvest, "Handshakes", partial(Handshakes, most=30))
    pd.testing.assert_frame_equal(read(tmp_path, frames, plan, chunk=400), at_the_end)
    assert at_the_end["TimeFlowRttNs"].notna().sum() >= 2


def test_handshakes_and_dns_may_be_left_out(tmp_path):
    flows = read(tmp_path, handshake() + LOOKUP, Plan(View(rtt=False, dns=False)))
    assert not {"TimeFlowRttNs", "DnsId"} & set(flows)


def query(ident=7, at=NOON, name="www.example.com"):
    return Frame(ether(ip4(udp(5000, 53, dns(ident, name)), 17)), time=at)


def answer(ident=7, at=NOON + 3_500_000, name="www.example.com", code=0):
    return Frame(ether(ip4(udp(53, 5000, dns(ident, name, response=True, code=code)), 17, B, A)), time=at)


LOOKUP = [query(), answer()]
COLUMNS = ["DnsId", "DnsFlagsResponseCode", "DnsLatencyMs", "DnsName"]


def seen(flows):
    rows = flows[flows["SrcPort"] == 53][COLUMNS].astype(object)
    return rows.where(rows.notna(), None).values.tolist()


@pytest.mark.parametrize("chunk", [1, 1 << 20])
def test_a_response_has_id_code_latency_and_name(tmp_path, chunk):
    flows = read(tmp_path, LOOKUP, chunk=chunk)
    assert seen(flows) == [[7, "NoError", 3, "www.example.com"]]
    assert flows[flows["DstPort"] == 53]["DnsId"].isna().all()


def test_the_last_response_and_the_longest_latency_stand(tmp_path):
    later = [query(8, NOON + SECOND, "b.example"), answer(8, NOON + SECOND + 1_000_000, "b.example", 3)]
    assert seen(read(tmp_path, LOOKUP + later)) == [[8, "NXDomain", 3, "b.example"]]


def test_a_response_without_a_query_has_no_latency(tmp_path):
    assert seen(read(tmp_path, [answer()])) == [[7, "NoError", None, "www.example.com"]]


def test_dns_over_tcp(tmp_path):
    def message(text):
        return len(text).to_bytes(2, "big") + text

    frames = [
        Frame(ether(ip4(segment(5000, 53, 0x18, 1, 1, message(dns(9, "x.y"))), 6))),
        Frame(
            ether(ip4(segment(53, 5000, 0x18, 1, 1, message(dns(9, "x.y", response=True))), 6, B, A)), time=NOON + 10**6
        ),
    ]
    assert seen(read(tmp_path, frames)) == [[9, "NoError", 1, "x.y"]]


def at(*seconds):
    return [Frame(ether(ip4(tcp(), 6)), time=NOON // SECOND * SECOND + round(second * SECOND)) for second in seconds]


@pytest.mark.parametrize("heap", [1, 2, 100])
@pytest.mark.parametrize(
    ("cuts", "expected"),
    [
        (Cuts(), [5]),
        (Cuts(export=5 * SECOND), [3, 2]),
        (Cuts(idle=2 * SECOND), [2, 2, 1]),
        (Cuts(export=5 * SECOND, idle=2 * SECOND), [2, 1, 1, 1]),
    ],
    ids=["none", "export", "idle", "both"],
)
def test_flows_are_cut(tmp_path, cuts, expected, heap):
    base = (-(NOON // SECOND)) % 5
    frames = at(*(base + second for second in (0, 1, 4, 5.5, 8)))
    for order in (frames, frames[::-1], frames[2:] + frames[:2]):
        flows = read(tmp_path, order, Plan(cuts=cuts, heap=heap))
        assert flows["Packets"].tolist() == expected


def test_a_round_trip_belongs_to_the_record_of_its_time(tmp_path):
    flows = read(
        tmp_path, handshake() + handshake(seq=9000, at=NOON + 9 * SECOND, halves=(10, 20)), Plan(cuts=Cuts(idle=SECOND))
    )
    assert flows["TimeFlowRttNs"].tolist() == [7_000_000, 7_000_000, 30, 30]


def test_options_that_cannot_be_are_refused(tmp_path):
    import capture

    for options in ({"idle_s": 0}, {"export_s": -1}, {"tunnels": "both"}, {"vlan": True}, {"workers": 0}):
        with pytest.raises(CaptureError, match=next(iter(options))):
            capture.read_pcap(tmp_path / "a.pcap", **options)
