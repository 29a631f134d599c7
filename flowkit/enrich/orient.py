"""Client and server of every flow, with how it is known, strongest evidence first.

The order and its reliability were measured on 2,881 real conversations with the handshake hidden (98.65 % right); a lower
port alone is right in 96.7 %, the first packet in 61 %. Never from "port < 1024" alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from flowkit.contract import FLAG_BITS, conform
from flowkit.enrich.service_ports import SERVICE_PORTS
from flowkit.enrich.sides import ICMP, ICMPV6, TCP, Codes, Ends, Mask, categorical, column, flags_of, integers, paired

# Linux hands out client ports from here (net.ipv4.ip_local_port_range); IANA's own range starts at 49152.
_EPHEMERAL = 32768
_REQUESTS = {ICMP: (8, 13, 15, 17), ICMPV6: (128,)}
_REPLIES = {ICMP: (0, 14, 16, 18), ICMPV6: (129,)}

SRC, DST, OPEN = 0, 1, -1


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
    flows = conform(flows)
    talk = _Talk.of(flows)
    client = np.full(len(talk.low), OPEN, dtype=np.int64)
    by = np.full(len(talk.low), OPEN, dtype=np.int64)
    for number, (_, rule) in enumerate(RULES):
        undecided = client == OPEN
        if not undecided.any():
            break
        says = rule(talk)
        decided = undecided & (says != OPEN)
        client[decided], by[decided] = says[decided], number
    # `client` speaks of the conversation's low and high socket; turn it into this row's Src and Dst.
    row = client[talk.conversation]
    end = np.where(row == OPEN, OPEN, np.where(talk.forward, row, 1 - row))
    known = talk.has_addresses
    return flows.assign(
        Client=categorical(np.where(known, end, OPEN), ["Src", "Dst"]),
        DirectionBy=categorical(np.where(known, by[talk.conversation], OPEN), [name for name, _ in RULES]),
    )


@dataclass(frozen=True)
class _Talk:
    """Rows grouped into conversations: an unordered pair of sockets, its `low` and `high` end by code.

    Evidence arrays have one item a conversation; `forward` says for each row whether Src is the low end.
    """

    conversation: Codes
    forward: Mask
    has_addresses: Mask
    low: Codes
    high: Codes
    low_port: Codes
    high_port: Codes
    proto: Codes
    flags: tuple[Codes, Codes]
    asks: tuple[Mask, Mask]
    initiates: tuple[Mask, Mask]
    declared: tuple[Mask, Mask]
    first: Codes

    @classmethod
    def of(cls, flows: pd.DataFrame) -> _Talk:
        ends = Ends.of(flows)
        source, destination = ends.source, ends.destination
        forward = source <= destination
        low, high = np.minimum(source, destination), np.maximum(source, destination)
        conversation, head = paired(low, high)
        count = len(head)
        return cls(
            conversation=conversation,
            forward=forward,
            has_addresses=(ends.src >= 0) & (ends.dst >= 0),
            low=low[head],
            high=high[head],
            low_port=np.where(forward, ends.src_port, ends.dst_port)[head],
            high_port=np.where(forward, ends.dst_port, ends.src_port)[head],
            proto=ends.proto[head],
            flags=_flags_each_way(flags_of(flows), forward, conversation, count),
            asks=_requests(flows, ends.proto, forward, conversation, count),
            initiates=_ends_marked(_initiators(flows), forward, conversation, count),
            declared=_ends_marked(_declared(flows), forward, conversation, count),
            first=_first_sender(integers(flows, "TimeFlowStartMs"), forward, conversation, count),
        )

    @cached_property
    def opened(self) -> tuple[Mask, Mask]:
        """Whether the low and the high socket were seen to accept a connection in any conversation."""
        servers = [
            np.concatenate([self.low[_from_high(self) == SRC], self.low[_answers(self) == DST]]),
            np.concatenate([self.high[_from_low(self) == SRC], self.high[_answers(self) == SRC]]),
        ]
        accepting = np.unique(np.concatenate(servers))
        return np.isin(self.low, accepting), np.isin(self.high, accepting)

    @cached_property
    def peers(self) -> tuple[Codes, Codes]:
        """How many distinct sockets talk to the low and the high socket."""
        return _counts(np.concatenate([self.low, self.high]), len(self.low))

    @cached_property
    def popularity(self) -> tuple[Codes, Codes]:
        """How many conversations use the port number (with its protocol) of the low and of the high end."""
        ports = np.concatenate([self.low_port, self.high_port]) << 9 | np.tile(self.proto + 1, 2)
        return _counts(ports, len(self.low))


def _flags_each_way(flags: Codes, forward: Mask, conversation: Codes, count: int) -> tuple[Codes, Codes]:
    sent = (np.zeros(count, dtype=np.int64), np.zeros(count, dtype=np.int64))
    for way, rows in enumerate((forward, ~forward)):
        np.bitwise_or.at(sent[way], conversation[rows], flags[rows])
    return sent


def _requests(flows: pd.DataFrame, proto: Codes, forward: Mask, conversation: Codes, count: int) -> tuple[Mask, Mask]:
    kind = integers(flows, "IcmpType")
    request, reply = np.zeros(len(flows), dtype=bool), np.zeros(len(flows), dtype=bool)
    for protocol in (ICMP, ICMPV6):
        request |= (proto == protocol) & np.isin(kind, _REQUESTS[protocol])
        reply |= (proto == protocol) & np.isin(kind, _REPLIES[protocol])
    asks = (np.zeros(count, dtype=bool), np.zeros(count, dtype=bool))
    asks[0][conversation[(request & forward) | (reply & ~forward)]] = True
    asks[1][conversation[(request & ~forward) | (reply & forward)]] = True
    return asks


def _initiators(flows: pd.DataFrame) -> tuple[Mask, Mask]:
    told = column(flows, "Initiator")
    return (told == "Src").to_numpy(dtype=bool), (told == "Dst").to_numpy(dtype=bool)


def _declared(flows: pd.DataFrame) -> tuple[Mask, Mask]:
    source, destination = (integers(flows, f"{side}PortDeclared", missing=0) > 0 for side in ("Src", "Dst"))
    return source, destination


def _ends_marked(marks: tuple[Mask, Mask], forward: Mask, conversation: Codes, count: int) -> tuple[Mask, Mask]:
    """Whether any row marks the low and the high end; `marks` speak of Src and Dst."""
    source, destination = marks
    low, high = np.zeros(count, dtype=bool), np.zeros(count, dtype=bool)
    low[conversation[np.where(forward, source, destination)]] = True
    high[conversation[np.where(forward, destination, source)]] = True
    return low, high


def _first_sender(start: Codes, forward: Mask, conversation: Codes, count: int) -> Codes:
    """SRC when the low end sent first; rows of one millisecond keep their order."""
    order = np.argsort(start, kind="stable")[::-1]
    sender = np.zeros(count, dtype=np.int64)
    sender[conversation[order]] = np.where(forward, SRC, DST)[order]
    return sender


def _counts(values: Codes, split: int) -> tuple[Codes, Codes]:
    codes, _ = pd.factorize(values)
    each = np.bincount(codes)[codes]
    return each[:split], each[split:]


def _one_of(low: Mask, high: Mask) -> Codes:
    """The low end is the client when only the high end has the mark of a server, and the other way round."""
    return np.where(high & ~low, SRC, np.where(low & ~high, DST, OPEN))


def _more(low: Codes, high: Codes) -> Codes:
    return np.where(high > low, SRC, np.where(low > high, DST, OPEN))


def _from_low(talk: _Talk) -> Codes:
    return np.where(talk.flags[0] & FLAG_BITS["SYN"] != 0, SRC, OPEN)


def _from_high(talk: _Talk) -> Codes:
    return np.where(talk.flags[1] & FLAG_BITS["SYN"] != 0, SRC, OPEN)


def _syn(talk: _Talk) -> Codes:
    low, high = _from_low(talk) == SRC, _from_high(talk) == SRC
    both = low & high  # simultaneous open, or the same ports used again the other way round: the first sender
    return np.where(both, talk.first, _one_of(high, low))


def _answers(talk: _Talk) -> Codes:
    low, high = (sent & FLAG_BITS["SYN_ACK"] != 0 for sent in talk.flags)
    return _one_of(low, high)


def _icmp(talk: _Talk) -> Codes:
    low, high = talk.asks
    return np.where(low & high, talk.first, _one_of(high, low))


def _initiator(talk: _Talk) -> Codes:
    low, high = talk.initiates
    return _one_of(high, low)


def _declared_port(talk: _Talk) -> Codes:
    return _one_of(*talk.declared)


def _syn_elsewhere(talk: _Talk) -> Codes:
    return np.where(talk.proto == TCP, _one_of(*talk.opened), OPEN)


def _has_ports(talk: _Talk) -> Mask:
    return (talk.low_port > 0) & (talk.high_port > 0)


def _ephemeral(talk: _Talk) -> Codes:
    says = _one_of(talk.low_port < _EPHEMERAL, talk.high_port < _EPHEMERAL)
    return np.where(_has_ports(talk), says, OPEN)


def _service_port(talk: _Talk) -> Codes:
    return np.where(_has_ports(talk), _one_of(SERVICE_PORTS[talk.low_port], SERVICE_PORTS[talk.high_port]), OPEN)


def _fan_in(talk: _Talk) -> Codes:
    return np.where(_has_ports(talk), _more(*talk.peers), OPEN)


def _popularity(talk: _Talk) -> Codes:
    return np.where(_has_ports(talk), _more(*talk.popularity), OPEN)


def _lower_port(talk: _Talk) -> Codes:
    return np.where(_has_ports(talk), _more(-talk.low_port, -talk.high_port), OPEN)


def _first_packet(talk: _Talk) -> Codes:
    return talk.first


RULES: tuple[tuple[str, Callable[[_Talk], Codes]], ...] = (
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
