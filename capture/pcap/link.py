"""Link layers: where a frame's network layer begins and which EtherType it has.

One function a link type, in one table; then what stands between (VLAN tags, LLC/SNAP, PPPoE, MPLS) is unwrapped, each step
touching only the frames it concerns. Sources: IEEE 802.3, 802.1Q, 802.1ad; RFC 1042 (SNAP), 1661 and 1662 (PPP), 2516
(PPPoE), 3032 (MPLS); tcpdump.org's list of link types.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from capture.pcap.octets import I64, U8, U16, big16, gather
from capture.pcap.records import Records

ETHERNET = 1
_NULL, _PPP, _RAW_BSD, _RAW_OPENBSD, _PPP_HDLC, _PPPOE, _RAW, _CISCO_HDLC = 0, 9, 12, 14, 50, 51, 101, 104
_LOOP, _COOKED, _IPV4_ONLY, _IPV6_ONLY, _COOKED_2 = 108, 113, 228, 229, 276

# Marks in place of an EtherType; as lengths of an 802.3 frame they are too short to carry IP.
NOT_IP = 0
CUT = 1

UNTAGGED = -1

_IPV4, _IPV6 = 0x0800, 0x86DD
_VLAN = (0x8100, 0x88A8, 0x9100, 0x9200, 0x9300)
_PPPOE_SESSION, _MPLS = 0x8864, (0x8847, 0x8848)
_FIRST_ETHERTYPE = 1536  # below stands the length of an 802.3 frame
_MOST_LAYERS = 16
_SNAP = b"\xaa\xaa\x03\0\0\0"
_PPP_TYPES = {0x0021: _IPV4, 0x0057: _IPV6, 0x0281: _MPLS[0], 0x0283: _MPLS[1]}
# The families of Linux, then of the BSDs and macOS.
_FAMILIES = {2: _IPV4, 10: _IPV6, 24: _IPV6, 28: _IPV6, 30: _IPV6}


@dataclass(frozen=True)
class Located:
    """Where each frame's network layer starts in the buffer, its EtherType (`NOT_IP`, `CUT`), its outermost VLAN."""

    etype: U16
    start: I64
    vlan: npt.NDArray[np.int16] | None = None


@dataclass
class _Unwrapping:
    """The arrays that the unwrapping steps rewrite in place, for the few frames each concerns."""

    buffer: U8
    etype: U16
    start: I64
    end: I64
    vlan: npt.NDArray[np.int16] | None = None


def locate(records: Records) -> Located | None:
    """Find the network layer of every frame; None for a link type that is not supported.

    >>> frame = np.frombuffer(bytes(12) + bytes.fromhex("81000001 0800") + bytes(150), np.uint8)
    >>> one = np.array([0])
    >>> located = locate(Records(frame, one, one + 60, one + 60, one, link=1))
    >>> hex(located.etype[0]), int(located.start[0]), int(located.vlan[0])
    ('0x800', 18, 1)
    """
    begin = LINK_LAYERS.get(records.link)
    return None if begin is None else _unwrapped(begin(records.buffer, records.start, records.end))


def locate_inside(link: int, buffer: U8, start: I64, end: I64) -> Located:
    """Find the network layer of frames of a supported link type that lie inside other packets."""
    return _unwrapped(LINK_LAYERS[link](buffer, start, end))


def locate_payload(buffer: U8, etype: U16, start: I64, end: I64) -> Located:
    """Find the network layer of payloads whose EtherType is known, as in GRE."""
    return _unwrapped(_Unwrapping(buffer, etype.copy(), start.copy(), end))


def _unwrapped(state: _Unwrapping) -> Located:
    for _ in range(_MOST_LAYERS):
        wrapped = np.flatnonzero(_WRAPPED[state.etype])
        if not len(wrapped):
            break
        kinds = _WRAPPED[state.etype[wrapped]]
        for kind, unwrap in _STEPS.items():
            if len(frames := wrapped[kinds == kind]):
                unwrap(state, frames)
    return Located(state.etype, state.start, state.vlan)


def _etype(buffer: U8, offsets: I64) -> U16:
    value = big16(buffer, offsets)
    value[value <= CUT] = NOT_IP
    return value


def _begun(buffer: U8, start: I64, end: I64, size: int) -> tuple[_Unwrapping, I64]:
    """A state behind a header of `size` bytes, and the frames that hold the whole header; the others are cut."""
    state = _Unwrapping(buffer, np.full(len(start), CUT, np.uint16), start + size, end)
    return state, np.flatnonzero(state.start <= end)


def _typed(size: int, at: int) -> Callable[[U8, I64, I64], _Unwrapping]:
    """A link layer of `size` bytes with an EtherType `at` some place in it."""

    def begin(buffer: U8, start: I64, end: I64) -> _Unwrapping:
        state, whole = _begun(buffer, start, end, size)
        state.etype[whole] = _etype(buffer, start[whole] + at)
        return state

    return begin


def _raw(buffer: U8, start: I64, end: I64) -> _Unwrapping:
    state, whole = _begun(buffer, start, end, 0)
    whole = whole[start[whole] < end[whole]]
    state.etype[whole] = _by_version(buffer, start[whole])
    return state


def _by_version(buffer: U8, offsets: I64) -> U16:
    version = buffer[offsets] >> 4
    return np.select([version == 4, version == 6], [_IPV4, _IPV6], NOT_IP).astype(np.uint16)


def _null(buffer: U8, start: I64, end: I64) -> _Unwrapping:
    """Four bytes of address family, in the order of the machine that captured: the small number tells which."""
    state, whole = _begun(buffer, start, end, 4)
    family = gather(buffer, start[whole], np.dtype("<u4")).copy()
    swapped = family > 0xFFFF
    family[swapped] = family[swapped].byteswap()
    state.etype[whole] = _FAMILY_TYPE[np.minimum(family, len(_FAMILY_TYPE) - 1)]
    return state


def _ppp(buffer: U8, start: I64, end: I64) -> _Unwrapping:
    """PPP, with or without address and control bytes in front; Cisco's HDLC has an EtherType behind its two."""
    state, whole = _begun(buffer, start, end, 4)
    first = big16(buffer, start[whole])
    cisco = whole[(first == 0x0F00) | (first == 0x8F00)]
    state.etype[cisco] = _etype(buffer, start[cisco] + 2)
    bare = first != 0xFF03
    rest = whole[~np.isin(whole, cisco)]
    state.start[whole] -= np.where(bare, 4, 2)
    state.start[cisco] = start[cisco] + 4
    _ppp_type(state, rest)
    return state


def _ppp_type(state: _Unwrapping, frames: I64) -> None:
    """Read a PPP protocol number: two bytes, or one where its field is compressed (it is odd then)."""
    frames = _long_enough(state, frames, 2)
    number = big16(state.buffer, state.start[frames])
    short = number >> 8 & 1 == 1
    number[short] >>= 8
    state.etype[frames] = _PPP_TYPE[number]
    state.start[frames] += np.where(short, 1, 2)


def _untag(state: _Unwrapping, frames: I64) -> None:
    whole = _long_enough(state, frames, 4)
    if state.vlan is None:
        state.vlan = np.full(len(state.etype), UNTAGGED, np.int16)
    outermost = whole[state.vlan[whole] == UNTAGGED]
    state.vlan[outermost] = big16(state.buffer, state.start[outermost]) & 0x0FFF
    state.etype[whole] = _etype(state.buffer, state.start[whole] + 2)
    state.start[whole] += 4


def _unsnap(state: _Unwrapping, frames: I64) -> None:
    """LLC: only SNAP with the EtherType organisation code can carry IP; it stands 8 bytes before its payload."""
    whole = _long_enough(state, frames, 8)
    snap = gather(state.buffer, state.start[whole], np.dtype("S6")) == _SNAP
    inner = _etype(state.buffer, state.start[whole] + 6)
    state.etype[whole] = np.where(snap & (inner >= _FIRST_ETHERTYPE), inner, NOT_IP)
    state.start[whole] += 8


def _pppoe(state: _Unwrapping, frames: I64) -> None:
    whole = _long_enough(state, frames, 6)
    state.start[whole] += 6
    _ppp_type(state, whole)


def _pppoe_session(buffer: U8, start: I64, end: I64) -> _Unwrapping:
    state, whole = _begun(buffer, start, end, 6)
    _ppp_type(state, whole)
    return state


def _unlabel(state: _Unwrapping, frames: I64) -> None:
    """One MPLS label; below the last one stands IP, told by its version, or what no label says."""
    whole = _long_enough(state, frames, 4)
    last = state.buffer[state.start[whole] + 2] & 1 == 1
    state.start[whole] += 4
    bottom = _long_enough(state, whole[last], 1)
    state.etype[bottom] = _by_version(state.buffer, state.start[bottom])


def _long_enough(state: _Unwrapping, frames: I64, size: int) -> I64:
    """Mark the frames that end before `size` more bytes as cut, return the others."""
    short = state.start[frames] + size > state.end[frames]
    state.etype[frames[short]] = CUT
    return frames[~short]


LINK_LAYERS: dict[int, Callable[[U8, I64, I64], _Unwrapping]] = {
    ETHERNET: _typed(14, 12),
    _NULL: _null,
    _LOOP: _null,
    _PPP: _ppp,
    _PPP_HDLC: _ppp,
    _PPPOE: _pppoe_session,
    _CISCO_HDLC: _typed(4, 2),
    _COOKED: _typed(16, 14),
    _COOKED_2: _typed(20, 0),
    **dict.fromkeys((_RAW, _RAW_BSD, _RAW_OPENBSD, _IPV4_ONLY, _IPV6_ONLY), _raw),
}

_FAMILY_TYPE = np.zeros(32, np.uint16)
_FAMILY_TYPE[list(_FAMILIES)] = list(_FAMILIES.values())
_PPP_TYPE = np.zeros(65536, np.uint16)
_PPP_TYPE[list(_PPP_TYPES)] = list(_PPP_TYPES.values())

_STEPS = {1: _untag, 2: _unsnap, 3: _pppoe, 4: _unlabel}
_WRAPPED = np.zeros(65536, np.uint8)
_WRAPPED[list(_VLAN)] = 1
_WRAPPED[CUT + 1 : _FIRST_ETHERTYPE] = 2
_WRAPPED[_PPPOE_SESSION] = 3
_WRAPPED[list(_MPLS)] = 4
