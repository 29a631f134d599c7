"""Copies of one flow: which are folded, into what, and what is kept for want of a counterpart."""

from __future__ import annotations

import pandas as pd

from flowkit.contract import provenance
from flowkit.enrich import dedupe
from tests.flows import flow, pod, service, table

PODS = pod("Src", "web") | pod("Dst", "api", host="10.0.0.12")
TO_SERVICE = pod("Src", "web") | service("Dst", "api")


def kept(*rows):
    found = dedupe(table(*rows))
    return list(zip(found["DstAddr"].astype(str), found["DstPort"], found["FoldedCopies"], strict=True))


def direct(direction, **more):
    return flow("10.128.0.5:51000", "10.129.0.6:8080", "SYN", **PODS, FlowDirection=direction, **more)


def via_service(**more):
    return flow("10.128.0.5:51000", "172.30.0.9:80", "SYN", **TO_SERVICE, FlowDirection=1, **more)


def test_the_destinations_node_is_the_reporter():
    assert kept(direct(1), direct(0)) == [("10.129.0.6", 8080, 1)]
    assert kept(direct(2)) == [("10.129.0.6", 8080, 0)]


def test_an_egress_copy_at_another_time_is_another_flow():
    later = {"TimeFlowStartMs": 60_000, "TimeFlowEndMs": 61_000}
    assert len(kept(direct(1), direct(0, **later))) == 2


def test_egress_to_the_outside_has_no_other_reporter():
    outside = flow("10.128.0.5:51000", "203.0.113.9:443", "SYN", **pod("Src", "web"), FlowDirection=1)
    assert kept(outside) == [("203.0.113.9", 443, 0)]


def test_before_and_after_translation_across_nodes_are_one():
    assert kept(via_service(), direct(1), direct(0)) == [("10.129.0.6", 8080, 2)]


def test_the_agents_own_translation_decides_between_pods():
    other = flow("10.128.0.5:51000", "10.129.0.7:8080", "SYN", **PODS, FlowDirection=0)
    told = via_service(XlatDstAddr="10.129.0.7", XlatDstPort=8080)
    assert kept(told, direct(0), other) == [("10.129.0.6", 8080, 0), ("10.129.0.7", 8080, 1)]


def test_the_nearest_in_time_is_the_translated_copy():
    first = {"TimeFlowStartMs": 1_000, "TimeFlowEndMs": 30_000}
    other = flow("10.128.0.5:51000", "10.129.0.7:8080", "SYN", **PODS, FlowDirection=0) | {"TimeFlowStartMs": 20_000}
    assert kept(via_service(**first), direct(0, **first), other)[0] == ("10.129.0.6", 8080, 1)


def test_without_node_views_the_fullest_recorder_stays():
    copies = [flow("10.0.0.1:1", "10.0.0.2:2", "SYN", CaptureFile=name, Packets=n) for name, n in (("a", 3), ("b", 5))]
    other_way = flow("10.0.0.2:2", "10.0.0.1:1", "SYN_ACK", CaptureFile="a")
    found = dedupe(table(*copies, other_way))
    assert found[["CaptureFile", "Packets", "FoldedCopies"]].astype(object).values.tolist() == [
        ["b", 5, 1],
        ["a", 1, 0],
    ]


def test_partial_records_of_one_recorder_are_no_copies():
    parts = [flow("10.0.0.1:1", "10.0.0.2:2", "ACK", CaptureFile="a") for _ in range(3)]
    assert len(kept(*parts)) == 3


def test_what_was_folded_is_said():
    found = provenance(dedupe(table(via_service(), direct(1), direct(0))))
    assert found.folded == {"copies that the other node reports too": 1, "copies before Service translation": 1}
    assert found.notes == ()


def test_again_changes_nothing():
    once = dedupe(table(via_service(), direct(1), direct(0)))
    pd.testing.assert_frame_equal(dedupe(once), once)
