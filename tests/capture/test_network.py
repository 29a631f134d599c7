"""IPv4 and IPv6 headers: options, extension headers, lengths, fragments, and headers that are none."""

from __future__ import annotations

import numpy as np
import pytest

from capture.pcap.link import Located
from capture.pcap.network import MORE_FRAGMENTS, decode
from capture.pcap.octets import SPARE
from capture.pcap.records import Records
from tests.capture.craft import authentication, extension, fragment6, ip4, ip6, udp


def decoded(packet: bytes, etype: int | None = None):
    buffer = np.frombuffer(packet + b"\xff" * SPARE, np.uint8)
    zero, size = np.array([0]), np.array([len(packet)])
    kind = etype or {4: 0x0800, 6: 0x86DD}[packet[0] >> 4]
    network = decode(Records(buffer, zero, size, size, zero, 1), Located(np.array([kind], np.uint16), zero))
    names = ("proto", "start", "end", "fragment", "ident")
    return tuple(int(getattr(network, name)[0]) for name in names) if len(network) else None


def test_ipv4_with_options_and_a_trailer():
    packet = ip4(udp(), 17, options=b"\x01" * 8, ident=9)
    assert decoded(packet + bytes(10)) == (17, 28, len(packet), 0, 9)


def test_total_length_0_means_all_that_was_captured():
    assert decoded(ip4(udp(), 17, length=0) + bytes(4))[:3] == (17, 20, 20 + len(udp()) + 4)


@pytest.mark.parametrize(
    "packet",
    [ip4(b"", 17)[:19], b"\x44" + ip4(b"", 17)[1:], ip4(udp(), 17, length=19), ip6(b"", 17)[:39]],
    ids=["cut", "header of 16 bytes", "length below the header", "cut ipv6"],
)
def test_headers_that_are_none_are_left_out(packet):
    assert decoded(packet, 0x86DD if packet[0] >> 4 == 6 else 0x0800) is None


@pytest.mark.parametrize(("packet", "etype"), [(ip6(b"", 17), 0x0800), (ip4(bytes(20), 17), 0x86DD)])
def test_an_ethertype_that_names_the_other_version_is_not_followed(packet, etype):
    assert decoded(packet, etype) is None


def test_ipv6_extension_headers_are_stepped_over():
    chain = extension(43) + extension(60, bytes(14)) + extension(51) + authentication(17) + udp()
    assert decoded(ip6(chain, 0)) == (17, 40 + 8 + 16 + 8 + 24, 40 + len(chain), 0, 0)


def test_an_ipv6_fragment_says_where_it_belongs_and_ends_the_chain():
    assert decoded(ip6(fragment6(60, ident=77, offset=1480, more=True) + bytes(32), 44)) == (
        60,
        48,
        80,
        MORE_FRAGMENTS | 185,
        77,
    )


def test_a_first_ipv6_fragment_is_followed():
    packet = ip6(fragment6(60, ident=7, more=True) + extension(17) + udp(), 44)
    assert decoded(packet)[:4] == (17, 56, len(packet), MORE_FRAGMENTS)


def test_a_cut_chain_stays_where_it_was_cut():
    assert decoded(ip6(extension(60) + b"\x11", 0))[:2] == (60, 48)


def test_an_endless_chain_ends():
    assert decoded(ip6(extension(0) * 200 + udp(), 0))[0] == 0


def test_payload_length_0_means_all_that_was_captured():
    assert decoded(ip6(udp(), 17, length=0))[2] == 40 + len(udp())
