"""Anonymised tables: prefixes and classes stay, addresses do not, the key decides."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

import capture
from capture.anonymise import Anonymiser, anonymise
from flowkit.errors import CaptureError
from tests.capture.craft import A, Frame, ether, ip4, pcap, save, udp
from tests.capture.tables import read_quietly

KEY = b"a key for the tests only"
ONE = Anonymiser(KEY)
addresses4 = st.integers(0, 2**32 - 1).map(ipaddress.IPv4Address)
addresses6 = st.integers(0, 2**128 - 1).map(ipaddress.IPv6Address)


def common(one, other) -> int:
    return one.max_prefixlen - (int(one) ^ int(other)).bit_length()


def hidden(address):
    return ipaddress.ip_address(ONE.address(str(address)))


@given(st.one_of(st.tuples(addresses4, addresses4), st.tuples(addresses6, addresses6)))
def test_as_many_leading_bits_are_shared_as_before(pair):
    if any(getattr(address, "ipv4_mapped", None) for address in pair):
        return
    assert common(*map(hidden, pair)) == common(*pair)


@given(st.one_of(addresses4, addresses6))
def test_classes_stay(address):
    for what in ("is_multicast", "is_loopback", "is_link_local", "is_unspecified"):
        assert getattr(hidden(address), what) == getattr(address, what)


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("10.1.2.3", "10.0.0.0/8"),
        ("172.30.0.10", "172.16.0.0/12"),
        ("192.168.9.9", "192.168.0.0/16"),
        ("100.64.3.3", "100.64.0.0/10"),
        ("127.0.0.1", "127.0.0.0/8"),
        ("169.254.169.254", "169.254.0.0/16"),
        ("224.0.0.251", "224.0.0.0/24"),
        ("239.1.2.3", "224.0.0.0/4"),
        ("255.255.255.255", "255.255.255.255/32"),
        ("fd00::1", "fc00::/7"),
        ("fe80::1", "fe80::/64"),
        ("ff02::fb", "ff02::/112"),
        ("ff0e::1", "ff0e::/16"),
        ("2001:db8::1", "2000::/3"),
        ("::ffff:10.0.0.1", "::ffff:0:0/96"),
    ],
)
def test_special_ranges_keep_to_themselves(address, network):
    assert hidden(address) in ipaddress.ip_network(network)


@given(addresses4)
def test_nobody_else_gets_into_a_private_range(address):
    for network in map(ipaddress.ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "224.0.0.0/4")):
        assert (address in network) == (hidden(address) in network)


def test_the_key_decides_and_nothing_else():
    assert ONE.address("203.0.113.7") == Anonymiser(KEY).address("203.0.113.7")
    assert len({Anonymiser(KEY + bytes([n])).address("203.0.113.7") for n in range(9)}) > 7
    with pytest.raises(CaptureError, match="has 5 bytes: it needs at least 16"):
        Anonymiser(b"short")


def test_a_whole_table_and_its_account(tmp_path):
    path = save(tmp_path, "ip-10-0-0-11.ec2.internal.pcap", pcap([Frame(ether(ip4(udp(), 17)))] * 2))
    flows = read_quietly(path)
    told = anonymise(flows, KEY)
    assert told["SrcAddr"].tolist() == [ONE.address(A)]
    assert told["AgentIP"].tolist() == told["CaptureFile"].tolist() == [ONE.address("10.0.0.11")]
    assert told["SrcMac"][0] != flows["SrcMac"][0]
    assert list(capture.report(told).files) == [ONE.address("10.0.0.11") + ".pcap"]
    assert "10-0-0-11" not in str(told.attrs)
    assert told.drop(columns=["SrcAddr", "DstAddr", "AgentIP", "CaptureFile", "SrcMac", "DstMac"]).equals(
        flows.drop(columns=["SrcAddr", "DstAddr", "AgentIP", "CaptureFile", "SrcMac", "DstMac"])
    )
