"""Ports, ICMP type and code, and TCP flags of a batch.

Ports stand in TCP, UDP and SCTP (the contract's rule); ICMP and ICMPv6 have type and code in their place, as in the
agent's flow key. Later fragments carry neither.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from capture.pcap.network import FRAGMENT_OFFSET, Network
from capture.pcap.octets import U8, U16, U32, Bool, gather
from flowkit.contract import FLAG_BITS, agent_flags

TCP = 6
PORT_PROTOCOLS = (TCP, 17, 132)
ICMP_PROTOCOLS = (1, 58)

SYN, ACK, SYN_ACK = (FLAG_BITS[name] for name in ("SYN", "ACK", "SYN_ACK"))

_HAS_PORTS = np.zeros(256, np.bool_)
_HAS_PORTS[list(PORT_PROTOCOLS)] = True
_HAS_TYPE = np.zeros(256, np.bool_)
_HAS_TYPE[list(ICMP_PROTOCOLS)] = True
# A chain of IPv6 headers that ended before its last one may have hidden ports.
_UNFINISHED = np.zeros(256, np.bool_)
_UNFINISHED[[0, 43, 44, 51, 60, 135, 139, 140]] = True

_FLAGS_AT = 13
_TCP = np.dtype(
    {
        "names": ["sequence", "acknowledged", "flags"],
        "formats": [">u4", ">u4", "u1"],
        "offsets": [4, 8, _FLAGS_AT],
        "itemsize": 14,
    }
)


@dataclass(frozen=True)
class Transport:
    """`ends` holds two 16-bit numbers (ports, or ICMP type and code) where `known`; `flags` is the agent's bit of each.

    `portless` counts packets that end before the ports or the type they should have, `flagless` TCP packets that end
    before their flags. `opener` is the client's initial sequence number as a TCP packet with SYN, SYN and ACK, or ACK would
    tell it at the start of a connection.
    """

    ends: U32
    known: Bool
    flags: U16
    opener: U32
    portless: int
    flagless: int


def decode(buffer: U8, network: Network) -> Transport:
    """Read what follows the IP headers.

    >>> from capture.pcap import network as ip
    >>> zero = np.zeros(1, np.uint64)
    >>> udp = np.frombuffer(bytes.fromhex("0035 c000") + bytes(128), np.uint8)
    >>> one, small = np.array([0]), np.array([17], np.uint8)
    >>> packet = ip.Network(one, small, zero, zero, zero, zero, small, one, one + 8, one.astype("u2"), one.astype("u4"), small)
    >>> divmod(int(decode(udp, packet).ends[0]), 65536)
    (53, 49152)
    """
    begins = network.fragment & FRAGMENT_OFFSET == 0
    left = network.end - network.start
    ports, kind = _HAS_PORTS[network.proto], _HAS_TYPE[network.proto]
    known = begins & ((ports & (left >= 4)) | (kind & (left >= 2)))
    flags, opener, flagless = _tcp(buffer, network, left)
    hidden = begins & (ports | kind | (_UNFINISHED[network.proto] & (network.is_v6 == 1))) & ~known
    return Transport(_ends(buffer, network, known, kind), known, flags, opener, int(hidden.sum()), flagless)


def _ends(buffer: U8, network: Network, known: Bool, kind: Bool) -> U32:
    # A start beyond the buffer is never known; it is fetched from a harmless place.
    word = gather(buffer, np.minimum(network.start, len(buffer) - 4), np.dtype(">u4")).astype(np.uint32)
    word[~known] = 0
    icmp = np.flatnonzero(kind)
    octets = word[icmp]
    word[icmp] = (octets >> np.uint32(24) << np.uint32(16)) | (octets >> np.uint32(16) & np.uint32(0xFF))
    return word


def _tcp(buffer: U8, network: Network, left: np.ndarray) -> tuple[U16, U32, int]:
    flags, opener = np.zeros(len(network), np.uint16), np.zeros(len(network), np.uint32)
    tcp = np.flatnonzero((network.proto == TCP) & (network.fragment & FRAGMENT_OFFSET == 0) & (left >= 4))
    whole = tcp[left[tcp] > _FLAGS_AT]
    header = gather(buffer, network.start[whole], _TCP)
    flag = agent_flags(header["flags"])
    flags[whole] = flag
    said = header["sequence"].astype(np.uint32)
    answers = np.flatnonzero(flag == SYN_ACK)
    said[answers] = header["acknowledged"][answers]
    said[flag != SYN] -= np.uint32(1)
    opener[whole] = said
    return flags, opener, len(tcp) - len(whole)
