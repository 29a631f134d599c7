"""Link layers: where a frame's network layer begins and which EtherType it has.

One function a link type, in one table; then tags (VLAN, stacked) and LLC/SNAP are unwrapped, each step touching only the
frames it concerns. Sources: IEEE 802.3, 802.1Q, 802.1ad; RFC 1042 (SNAP); tcpdump.org's list of link types.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from capture.pcap.octets import I64, U8, U16, big16, gather
from capture.pcap.records import Records

ETHERNET = 1

# Marks in place of an EtherType; as lengths of an 802.3 frame they are too short to carry IP.
NOT_IP = 0
CUT = 1

_VLAN = (0x8100, 0x88A8, 0x9100, 0x9200, 0x9300)
_FIRST_ETHERTYPE = 1536  # below stands the length of an 802.3 frame
_MOST_TAGS = 16
_SNAP = b"\xaa\xaa\x03\0\0\0"


@dataclass(frozen=True)
class Located:
    """Where each frame's network layer starts in the buffer and its EtherType, `NOT_IP` or `CUT`."""

    etype: U16
    start: I64


@dataclass
class _Unwrapping:
    """The arrays that the unwrapping steps rewrite in place, for the few frames each concerns."""

    buffer: U8
    etype: U16
    start: I64
    end: I64


def locate(records: Records) -> Located | None:
    """Find the network layer of every frame; None for a link type that is not supported.

    >>> frame = np.frombuffer(bytes(12) + bytes.fromhex("81000001 0800") + bytes(150), np.uint8)
    >>> one = np.array([0])
    >>> located = locate(Records(frame, one, one + 60, one + 60, one, link=1))
    >>> hex(located.etype[0]), int(located.start[0])
    ('0x800', 18)
    """
    begin = LINK_LAYERS.get(records.link)
    if begin is None:
        return None
    state = begin(records)
    for _ in range(_MOST_TAGS):
        wrapped = np.flatnonzero(_WRAPPED[state.etype])
        if not len(wrapped):
            break
        vlan = _IS_VLAN[state.etype[wrapped]]
        _untag(state, wrapped[vlan])
        _unsnap(state, wrapped[~vlan])
    return Located(state.etype, state.start)


def _ethernet(records: Records) -> _Unwrapping:
    start, end = records.start + 14, records.start + records.captured
    etype = np.full(len(records), CUT, np.uint16)
    whole = np.flatnonzero(start <= end)
    etype[whole] = _etype(records.buffer, records.start[whole] + 12)
    return _Unwrapping(records.buffer, etype, start, end)


def _etype(buffer: U8, offsets: I64) -> U16:
    value = big16(buffer, offsets)
    value[value <= CUT] = NOT_IP
    return value


def _untag(state: _Unwrapping, frames: I64) -> None:
    whole = _long_enough(state, frames, 4)
    state.etype[whole] = _etype(state.buffer, state.start[whole] + 2)
    state.start[whole] += 4


def _unsnap(state: _Unwrapping, frames: I64) -> None:
    """LLC: only SNAP with the EtherType organisation code can carry IP; it stands 8 bytes before its payload."""
    whole = _long_enough(state, frames, 8)
    snap = gather(state.buffer, state.start[whole], np.dtype("S6")) == _SNAP
    inner = _etype(state.buffer, state.start[whole] + 6)
    state.etype[whole] = np.where(snap & (inner >= _FIRST_ETHERTYPE), inner, NOT_IP)
    state.start[whole] += 8


def _long_enough(state: _Unwrapping, frames: I64, size: int) -> I64:
    """Mark the frames that end before `size` more bytes as cut, return the others."""
    short = state.start[frames] + size > state.end[frames]
    state.etype[frames[short]] = CUT
    return frames[~short]


LINK_LAYERS: dict[int, Callable[[Records], _Unwrapping]] = {ETHERNET: _ethernet}

_IS_VLAN = np.zeros(65536, np.bool_)
_IS_VLAN[list(_VLAN)] = True
_WRAPPED = _IS_VLAN.copy()
_WRAPPED[CUT + 1 : _FIRST_ETHERTYPE] = True
