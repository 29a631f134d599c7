"""Tunnels: the packets that other packets carry. VXLAN, Geneve, GRE, ERSPAN (I, II, III) and IP in IP, also nested.

Sources: RFC 7348, 8926, 2784 and 2890, 2003, 4213, 2473; draft-foschiano-erspan. A packet whose inside cannot be read (cut, or
no IP in it), or that is itself a fragment, stays what it is outside.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from capture.pcap import link
from capture.pcap.network import IPV4, IPV6, Frames, Network, headers
from capture.pcap.octets import I64, U8, U16, Bool, big16
from capture.pcap.records import Records

CUT_INSIDE = "tunnelled packets cut before their inner header (kept as the tunnel's flow)"
CUT_APART = "fragments of tunnel packets (kept as the tunnel's flow)"

VXLAN_PORT = 4789
GENEVE_PORT = 6081

_IPIP, _UDP, _IPV6_IN, _GRE = 4, 17, 41, 47
_BRIDGED = 0x6558  # transparent Ethernet bridging
_ERSPAN, _ERSPAN_3 = 0x88BE, 0x22EB
_MOST_NESTED = 4


class _Inner(NamedTuple):
    """Where the inside of some packets begins: rows of the network layer, and an EtherType or a link layer's frame."""

    rows: I64
    start: I64
    etype: U16


@dataclass(frozen=True)
class Inside:
    """The packets with what is inside in place of what carried it; `outer` holds the outermost headers of `rows`."""

    network: Network
    rows: I64
    outer: Network
    cut: int
    apart: int


def inside(records: Records, network: Network) -> Inside:
    """Look into every tunnel of a batch."""
    entered = np.zeros(len(network), np.bool_)
    inner, rows, cut, apart = network, np.arange(len(network)), 0, 0
    for _ in range(_MOST_NESTED):
        found, cut_here, apart_here = _enter(records, inner, rows)
        cut, apart = cut + cut_here, apart + apart_here
        if found is None:
            break
        rows, within = found
        entered[rows] = True
        inner = inner.replaced(rows, within)
    places = np.flatnonzero(entered)
    return Inside(inner, places, network.take(places), cut, apart)


def _enter(records: Records, network: Network, rows: I64) -> tuple[tuple[I64, Network] | None, int, int]:
    """One layer further in, of the packets in `rows`: their rows and headers, and how many were cut or in fragments."""
    parts = [
        part
        for proto, carriers in _carriers(network, rows)
        for read in _READERS[proto]
        if len((part := read(records.buffer, network, carriers)).rows)
    ]
    if not parts:
        return None, 0, 0
    found = _Inner(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))
    whole = network.fragment[found.rows] == 0
    apart = int((~whole).sum())
    located, ends = _located(records.buffer, network, found := _Inner(*(column[whole] for column in found)))
    within = headers(Frames(records.buffer, found.rows, located.etype, located.start, ends))
    is_ip = np.isin(located.etype, (IPV4, IPV6))
    cut = int(is_ip.sum() + (located.etype == link.CUT).sum()) - len(within)
    reached = within.row
    return ((reached, _of_records(within, network.row[reached])) if len(within) else None), cut, apart


def _of_records(within: Network, row: I64) -> Network:
    return Network(**{**vars(within), "row": row})


def _located(buffer: U8, network: Network, found: _Inner) -> tuple[link.Located, I64]:
    """Find the network layer inside: behind an Ethernet header, or where the tunnel's own EtherType says it is."""
    ends = network.end[found.rows]
    etype, start = found.etype.copy(), found.start.copy()
    bridged = np.flatnonzero(etype == _BRIDGED)
    frames = link.locate_inside(link.ETHERNET, buffer, start[bridged], ends[bridged])
    etype[bridged], start[bridged] = frames.etype, frames.start
    plain = np.flatnonzero(found.etype != _BRIDGED)
    payload = link.locate_payload(buffer, etype[plain], start[plain], ends[plain])
    etype[plain], start[plain] = payload.etype, payload.start
    return link.Located(etype, start), ends


def _carriers(network: Network, rows: I64) -> Iterator[tuple[int, I64]]:
    """The packets of each carrying protocol that begin here: later fragments carry no header."""
    rows = rows[_CARRIES[network.proto[rows]]]
    rows = rows[(network.fragment[rows] & 0x1FFF == 0) & (network.start[rows] + 4 <= network.end[rows])]
    proto = network.proto[rows]
    for number in _READERS:
        if len(carriers := rows[proto == number]):
            yield number, carriers


def _ip_in_ip(buffer: U8, network: Network, rows: I64) -> _Inner:  # noqa: ARG001 - one form for all readers
    etype = np.where(network.proto[rows] == _IPIP, IPV4, IPV6).astype(np.uint16)
    return _Inner(rows, network.start[rows], etype)


def _vxlan(buffer: U8, network: Network, rows: I64) -> _Inner:
    """Eight bytes behind UDP, of which the first says that a network identifier is there."""
    rows = _to_port(buffer, network, rows, VXLAN_PORT)
    start = network.start[rows] + 8
    valid = buffer[start] & 0x08 > 0
    return _Inner(rows[valid], start[valid] + 8, np.full(int(valid.sum()), _BRIDGED, np.uint16))


def _geneve(buffer: U8, network: Network, rows: I64) -> _Inner:
    """Version 0; the low six bits of the first byte count the words of options."""
    rows = _to_port(buffer, network, rows, GENEVE_PORT)
    start = network.start[rows] + 8
    valid = buffer[start] >> 6 == 0
    rows, start = rows[valid], start[valid]
    options = (buffer[start] & 0x3F).astype(np.int64) * 4
    return _Inner(rows, start + 8 + options, big16(buffer, start + 2))


def _to_port(buffer: U8, network: Network, rows: I64, port: int) -> I64:
    rows = rows[network.start[rows] + 16 <= network.end[rows]]
    there: Bool = big16(buffer, network.start[rows] + 2) == port
    return rows[there]


def _gre(buffer: U8, network: Network, rows: I64) -> _Inner:
    """Version 0, with checksum, key and sequence number where the flags say so; behind it ERSPAN, Ethernet or a protocol."""
    flags, etype = big16(buffer, network.start[rows]), big16(buffer, network.start[rows] + 2)
    valid = (flags & 0x0007 == 0) & (flags & 0x4000 == 0)
    rows, flags, etype = rows[valid], flags[valid], etype[valid]
    words = 1 + sum((flags >> bit & 1).astype(np.int64) for bit in (15, 13, 12))
    start = network.start[rows] + words * 4
    # Type I has no sequence number and no header of its own.
    second = (etype == _ERSPAN) & (flags >> 12 & 1 == 1)
    third = np.flatnonzero((etype == _ERSPAN_3) & (start + 12 <= network.end[rows]))
    more = (buffer[start[third] + 11] & 1).astype(np.int64) * 8
    start[second] += 8
    start[third] += 12 + more
    etype = np.where(np.isin(etype, (_ERSPAN, _ERSPAN_3)), _BRIDGED, etype).astype(np.uint16)
    return _Inner(rows, start, etype)


_READERS: dict[int, tuple[Callable[[U8, Network, I64], _Inner], ...]] = {
    _IPIP: (_ip_in_ip,),
    _IPV6_IN: (_ip_in_ip,),
    _UDP: (_vxlan, _geneve),
    _GRE: (_gre,),
}
_CARRIES = np.zeros(256, np.bool_)
_CARRIES[list(_READERS)] = True
