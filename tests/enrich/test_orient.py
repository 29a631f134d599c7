"""Client and server: each rule by a case of its own, and the laws all of them keep."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowkit.enrich import orient
from tests.flows import exchange, flow, table


def known(*rows):
    found = orient(table(*rows))[["Client", "DirectionBy"]].astype(object)
    return [tuple(row) for row in found.where(found.notna(), None).itertuples(index=False)]


CASES = [
    ("SYN", [flow("10.0.0.1:50000", "10.0.0.2:80", "SYN ACK")]),
    ("SYN_ACK", [flow("10.0.0.1:50000", "10.0.0.2:80", "ACK"), flow("10.0.0.2:80", "10.0.0.1:50000", "SYN_ACK ACK")]),
    ("ICMP request", [flow("10.0.0.1", "10.0.0.2", proto=1, IcmpType=8, IcmpCode=0)]),
    ("ICMP request", [flow("[fd01::1]", "[fd01::2]", proto=58, IcmpType=128, IcmpCode=0)]),
    ("initiator", [flow("10.0.0.1:80", "10.0.0.2:50000", "ACK", Initiator="Src")]),
    ("inferred: declared port", [flow("10.0.0.1:80", "10.0.0.2:50000", proto=17, DstPortDeclared=True)]),
    (
        "inferred: SYN elsewhere",
        [flow("10.0.0.1:50000", "10.0.0.2:45000", "ACK"), *exchange("10.0.0.3:1", "10.0.0.2:45000")],
    ),
    ("inferred: ephemeral port", [flow("10.0.0.1:50000", "10.0.0.2:7777", "ACK")]),
    ("inferred: ephemeral port", [flow("10.0.0.1:50000", "10.0.0.2:514", proto=17)]),
    ("inferred: service port", [flow("10.0.0.1:7777", "10.0.0.2:5432", "ACK")]),
    (
        "inferred: fan-in",
        [flow("10.0.0.1:50000", "10.0.0.2:50001", "ACK"), flow("10.0.0.3:50007", "10.0.0.2:50001", "ACK")],
    ),
    (
        "inferred: port popularity",
        [flow("10.0.0.1:7776", "10.0.0.2:7777", "ACK"), *exchange("10.0.0.3:7777", "10.0.0.4:7777")],
    ),
    ("inferred: lower port", [flow("10.0.0.1:7778", "10.0.0.2:7777", proto=17)]),
    ("inferred: first packet", [flow("10.0.0.1:123", "10.0.0.2:123", proto=17)]),
    ("inferred: first packet", [flow("10.0.0.1", "10.0.0.2", proto=47)]),
]


@pytest.mark.parametrize(("by", "rows"), CASES, ids=lambda value: value if isinstance(value, str) else "")
def test_each_rule_finds_the_client(by, rows):
    assert known(*rows)[0] == ("Src", by)


def test_both_ways_agree_when_only_one_carries_the_evidence():
    request, reply = exchange("10.0.0.1:50000", "10.0.0.2:80")
    late = flow("10.0.0.2:80", "10.0.0.1:50000", "ACK")
    assert known(reply | {"Flags": 16}, late, request) == [("Dst", "SYN"), ("Dst", "SYN"), ("Src", "SYN")]


def test_rows_without_addresses_stay_without():
    assert known({"Bytes": 60}, flow("10.0.0.1:50000", "10.0.0.2:80", "SYN"))[0] == (None, None)


SOCKETS = st.tuples(st.integers(1, 3), st.sampled_from([80, 443, 7777, 40000, 50000]))
FLAGS = st.sampled_from(["SYN", "SYN_ACK", "ACK", "RST_ACK"])
ROWS = st.lists(st.tuples(SOCKETS, SOCKETS, FLAGS), min_size=1, max_size=15)


@settings(max_examples=60)
@given(ROWS)
def test_the_two_directions_of_a_conversation_never_contradict(rows):
    flows = [flow(f"10.0.0.{a}:{p}", f"10.0.0.{b}:{q}", flags) for (a, p), (b, q), flags in rows]
    clients = {}
    for (a, b, _), (client, _) in zip(rows, known(*flows), strict=True):
        who = a if client == "Src" else b
        assert a == b or clients.setdefault(frozenset([a, b]), who) == who
