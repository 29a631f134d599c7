"""One batch of records → IP packets with their flow keys, and the account of the frames that are none."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from capture.account import NOT_IP
from capture.pcap import link, network, transport
from capture.pcap.fragments import Fragments
from capture.pcap.octets import Bool
from capture.pcap.packets import Key, Packets, key_word
from capture.pcap.records import Records

CUT_FRAMES = "frames that end before their EtherType"
BAD_HEADERS = "undecodable IP headers"
PORTLESS = "IP packets that end before their ports (kept, without ports)"
FLAGLESS = "TCP packets that end before their flags (kept, without flags)"


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


def decode(records: Records, fragments: Fragments, tally: Tally) -> Packets | None:
    """Return the IP packets of a batch; None for a link type that is not supported. Losses are added to `tally`."""
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
    return fragments.settle(_packets(records, headers, tally), headers)


def _tally(records: Records, located: link.Located, headers: network.Network, tally: Tally) -> None:
    in_flows = np.zeros(len(records), np.bool_)
    in_flows[headers.row] = True
    is_ip = (located.etype == network.IPV4) | (located.etype == network.IPV6)
    cut = located.etype == link.CUT
    tally.count("ip", records, in_flows)
    tally.reasons[NOT_IP] += tally.count("not_ip", records, ~is_ip & ~cut)
    tally.reasons[CUT_FRAMES] += tally.count("undecoded", records, cut)
    tally.reasons[BAD_HEADERS] += tally.count("undecoded", records, is_ip & ~in_flows)


def _packets(records: Records, headers: network.Network, tally: Tally) -> Packets:
    above = transport.decode(records.buffer, headers)
    tally.reasons[PORTLESS] += above.portless
    tally.reasons[FLAGLESS] += above.flagless
    word = key_word(headers.is_v6, headers.proto, above.known, above.ends)
    key = Key(headers.src_hi, headers.src_lo, headers.dst_hi, headers.dst_lo, word)
    return Packets(key, records.wire[headers.row], records.time[headers.row], above.flags)
