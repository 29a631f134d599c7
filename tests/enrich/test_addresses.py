"""Addresses all at once: held against the system's own parser, text by text."""

from __future__ import annotations

import ipaddress

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from flowkit.enrich.addresses import canonical, pack, parse
from flowkit.enrich.dotted import dotted

V4 = st.integers(0, 2**32 - 1).map(lambda number: str(ipaddress.IPv4Address(number)))
V6 = st.integers(0, 2**128 - 1).map(lambda number: str(ipaddress.IPv6Address(number)))
NEAR = st.lists(st.text("0123456789.", max_size=4), min_size=3, max_size=5).map(".".join)
TEXTS = st.one_of(V4, V6, NEAR, st.text(max_size=12), st.sampled_from(["::ffff:10.0.0.1", "1.2.3.04", "fe80::1%eth0"]))


def plainly(texts):
    return [octets.hex() for octets in map(parse, texts)]


def packed(texts):
    found = pack(texts)
    return [
        v4.to_bytes(4, "big").hex() if is_v4 else v6.ljust(16, b"\0").hex() if is_v6 else ""
        for v4, is_v4, v6, is_v6 in zip(found.v4.tolist(), found.is_v4, found.v6.tolist(), found.is_v6, strict=True)
    ]


@given(st.lists(TEXTS, max_size=8))
@example(["255.255.255.255", "0.0.0.0", "256.0.0.1", "1.2.3", "1.2.3.4.5", "1..2.3", ".1.2.3", "1.2.3.", "", "٣.1.1.1"])
@example(["1.2.3.4\0", "1.2.3.4 ", "+1.2.3.4", "00.0.0.0", "1.2.3.1000"])
def test_pack_is_the_systems_parser(texts):
    assert packed(texts) == plainly(texts)
    assert packed(pd.Index(texts, dtype="str")) == plainly(texts)


def test_a_slice_of_an_index_and_what_is_no_text():
    index = pd.Index(["10.0.0.9", "::1", "10.0.0.1", "x", "10.0.0.2"], dtype="str")
    assert packed(index[1:4]) == plainly(["::1", "10.0.0.1", "x"])
    assert packed(["10.0.0.1", None, 7, np.nan]) == ["0a000001", "", "", ""]
    assert pack([]).bad == 0


def test_most_addresses_need_no_second_look():
    _, are = dotted(pd.Index([str(ipaddress.IPv4Address(number * 77_777)) for number in range(50_000)]))
    assert are.all()


@pytest.mark.parametrize(
    ("text", "spelling"), [("2001:DB8:0::1", "2001:db8::1"), ("::ffff:10.0.0.1", "10.0.0.1"), ("shop", "shop")]
)
def test_canonical_spelling(text, spelling):
    assert canonical(pd.Index([text, "10.0.0.1"])).tolist() == [spelling, "10.0.0.1"]
