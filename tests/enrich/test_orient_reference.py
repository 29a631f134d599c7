"""Direction by a plain reading of the rules, one conversation at a time: the fast one says the same of any table."""

from __future__ import annotations

from collections import Counter, defaultdict

from hypothesis import given
from hypothesis import strategies as st

from flowkit.enrich import orient
from flowkit.enrich.service_ports import SERVICE_PORTS
from tests.flows import flow, table

PORT = st.sampled_from([0, 80, 443, 7776, 7777, 7778, 40000, 50000, 50001])
SOCKET = st.tuples(st.integers(1, 4), PORT)
FLOW = st.tuples(
    SOCKET,
    SOCKET,
    st.sampled_from([6, 6, 17]),
    st.sampled_from(["", "ACK", "ACK", "SYN", "SYN_ACK"]),
    st.integers(0, 3),
    st.sampled_from([None, None, "Src", "Dst"]),
    st.tuples(st.booleans(), st.booleans()),
)


def plainly(rows):
    """The client's socket and the rule, for each row."""
    talks = defaultdict(list)
    for row in rows:
        talks[_key(row)].append(row)
    opened, peers, popular = _statistics(talks)
    return [_decide(talks[_key(row)], opened, peers, popular) for row in rows]


def _ends(row):
    return (*row[0], row[2]), (*row[1], row[2])


def _key(row):
    return frozenset(_ends(row))


def _sent(talk, flag):
    return {_ends(row)[0] for row in talk if row[3] == flag and row[2] == 6}


def _statistics(talks):
    opened, peers, popular = set(), Counter(), Counter()
    for key, talk in talks.items():
        ends = sorted(key) * (2 if len(key) == 1 else 1)
        peers.update(ends)
        popular.update((end[1], end[2]) for end in ends)
        for one, other in (ends, ends[::-1]):
            if one in _sent(talk, "SYN"):
                opened.add(other)
            if _sent(talk, "SYN_ACK") == {one}:
                opened.add(one)
    return opened, peers, popular


def _decide(talk, opened, peers, popular):
    first = _ends(min(talk, key=lambda row: row[4]))[0]
    ends = sorted(_key(talk[0]))
    one, other = ends if len(ends) == 2 else (ends[0], ends[0])
    syn, ack = _sent(talk, "SYN"), _sent(talk, "SYN_ACK")
    initiators = {_ends(row)[row[5] == "Dst"] for row in talk if row[5]}
    declared = {end for row in talk for end, told in zip(_ends(row), row[6], strict=True) if told}
    ports = one[1] > 0 and other[1] > 0
    rules = [
        ("SYN", "client", {one: one in syn, other: other in syn}, True),
        ("SYN_ACK", "server", {one: one in ack, other: other in ack}, True),
        ("initiator", "client", {one: one in initiators, other: other in initiators}, True),
        ("inferred: declared port", "server", {one: one in declared, other: other in declared}, True),
        ("inferred: SYN elsewhere", "server", {one: one in opened, other: other in opened}, one[2] == 6),
        ("inferred: ephemeral port", "server", {one: one[1] < 32768, other: other[1] < 32768}, ports),
        ("inferred: service port", "server", {one: SERVICE_PORTS[one[1]], other: SERVICE_PORTS[other[1]]}, ports),
        ("inferred: fan-in", "server", {one: peers[one], other: peers[other]}, ports),
        ("inferred: port popularity", "server", {one: popular[one[1:]], other: popular[other[1:]]}, ports),
        ("inferred: lower port", "client", {one: one[1], other: other[1]}, ports),
    ]
    if len(syn) == 2:
        return first, "SYN"
    for name, role, value, applies in rules:
        if applies and value[one] != value[other]:
            more, less = (one, other) if value[one] > value[other] else (other, one)
            return (more if role == "client" else less), name
    return first, "inferred: first packet"


@given(st.lists(FLOW.filter(lambda row: row[0] != row[1]), min_size=1, max_size=25))
def test_direction_is_what_the_rules_say(rows):
    flows = [
        flow(
            f"10.0.0.{a}:{p}",
            f"10.0.0.{b}:{q}",
            flags if proto == 6 else "",
            proto=proto,
            TimeFlowStartMs=start,
            Initiator=initiator,
            SrcPortDeclared=declared[0],
            DstPortDeclared=declared[1],
        )
        for (a, p), (b, q), proto, flags, start, initiator, declared in rows
    ]
    found = orient(table(*flows))
    told = [
        (_ends(row)[client == "Dst"], by)
        for row, client, by in zip(rows, found["Client"], found["DirectionBy"], strict=True)
    ]
    assert told == plainly(rows)
