"""One batch of records → IP packets with their flow keys, and the account of the frames that are none."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np

from capture.account import NOT_IP
from capture.pcap import dns, link, network, transport, tunnel
from capture.pcap.fragments import Fragments, Pieces, apart
from capture.pcap.octets import U64, Bool, gather
from capture.pcap.packets import MACS, Key, Macs, Packets, join_packets, key_word
from capture.pcap.places import TOO_MANY, Outer, Places, Where
from capture.pcap.records import Records

CUT_FRAMES = "frames that end before their EtherType"
BAD_HEADERS = "undecodable IP headers"
PORTLESS = "IP packets that end before their ports (kept, without ports)"
FLAGLESS = "TCP packets that end before their flags (kept, without flags)"

Tunnels = Literal["inner", "outer"]
Vlan = Literal["ignore", "key"]


@dataclass(frozen=True)
class View:
    """What of a packet is looked at: the inside or outside of tunnels, VLANs as part of the key, handshakes, DNS."""

    tunnels: Tunnels = "inner"
    vlan: Vlan = "ignore"
    rtt: bool = True
    dns: bool = True


WHOLE_VIEW = View()
OUTSIDE = View(tunnels="outer", rtt=False, dns=False)


@dataclass
class Tally:
    """Running counts of a capture: frames and bytes by where they went, losses by reason."""

    counts: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    links: set[int] = field(default_factory=set)

    def count(self, kind: str, records: Records, rows: Bool) -> int:
        """Count the records of `rows` as `kind`, and return how many they are."""
        number = int(np.count_nonzero(rows))
        self.counts[f"{kind}_packets"] += number
        self.counts[f"{kind}_bytes"] += int(records.wire[rows].sum()) if number else 0
        return number

    def add(self, other: Tally) -> None:
        """Count what another part of the capture counted."""
        self.counts.update(other.counts)
        self.reasons.update(other.reasons)
        self.links |= other.links


class Seen(NamedTuple):
    """A batch: its whole packets, its fragments (which wait for their ports), its DNS messages."""

    packets: Packets
    pieces: Pieces | None
    messages: dns.Messages | None


def decode(records: Records, fragments: Fragments, tally: Tally, view: View = OUTSIDE) -> Packets | None:
    """Return the IP packets of a batch; None for a link type that is not supported. Losses are added to `tally`."""
    seen = look(records, tally, view, Places())
    if seen is None or seen.pieces is None:
        return seen and seen.packets
    return join_packets([seen.packets, fragments.settle(seen.pieces)])


def look(records: Records, tally: Tally, view: View, places: Places) -> Seen | None:
    """Read the packets of a batch; None for a link type that is not supported. Losses are added to `tally`."""
    tally.reasons.update(records.reasons)
    if not len(records):
        return None
    tally.links.add(records.link)
    everything = np.ones(len(records), np.bool_)
    tally.counts["packets"] += len(records)
    tally.counts["bytes"] += int(records.wire.sum())
    located = link.locate(records)
    if located is None:
        reason = f"frames of link type {records.link}, which is not supported"
        tally.reasons[reason] += tally.count("undecoded", records, everything)
        return None
    headers = network.decode(records, located)
    _tally(records, located, headers, tally)
    within = tunnel.inside(records, headers) if view.tunnels == "inner" else None
    place = _places(records, located, headers, within, view, places, tally)
    return _seen(records, within.network if within else headers, place, view, tally)


def _tally(records: Records, located: link.Located, headers: network.Network, tally: Tally) -> None:
    in_flows = np.zeros(len(records), np.bool_)
    in_flows[headers.row] = True
    is_ip = (located.etype == network.IPV4) | (located.etype == network.IPV6)
    cut = located.etype == link.CUT
    tally.count("ip", records, in_flows)
    if in_flows.all():
        return
    tally.reasons[NOT_IP] += tally.count("not_ip", records, ~is_ip & ~cut)
    tally.reasons[CUT_FRAMES] += tally.count("undecoded", records, cut)
    tally.reasons[BAD_HEADERS] += tally.count("undecoded", records, is_ip & ~in_flows)


def _seen(records: Records, headers: network.Network, place: U64 | None, view: View, tally: Tally) -> Seen:
    above = transport.decode(records.buffer, headers)
    tally.reasons[PORTLESS] += above.portless
    tally.reasons[FLAGLESS] += above.flagless
    word = key_word(headers.is_v6, headers.proto, above.known, above.ends, place)
    packets = Packets(
        Key(headers.src_hi, headers.src_lo, headers.dst_hi, headers.dst_lo, word),
        records.wire[headers.row],
        records.time[headers.row],
        above.flags,
        headers.dscp,
        _macs(records, headers),
        above.opener if view.rtt else np.zeros(len(headers), np.uint32),
    )
    messages = dns.messages(records.buffer, headers, packets) if view.dns else None
    return Seen(*apart(packets, headers), messages)


def _macs(records: Records, headers: network.Network) -> Macs:
    if records.link != link.ETHERNET:
        return np.zeros(len(headers), MACS)
    return gather(records.buffer, records.start[headers.row], MACS)


def _places(
    records: Records,
    located: link.Located,
    headers: network.Network,
    within: tunnel.Inside | None,
    view: View,
    places: Places,
    tally: Tally,
) -> U64 | None:
    """The place of each packet, or None where no packet has one of its own."""
    none = np.full(len(headers), -1, np.int64)
    tagged = view.vlan == "key" and located.vlan is not None
    vlan = located.vlan[headers.row].astype(np.int64) if tagged and located.vlan is not None else none
    interface = none if records.interface is None else records.interface[headers.row]
    outer, outers = none, list[Outer]()
    if within is not None:
        tally.reasons[tunnel.CUT_INSIDE] += within.cut
        tally.reasons[tunnel.CUT_APART] += within.apart
        if len(within.rows):
            outer, outers = _outers(none.copy(), within)
    noted = none if records.noted is None else records.noted[headers.row]
    if not (tagged or outers or records.notes or records.interface is not None):
        return None
    where = Where(vlan, interface, outer, noted, outers, records.names, records.notes)
    found = places.numbers(where)
    tally.reasons[TOO_MANY] += places.overflown(found, where)
    return found


def _outers(outer: np.ndarray, within: tunnel.Inside) -> tuple[np.ndarray, list[Outer]]:
    columns = ("is_v6", "src_hi", "src_lo", "dst_hi", "dst_lo")
    rows = list(zip(*(getattr(within.outer, name).tolist() for name in columns), strict=True))
    numbers: dict[tuple[int, ...], int] = {}
    outer[within.rows] = [numbers.setdefault(row, len(numbers)) for row in rows]
    return outer, [Outer(*row) for row in numbers]
