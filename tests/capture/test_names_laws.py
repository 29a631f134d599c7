"""Laws of the name parsers: no byte makes them fail, what is built is found, batches do not matter."""

from __future__ import annotations

from itertools import pairwise

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from capture.names import dns, http, tls
from capture.names.hostname import host_name
from capture.names.pieces import Pieces
from capture.names.quic import Initials, _crypto
from capture.names.reading import find
from tests.capture import messages
from tests.capture.craft import Frame, pcap, save

LABEL = st.text("abcdefghijklmnopqrstuvwxyz0123456789-", min_size=1, max_size=20)
NAME = st.lists(LABEL, min_size=1, max_size=6).map(".".join)


def mutated(data: bytes):
    """The bytes with some changed, cut or doubled."""
    change = st.lists(st.tuples(st.integers(0, len(data) - 1), st.integers(0, 255)), max_size=6)
    return st.tuples(change, st.integers(0, len(data))).map(lambda how: _changed(data, *how))


def _changed(data: bytes, changes, size: int) -> bytes:
    octets = bytearray(data)
    for place, value in changes:
        octets[place] = value
    return bytes(octets[:size])


REPLY = messages.dns(
    "shop.example", [messages.record(b"\xc0\x0c", 5, b"\3cdn\xc0\x11"), messages.address(b"\xc0\x2a", "10.0.0.1")]
)
HELLO = messages.in_records(messages.hello(b"shop.example", padding=9), 40)
REQUEST = messages.request("shop.example:80")


@settings(max_examples=2000)
@given(st.one_of(st.binary(max_size=300), mutated(REPLY), mutated(HELLO), mutated(REQUEST)))
def test_no_bytes_make_a_parser_fail(octets):
    for name, address in dns.answers(octets).pairs:
        assert name.isascii()
        assert len(name) <= 4 * 255
        assert len(address) in (4, 16)
    for found in (tls.hello_in_records(octets), tls.server_name(octets), http.host(octets)):
        assert not isinstance(found, bytes) or (host_name(found) or "").isprintable()
    assert all(offset >= 0 for offset, _ in _crypto(octets))


@settings(max_examples=100)
@given(mutated(messages.initial(messages.crypto(0, messages.hello(b"shop")))))
def test_no_datagram_makes_quic_fail(octets):
    Initials().read((), octets)


@given(NAME, st.sampled_from(["10.0.0.1", "2001:db8::1"]))
def test_what_is_built_is_found(name, address):
    pairs = dns.answers(messages.dns(name, [messages.address(b"\xc0\x0c", address)])).pairs
    assert [pair[0] for pair in pairs] == ([name.lower()] if len(messages.wire_name(name)) <= 256 else [])
    assert tls.hello_in_records(messages.in_records(messages.hello(name.encode()), 30)) == name.encode()
    assert http.host(messages.request(name)) == name.encode()


@given(st.binary(min_size=1, max_size=200), st.data())
def test_pieces_in_any_order_are_the_whole(octets, data):
    cuts = sorted({0, len(octets), *data.draw(st.lists(st.integers(0, len(octets)), max_size=9))})
    parts = [(begin, octets[begin:end]) for begin, end in pairwise(cuts)]
    pieces = Pieces(1000)
    for offset, part in data.draw(st.permutations(parts)):
        assert pieces.add(offset, part)
    assert pieces.begin() == octets


def test_compression_costs_no_more_than_the_message(tmp_path):
    # 5,000 records whose names all lead through a long chain of pointers.
    chain = b"\1a" + b"".join(b"\1b\xc0" + bytes([12 + (4 * place if place else 0)]) for place in range(40))
    bomb = (
        messages.dns(None, [], flags=0x8180)[:6]
        + b"\x13\x88\0\0\0\0"
        + chain
        + b"\xc0\x60\0\1\0\1\0\0\0\0\0\4\1\2\3\4" * 4000
    )
    assert dns.answers(bomb).cut


@settings(max_examples=30)
@given(st.integers(300, 3000))
def test_the_size_of_batches_does_not_matter(tmp_path_factory, chunk):
    stream = messages.in_records(messages.hello(b"shop", padding=900))
    frames = [
        messages.dns_reply(REPLY),
        *(messages.segment(stream[at : at + 400], at) for at in range(0, len(stream), 400)),
    ]
    path = save(tmp_path_factory.mktemp("names"), "a.pcap", pcap([Frame(frame) for frame in frames]))
    pd.testing.assert_frame_equal(find(path, chunk=chunk)[0], find(path)[0])
