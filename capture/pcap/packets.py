"""The columns of a decoded batch: one row an IP packet, and the key that tells flows apart.

The key is the agent's: both addresses, protocol, ports, ICMP type and code. Everything but the addresses is packed
into one 64-bit word, so that comparing keys is comparing five numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from capture.pcap.octets import I64, U8, U16, U32, U64, Bool

_PROTO = np.uint64(32)
_KNOWN = np.uint64(40)
_V6 = np.uint64(41)
_PLACE = np.uint64(42)
# All of the word but the place.
FLOW_BITS = (1 << 42) - 1

MACS = np.dtype("V12")  # destination and source, as they stand in an Ethernet header
Macs = npt.NDArray[np.void]

Rows = npt.NDArray[np.integer] | Bool | slice


@dataclass(frozen=True)
class Key:
    """What tells flows apart; `word` holds place, IP version, protocol and (if known) ports or ICMP type and code."""

    src_hi: U64
    src_lo: U64
    dst_hi: U64
    dst_lo: U64
    word: U64

    def __len__(self) -> int:
        return len(self.word)

    @property
    def columns(self) -> tuple[U64, U64, U64, U64, U64]:
        """The five columns in the order in which flows of the same time are sorted."""
        return self.src_hi, self.src_lo, self.dst_hi, self.dst_lo, self.word

    def take(self, rows: Rows) -> Key:
        """The keys of some rows."""
        return Key(*(column[rows] for column in self.columns))

    @property
    def place(self) -> I64:
        """The number of the place (see `capture.pcap.places`)."""
        return (self.word >> _PLACE).astype(np.int64)

    def placed(self, numbers: U64) -> Key:
        """The same keys with these numbers for the places they had."""
        word = (self.word & np.uint64(FLOW_BITS)) | numbers[self.place] << _PLACE
        return Key(self.src_hi, self.src_lo, self.dst_hi, self.dst_lo, word)

    @property
    def reversed(self) -> Key:
        """The keys of the other direction (for protocols with ports)."""
        ends = np.uint64(0xFFFFFFFF)
        turned = (self.word >> np.uint64(16) & np.uint64(0xFFFF)) | (self.word & np.uint64(0xFFFF)) << np.uint64(16)
        return Key(self.dst_hi, self.dst_lo, self.src_hi, self.src_lo, (self.word & ~ends) | turned)

    @property
    def is_v6(self) -> Bool:
        """Whether the addresses are IPv6."""
        return (self.word >> _V6 & np.uint64(1)).astype(np.bool_)

    @property
    def proto(self) -> U8:
        """IP protocol number."""
        return (self.word >> _PROTO & np.uint64(0xFF)).astype(np.uint8)

    @property
    def known(self) -> Bool:
        """Whether ports, or ICMP type and code, were seen."""
        return (self.word >> _KNOWN & np.uint64(1)).astype(np.bool_)

    @property
    def first(self) -> U16:
        """Source port or ICMP type."""
        return (self.word >> np.uint64(16) & np.uint64(0xFFFF)).astype(np.uint16)

    @property
    def second(self) -> U16:
        """Destination port or ICMP code."""
        return (self.word & np.uint64(0xFFFF)).astype(np.uint16)


def key_word(is_v6: U8, proto: U8, known: Bool, ends: U32, place: U64 | None = None) -> U64:
    """Pack IP version, protocol and `ends` (ports, or ICMP type and code, 16 bits each) into the key's word.

    >>> word = key_word(np.array([0], np.uint8), np.array([6], np.uint8), np.array([True]), np.array([443], np.uint32))
    >>> Key(word, word, word, word, word).second.tolist()
    [443]
    """
    word: U64 = (is_v6.astype(np.uint64) << _V6) | (known.astype(np.uint64) << _KNOWN)
    word |= (proto.astype(np.uint64) << _PROTO) | ends
    return word if place is None else word | place << _PLACE


@dataclass(frozen=True)
class Packets:
    """IP packets: key, bytes on the wire with the link layer, time (ns since the epoch), the agent's flag of each.

    `opener` is the initial sequence number of the connection's client as this packet would tell it (see
    `capture.pcap.handshake`), 0 where nobody asked.
    """

    key: Key
    octets: I64
    time: I64
    flags: U16
    dscp: U8
    macs: Macs
    opener: U32

    def __len__(self) -> int:
        return len(self.octets)

    @property
    def columns(self) -> tuple[npt.NDArray[Any], ...]:
        """All columns but the key."""
        return self.octets, self.time, self.flags, self.dscp, self.macs, self.opener

    def take(self, rows: Rows) -> Packets:
        """Some of the packets."""
        return Packets(self.key.take(rows), *(column[rows] for column in self.columns))


def join_keys(parts: Sequence[Key]) -> Key:
    """Keys put under each other."""
    return Key(*(np.concatenate(columns) for columns in zip(*(part.columns for part in parts), strict=True)))


def join_packets(parts: Sequence[Packets]) -> Packets:
    """Packets put under each other, at least one part."""
    if len(parts) == 1:
        return parts[0]
    columns = zip(*(part.columns for part in parts), strict=True)
    return Packets(join_keys([part.key for part in parts]), *(np.concatenate(column) for column in columns))
