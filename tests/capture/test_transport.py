"""Ports, ICMP type and code, the agent's flag of a packet, and packets that end too early."""

from __future__ import annotations

import numpy as np
import pytest

from capture.pcap.network import Network
from capture.pcap.octets import SPARE
from capture.pcap.transport import decode
from tests.capture.craft import PSH_ACK, SYN, SYN_ACK, icmp, sctp, tcp, udp


def decoded(payload: bytes, proto: int, *, fragment=0, is_v6=0):
    buffer = np.frombuffer(payload + b"\xff" * SPARE, np.uint8)
    none, zero = np.zeros(1, np.uint64), np.array([0])
    one = np.array([proto], np.uint8)
    version, where = np.array([is_v6], np.uint8), np.array([fragment], np.uint16)
    size = np.array([len(payload)])
    ident = zero.astype(np.uint32)
    network = Network(zero, version, none, none, none, none, one, zero, size, where, ident, version)
    found = decode(buffer, network)
    ends = divmod(int(found.ends[0]), 1 << 16) if found.known[0] else None
    return ends, int(found.flags[0]), found.portless, found.flagless


@pytest.mark.parametrize(
    ("payload", "proto", "expected"),
    [
        (tcp(40000, 443, SYN), 6, ((40000, 443), 2, 0, 0)),
        (tcp(443, 40000, SYN_ACK), 6, ((443, 40000), 256, 0, 0)),
        (tcp(flags=PSH_ACK), 6, ((40000, 443), 16, 0, 0)),
        (udp(53, 0), 17, ((53, 0), 0, 0, 0)),
        (sctp(), 132, ((40000, 3868), 0, 0, 0)),
        (icmp(3, 1), 1, ((3, 1), 0, 0, 0)),
        (icmp(128, 0), 58, ((128, 0), 0, 0, 0)),
        (bytes(20), 47, (None, 0, 0, 0)),
        (udp(), 136, (None, 0, 0, 0)),
        (tcp()[:13], 6, ((40000, 443), 0, 0, 1)),
        (tcp()[:3], 6, (None, 0, 1, 0)),
        (icmp()[:1], 1, (None, 0, 1, 0)),
        (b"", 17, (None, 0, 1, 0)),
        (b"", 47, (None, 0, 0, 0)),
    ],
)
def test_what_follows_ip(payload, proto, expected):
    assert decoded(payload, proto) == expected


def test_a_later_fragment_shows_nothing_and_lacks_nothing():
    assert decoded(tcp(), 6, fragment=185) == (None, 0, 0, 0)


def test_a_first_fragment_has_its_ports():
    assert decoded(udp(), 17, fragment=0x2000)[0] == (40000, 53)


def test_an_unfinished_ipv6_chain_may_have_hidden_ports():
    assert decoded(b"\x06", 60, is_v6=1)[2] == 1
    assert decoded(b"\x06", 60)[2] == 0
