"""Ports, ICMP type and code, and TCP flags of a batch.

Ports stand in TCP, UDP and SCTP (the contract's rule); ICMP and ICMPv6 have type and code in their place, as in the
agent's flow key. Later fragments carry neither.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from capture.pcap.network import FRAGMENT_OFFSET, Network
from capture.pcap.octets import U8, U16, U32, Bool, gather
from flowkit.contract import agent_flags

TCP = 6
PORT_PROTOCOLS = (TCP, 17, 132)
ICMP_PROTOCOLS = (1, 58)

_HAS_PORTS = np.zeros(256, np.bool_)
_HAS_PORTS[list(PORT_PROTOCOLS)] = True
_HAS_TYPE = np.zeros(256, np.bool_)
_HAS_TYPE[list(ICMP_PROTOCOLS)] = True
# A chain of IPv6 headers that ended before its last one may have hidden ports.
_UNFINISHED = np.zeros(256, np.bool_)
_UNFINISHED[[0, 43, 44, 51, 60, 135, 139, 140]] = True

_FLAGS_AT = 13


@dataclass(frozen=True)
class Transport:
    """`ends` holds two 16-bit numbers (ports, or ICMP type and code) where `known`; `flags` is the agent's bit of each.

    `portless` counts packets that end before the ports or the type they should have, `flagless` TCP packets that end
    before their flags.
    """

    ends: U32
    known: Bool
    flags: U16
    portless: int
    flagless: int


def decode(buffer: U8, network: Network) -> Transport:
    """Read what follows the IP headers.

    >>> from capture.pcap import network as ip
    >>> zero = np.zeros(1, np.uint64)
    >>> udp = np.frombuffer(bytes.fromhex("0035 c000") + bytes(128), np.uint8)
    >>> one, small = np.array([0]), np.array([17], np.uint8)
    >>> packet = ip.Network(one, small, zero, zero, zero, zero, small, one, one + 8, one.astype("u2"), one.astype("u4"))
    >>> divmod(int(decode(udp, packet).ends[0]), 65536)
    (53, 49152)
    """
    begins = network.fragment & FRAGMENT_OFFSET == 0
    left = network.end - network.start
    ports, kind = _HAS_PORTS[network.proto], _HAS_TYPE[network.proto]
    known = begins & ((ports & (left >= 4)) | (kind & (left >= 2)))
    flags, flagless = _flags(buffer, network, left)
    hidden = begins & (ports | kind | (_UNFINISHED[network.proto] & (network.is_v6 == 1))) & ~known
    return Transport(_ends(buffer, network, known, kind), known, flags, int(hidden.sum()), flagless)


def _ends(buffer: U8, network: Network, known: Bool, kind: Bool) -> U32:
    # A start beyond the buffer is never known; it is fetched from a harmless place.
    word = gather(buffer, np.minimum(network.start, len(buffer) - 4), np.dtype(">u4")).astype(np.uint32)
    word[~known] = 0
    icmp = np.flatnonzero(kind)
    octets = word[icmp]
    word[icmp] = (octets >> np.uint32(24) << np.uint32(16)) | (octets >> np.uint32(16) & np.uint32(0xFF))
    return word


def _flags(buffer: U8, network: Network, left: np.ndarray) -> tuple[U16, int]:
    flags = np.zeros(len(network), np.uint16)
    tcp = np.flatnonzero((network.proto == TCP) & (network.fragment & FRAGMENT_OFFSET == 0) & (left >= 4))
    whole = tcp[left[tcp] > _FLAGS_AT]
    flags[whole] = agent_flags(buffer[network.start[whole] + _FLAGS_AT])
    return flags, len(tcp) - len(whole)
