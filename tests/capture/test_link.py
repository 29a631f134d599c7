"""Where the network layer begins: Ethernet, stacked VLAN tags, LLC/SNAP, and frames that are cut or not IP."""

from __future__ import annotations

import numpy as np
import pytest

from capture.pcap.link import CUT, NOT_IP, locate
from capture.pcap.octets import SPARE
from capture.pcap.records import Records
from tests.capture.craft import arp, ether, snap

VLAN, QINQ = 0x8100, 0x88A8
LLC_STP = b"\x42\x42\x03\0\0\0"


def located(data: bytes, link: int = 1):
    buffer = np.frombuffer(data + b"\xff" * SPARE, np.uint8)
    zero, size = np.array([0]), np.array([len(data)])
    found = locate(Records(buffer, zero, size, size, zero, link))
    return (int(found.etype[0]), int(found.start[0])) if found else None


@pytest.mark.parametrize(
    ("frame", "expected"),
    [
        (ether(b"", 0x0800), (0x0800, 14)),
        (ether(b"", 0x86DD, [VLAN]), (0x86DD, 18)),
        (ether(b"", 0x0800, [QINQ, VLAN]), (0x0800, 22)),
        (ether(b"", 0x0800, [0x9100, 0x9200, 0x9300, VLAN]), (0x0800, 30)),
        (snap(b"", 0x0800), (0x0800, 22)),
        (ether(snap(b"")[12:], VLAN)[:14] + b"\0\1" + snap(b"")[12:], (0x0800, 26)),
        (arp(), (0x0806, 14)),
    ],
    ids=["plain", "vlan", "qinq", "four tags", "snap", "snap in vlan", "arp"],
)
def test_the_network_layer_is_found(frame, expected):
    assert located(frame) == expected


@pytest.mark.parametrize(
    "frame",
    [snap(b"", 0x0800, LLC_STP), snap(b"", 5), ether(b"", 0), ether(b"", 1), ether(b"", 1, [VLAN])],
    ids=["other llc", "snap of a length", "length 0", "length 1", "length 1 in vlan"],
)
def test_frames_without_an_ethertype_are_not_ip(frame):
    assert located(frame)[0] == NOT_IP


@pytest.mark.parametrize(
    "frame",
    [b"", ether(b"")[:13], ether(b"", 0x0800, [VLAN])[:17], ether(b"", 0x0800, [QINQ, VLAN])[:21], snap(b"")[:21]],
)
def test_frames_that_end_before_their_ethertype_are_cut(frame):
    assert located(frame)[0] == CUT


def test_endless_tags_end():
    assert located(ether(b"", 0x0800, [VLAN] * 100))[0] == VLAN


def test_an_unknown_link_type_has_no_network_layer():
    assert located(b"", 147) is None
