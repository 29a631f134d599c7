"""Client and server of every flow, with how it is known, strongest evidence first.

The order and its reliability were measured on 2,881 real conversations with the handshake hidden (98.65 % right); a lower
port alone is right in 96.7 %, the first packet in 61 %. Never from "port < 1024" alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from flowkit.contract import FLAG_BITS, conform
from flowkit.enrich.numbering import numbered_values, paired
from flowkit.enrich.service_ports import SERVICE_PORTS
from flowkit.enrich.sides import (
    ICMP,
    ICMPV6,
    TCP,
    Codes,
    Ends,
    Mask,
    categorical,
    column,
    flags_of,
    integers,
    port_of,
    proto_of,
)

# Linux hands out client ports from here (net.ipv4.ip_local_port_range); IANA's own range starts at 49152.
_EPHEMERAL = 32768
_REQUESTS = {ICMP: (8, 13, 15, 17), ICMPV6: (128,)}
_REPLIES = {ICMP: (0, 14, 16, 18), ICMPV6: (129,)}

_PORTS = (1 << 16) + 1  # and none

SRC, DST, OPEN = 0, 1, -1
Ranks = npt.NDArray[np.int8]


def orient(flows: pd.DataFrame) -> pd.DataFrame:
    """Return `flows` with two more columns: ``Client`` (``Src`` or ``Dst``, which end it is) and ``DirectionBy``.

    ``DirectionBy`` says how that is known: ``SYN``, ``SYN_ACK``, ``ICMP request`` and ``initiator`` (the source of the flows
    says so) are certain; the rest begins with ``inferred:`` and is, in this order, ``declared port`` (a container or Service
    declares it), ``SYN elsewhere`` (that server socket got a SYN in another connection),
    ``ephemeral port`` (only one is), ``service port`` (only one is), ``fan-in`` (more distinct peers), ``port popularity``
    (used by more server sockets), ``lower port``, ``first packet``. Both directions of a conversation agree. Rows without
    addresses stay without.

    >>> flows = pd.DataFrame({"SrcAddr": ["10.0.0.2"], "DstAddr": ["10.0.0.1"], "SrcPort": [443], "DstPort": [51000],
    ...                       "Proto": [6], "Flags": [["SYN_ACK"]]})
    >>> orient(flows)[["Client", "DirectionBy"]].values.tolist()
    [['Dst', 'SYN_ACK']]
    """
    return oriented(flows)[0]


def oriented(flows: pd.DataFrame) -> tuple[pd.DataFrame, Codes]:
    """What `orient` returns, and the number of each row's conversation, by first appearance."""
    flows = conform(flows)
    talk = _Talk.of(flows)
    client, by = _decided(talk)
    # `client` speaks of the conversation's low and high socket; turn it into this row's Src and Dst.
    row = client[talk.conversation]
    end = np.where(row == OPEN, OPEN, np.where(talk.forward, row, 1 - row))
    known = talk.has_addresses
    told = flows.assign(
        Client=categorical(np.where(known, end, OPEN), ["Src", "Dst"]),
        DirectionBy=categorical(np.where(known, by[talk.conversation], OPEN), [name for name, _ in RULES]),
    )
    return told, talk.conversation


def _decided(talk: _Talk) -> tuple[Ranks, Ranks]:
    """The client of each conversation and the number of the rule that says so; a rule is asked about the undecided only."""
    count = len(talk.low)
    client, by = np.full(count, OPEN, dtype=np.int8), np.full(count, OPEN, dtype=np.int8)
    undecided = np.arange(count)
    for number, (_, rule) in enumerate(RULES):
        if not len(undecided):
            break
        says = rule(talk, undecided)
        found = says != OPEN
        client[undecided[found]], by[undecided[found]] = says[found], number
        undecided = undecided[~found]
    return client, by


@dataclass(frozen=True)
class _Talk:
    """Rows grouped into conversations: an unordered pair of sockets, its `low` and `high` end by code.

    `conversation` and `forward` (whether Src is the low end) have one item a row, `low` and `high` one a conversation. Evidence
    is gathered when a rule asks for it.
    """

    flows: pd.DataFrame
    ends: Ends
    conversation: Codes
    forward: Mask
    low: Codes
    high: Codes

    @classmethod
    def of(cls, flows: pd.DataFrame) -> _Talk:
        ends = Ends.of(flows)
        source, destination = ends.source, ends.destination
        low, high = np.minimum(source, destination), np.maximum(source, destination)
        conversation, head = paired(low, high)
        return cls(flows, ends, conversation, source <= destination, low[head], high[head])

    @property
    def has_addresses(self) -> Mask:
        """Whether a row has both addresses."""
        known: Mask = (self.ends.src >= 0) & (self.ends.dst >= 0)
        return known

    def marked(self, source: Mask, destination: Mask) -> tuple[Mask, Mask]:
        """Whether any row marks the low and the high end of its conversation; `source` and `destination` mark a row's."""
        marks = np.zeros((len(self.low), 2), dtype=bool)
        for rows, is_low in ((np.flatnonzero(source), True), (np.flatnonzero(destination), False)):
            marks[self.conversation[rows], np.where(self.forward[rows] == is_low, 0, 1)] = True
        return marks[:, 0], marks[:, 1]

    @cached_property
    def syn(self) -> tuple[Mask, Mask]:
        """Whether the low and the high end sent SYN."""
        return self._sent(FLAG_BITS["SYN"])

    @cached_property
    def syn_ack(self) -> tuple[Mask, Mask]:
        """Whether the low and the high end sent SYN_ACK."""
        return self._sent(FLAG_BITS["SYN_ACK"])

    def _sent(self, bit: int) -> tuple[Mask, Mask]:
        return self.marked(self._flags & bit != 0, np.zeros(len(self.flows), dtype=bool))

    @cached_property
    def _flags(self) -> Codes:
        return flags_of(self.flows)

    @cached_property
    def first(self) -> Codes:
        """SRC where the low end sent first; rows of one millisecond keep their order."""
        start = integers(self.flows, "TimeFlowStartMs")
        least = np.full(len(self.low), np.iinfo(np.int64).max)
        np.minimum.at(least, self.conversation, start)
        rows = np.flatnonzero(start == least[self.conversation])[::-1]
        sender = np.zeros(len(self.low), dtype=np.int64)
        sender[self.conversation[rows]] = np.where(self.forward[rows], SRC, DST)
        return sender

    @cached_property
    def opened(self) -> tuple[Mask, Mask]:
        """Whether the low and the high socket were seen to accept a connection in any conversation."""
        (low_syn, high_syn), (low_ack, high_ack) = self.syn, self.syn_ack
        low, high = self._sockets
        accepting = np.zeros(len(self._peers), dtype=bool)
        accepting[low[high_syn | (low_ack & ~high_ack)]] = True
        accepting[high[low_syn | (high_ack & ~low_ack)]] = True
        return accepting[low], accepting[high]

    @cached_property
    def peers(self) -> tuple[Codes, Codes]:
        """How many distinct sockets talk to the low and the high socket."""
        low, high = self._sockets
        return self._peers[low], self._peers[high]

    @cached_property
    def _sockets(self) -> tuple[Codes, Codes]:
        """The sockets of the low and the high ends, numbered together."""
        number, _ = numbered_values(np.concatenate([self.low, self.high]))
        return number[: len(self.low)], number[len(self.low) :]

    @cached_property
    def _peers(self) -> Codes:
        return np.bincount(np.concatenate(self._sockets))

    @cached_property
    def popularity(self) -> tuple[Codes, Codes]:
        """How many conversations use the port number (with its protocol) of the low and of the high end."""
        codes, kinds = pd.factorize(proto_of(self.low))
        low, high = (codes * _PORTS + port_of(sockets) + 1 for sockets in (self.low, self.high))
        times = np.bincount(np.concatenate([low, high]), minlength=len(kinds) * _PORTS)
        return times[low], times[high]


def _requests(talk: _Talk) -> tuple[Mask, Mask]:
    """Rows that ask something by ICMP, and rows that answer."""
    kind = integers(talk.flows, "IcmpType")
    request, reply = np.zeros(len(kind), dtype=bool), np.zeros(len(kind), dtype=bool)
    for protocol in (ICMP, ICMPV6):
        request |= (talk.ends.proto == protocol) & np.isin(kind, _REQUESTS[protocol])
        reply |= (talk.ends.proto == protocol) & np.isin(kind, _REPLIES[protocol])
    return request, reply


def _one_of(low: Mask, high: Mask) -> Codes:
    """The low end is the client when only the high end has the mark of a server, and the other way round."""
    return np.where(high & ~low, SRC, np.where(low & ~high, DST, OPEN))


def _more(low: Codes, high: Codes) -> Codes:
    return np.where(high > low, SRC, np.where(low > high, DST, OPEN))


def _syn(talk: _Talk, which: Codes) -> Codes:
    low, high = (sent[which] for sent in talk.syn)
    says = _one_of(high, low)
    both = low & high  # simultaneous open, or the same ports used again the other way round: the first sender
    return np.where(both, talk.first[which], says) if both.any() else says


def _answers(talk: _Talk, which: Codes) -> Codes:
    low, high = talk.syn_ack
    return _one_of(low[which], high[which])


def _icmp(talk: _Talk, which: Codes) -> Codes:
    if "IcmpType" not in talk.flows.columns:
        return np.full(len(which), OPEN)
    low, high = (asks[which] for asks in talk.marked(*_requests(talk)))
    return np.where(low & high, talk.first[which], _one_of(high, low))


def _initiator(talk: _Talk, which: Codes) -> Codes:
    told = column(talk.flows, "Initiator")
    low, high = talk.marked(*((told == side).to_numpy(dtype=bool) for side in ("Src", "Dst")))
    return _one_of(high[which], low[which])


def _declared_port(talk: _Talk, which: Codes) -> Codes:
    source, destination = (integers(talk.flows, f"{side}PortDeclared", missing=0) > 0 for side in ("Src", "Dst"))
    low, high = talk.marked(source, destination)
    return _one_of(low[which], high[which])


def _syn_elsewhere(talk: _Talk, which: Codes) -> Codes:
    tcp = _proto(talk, which) == TCP
    if not tcp.any():
        return np.full(len(which), OPEN)
    low, high = talk.opened
    return np.where(tcp, _one_of(low[which], high[which]), OPEN)


def _proto(talk: _Talk, which: Codes) -> Codes:
    return proto_of(talk.low[which])


def _by_ports(rule: Callable[[Codes, Codes], Codes], talk: _Talk, which: Codes) -> Codes:
    """What `rule` says of the low and the high port, where both ends have one."""
    low, high = port_of(talk.low[which]), port_of(talk.high[which])
    return np.where((low > 0) & (high > 0), rule(low, high), OPEN)


def _ephemeral(talk: _Talk, which: Codes) -> Codes:
    return _by_ports(lambda low, high: _one_of(low < _EPHEMERAL, high < _EPHEMERAL), talk, which)


def _service_port(talk: _Talk, which: Codes) -> Codes:
    return _by_ports(lambda low, high: _one_of(SERVICE_PORTS[low], SERVICE_PORTS[high]), talk, which)


def _fan_in(talk: _Talk, which: Codes) -> Codes:
    return _by_ports(lambda *_: _more(*(peers[which] for peers in talk.peers)), talk, which)


def _popularity(talk: _Talk, which: Codes) -> Codes:
    return _by_ports(lambda *_: _more(*(times[which] for times in talk.popularity)), talk, which)


def _lower_port(talk: _Talk, which: Codes) -> Codes:
    return _by_ports(lambda low, high: _more(-low, -high), talk, which)


def _first_packet(talk: _Talk, which: Codes) -> Codes:
    return talk.first[which]


RULES: tuple[tuple[str, Callable[[_Talk, Codes], Codes]], ...] = (
    ("SYN", _syn),
    ("SYN_ACK", _answers),
    ("ICMP request", _icmp),
    ("initiator", _initiator),
    ("inferred: declared port", _declared_port),
    ("inferred: SYN elsewhere", _syn_elsewhere),
    ("inferred: ephemeral port", _ephemeral),
    ("inferred: service port", _service_port),
    ("inferred: fan-in", _fan_in),
    ("inferred: port popularity", _popularity),
    ("inferred: lower port", _lower_port),
    ("inferred: first packet", _first_packet),
)
