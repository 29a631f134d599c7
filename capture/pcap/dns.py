"""DNS as the agent tracks it: id, flags, response code, name and latency of a response, on the response's flow.

Port 53 of UDP and TCP. Latency is response minus the query with the same addresses, ports and id; the latest one where it was
sent again; a second response to a query has none. Source: RFC 1035 4.1, netobserv-ebpf-agent ``bpf/dns_tracker.h``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import pandas as pd

from capture.pcap.cuts import NO_CUTS, Cuts
from capture.pcap.keys import hashed, numbered
from capture.pcap.network import FRAGMENT_OFFSET, Network
from capture.pcap.octets import I64, U8, U16, U32, U64, Bool, big16, gather
from capture.pcap.packets import Key, Packets, join_keys
from capture.pcap.transport import TCP

PORT = 53
_UDP = 17
_HEADER = 12
# Of a name as much as fits here, with a length before each label; the agent keeps about 30 characters.
_NAME = np.dtype("S100")
_RESPONSE = 0x8000
_MOST_PENDING = 200_000
# Responses that are held before those that later ones of their flow replace are let go.
_MOST_ANSWERS = 200_000
_NO_LATENCY = -1

RESPONSE_CODES = (
    "NoError FormErr ServFail NXDomain NotImp Refused YXDomain YXRRSet NXRRSet NotAuth NotZone".split()  # noqa: SIM905
)

_MIX = np.uint64(0xC2B2AE3D27D4EB4F)


@dataclass(frozen=True)
class Messages:
    """DNS messages: which question (a hash of client, server and id), flow key, time, header words, the raw name."""

    question: U64
    key: Key
    time: I64
    ident: U16
    flags: U16
    name: np.ndarray

    def __len__(self) -> int:
        return len(self.question)

    def take(self, rows: np.ndarray) -> Messages:
        """Some of the messages."""
        columns: dict[str, Any] = {field.name: _rows(getattr(self, field.name), rows) for field in fields(Messages)}
        return Messages(**columns)


def _rows(column: Key | np.ndarray, rows: np.ndarray) -> Key | np.ndarray:
    return column.take(rows) if isinstance(column, Key) else column[rows]


def messages(buffer: U8, network: Network, packets: Packets) -> Messages | None:
    """Find the DNS messages among packets; `network` and `packets` describe the same packets row by row."""
    ends: U32 = packets.key.word.astype(np.uint32)  # ports without what stands above them
    to, by = ends & np.uint32(0xFFFF) == PORT, ends >> np.uint32(16) == PORT
    rows = np.flatnonzero(to | by)
    rows = rows[packets.key.known[rows] & (network.fragment[rows] & FRAGMENT_OFFSET == 0)]
    start, rows = _starts(buffer, network, rows)
    if not len(rows):
        return None
    flags = big16(buffer, start + 2)
    answer = flags & _RESPONSE > 0
    fits = np.where(answer, by[rows], to[rows])
    start, rows, flags, answer = start[fits], rows[fits], flags[fits], answer[fits]
    ident = big16(buffer, start)
    return Messages(
        questions(packets.key.take(rows), answer, ident),
        packets.key.take(rows),
        packets.time[rows],
        ident,
        flags,
        _names(buffer, start, network.end[rows]),
    )


def _starts(buffer: U8, network: Network, rows: I64) -> tuple[I64, I64]:
    """Where a whole DNS header begins: behind UDP, or behind TCP and the message's length."""
    udp, tcp = rows[network.proto[rows] == _UDP], rows[network.proto[rows] == TCP]
    tcp = tcp[network.start[tcp] + 20 <= network.end[tcp]]
    size = (buffer[network.start[tcp] + 12] >> 4).astype(np.int64) * 4
    behind = network.start[tcp] + size
    whole = behind + 2 + _HEADER <= network.end[tcp]
    tcp, behind = tcp[whole], behind[whole]
    fits = big16(buffer, behind) >= _HEADER
    start = np.concatenate([network.start[udp] + 8, behind[fits] + 2])
    rows = np.concatenate([udp, tcp[fits]])
    held = start + _HEADER <= network.end[rows]
    return start[held], rows[held]


def questions(key: Key, answer: Bool, ident: U16) -> U64:
    """Which question each message asks or answers: a hash of client, server and id."""
    mixed = hashed(key)
    mixed[answer] = hashed(key.take(answer).reversed)
    return (mixed ^ ident * _MIX) * _MIX


def _names(buffer: U8, start: I64, end: I64) -> np.ndarray:
    raw = gather(buffer, start + _HEADER, _NAME).view(np.uint8).reshape(len(start), _NAME.itemsize).copy()
    beyond = np.arange(_NAME.itemsize)[None, :] >= (end - start - _HEADER)[:, None]
    raw[beyond] = 0
    return raw.view(_NAME).ravel()


@dataclass(frozen=True)
class Answers:
    """Responses on their flows; `latency` is in ns, or -1 without a query."""

    key: Key
    time: I64
    ident: U16
    flags: U16
    name: np.ndarray
    latency: I64


class Lookups:
    """Queries waiting for their response, and the responses so far; messages come in the order of the capture.

    Of the responses of one flow the last one is kept, with the longest latency: memory follows the number of flows.
    """

    def __init__(self, cuts: Cuts = NO_CUTS) -> None:
        self._cuts = cuts
        self._pending: Messages | None = None
        self._answers: list[Answers] = []
        self._held = 0

    def add(self, found: Messages | None) -> None:
        """Match the messages of a batch, and queries of earlier ones."""
        if found is None:
            return
        held = found if self._pending is None else _joined([self._pending, found])
        order = np.lexsort((held.time, held.question))
        question, query = held.question[order], held.flags[order] & _RESPONSE == 0
        follows = np.zeros(len(order), np.bool_)
        follows[1:] = (question[1:] == question[:-1]) & query[:-1]
        answered = np.flatnonzero(follows & ~query)
        latency = np.full(len(order), _NO_LATENCY, np.int64)
        latency[answered] = held.time[order[answered]] - held.time[order[answered - 1]]
        self._note(held.take(order[~query]), latency[~query])
        open_ = query.copy()
        open_[:-1] &= question[1:] != question[:-1]
        # In the order of the capture, of which the newest are kept.
        self._pending = held.take(np.sort(order[open_])[-_MOST_PENDING:])

    def _note(self, answers: Messages, latency: I64) -> None:
        if len(answers):
            found = (answers.key, answers.time, answers.ident, answers.flags, answers.name, latency)
            self._answers.append(Answers(*found))
            self._held += len(answers)
        if self._held > _MOST_ANSWERS:
            self._answers = [_last_of_each(_under_each_other(self._answers), self._cuts)]
            self._held = len(self._answers[0].time) // 2

    def answers(self) -> Answers | None:
        """The last response of each flow so far, and perhaps some earlier ones."""
        return _under_each_other(self._answers) if self._answers else None

    def take(self) -> Answers | None:
        """The responses so far, which are forgotten."""
        found, self._answers, self._held = self.answers(), [], 0
        return found

    def unanswered(self, before: int) -> list[str]:
        """The names of questions asked before that time (ns) that still wait, which are forgotten."""
        if self._pending is None:
            return []
        late = self._pending.time < before
        names = [text(raw) or "" for raw in self._pending.name[late].tolist()]
        self._pending = self._pending.take(~late)
        return names


def _under_each_other(parts: Sequence[Answers]) -> Answers:
    names = [field.name for field in fields(Answers)[1:]]
    columns = (np.concatenate([getattr(part, name) for part in parts]) for name in names)
    return Answers(join_keys([part.key for part in parts]), *columns)


def _last_of_each(found: Answers, cuts: Cuts) -> Answers:
    """The last response of each flow key and stretch of time that no cut divides, with the longest latency."""
    flow = cuts.stretches(numbered(found.key)[0], found.time)
    order = np.argsort(found.time, kind="stable")
    last, latency = np.zeros(int(flow.max()) + 1, np.int64), np.full(int(flow.max()) + 1, _NO_LATENCY, np.int64)
    last[flow[order]] = order
    np.maximum.at(latency, flow, found.latency)
    columns = (found.time[last], found.ident[last], found.flags[last], found.name[last])
    return Answers(found.key.take(last), *columns, latency)


def _joined(parts: Sequence[Messages]) -> Messages:
    names = [field.name for field in fields(Messages)]
    columns: dict[str, Any] = {
        name: join_keys([part.key for part in parts])
        if name == "key"
        else np.concatenate([getattr(part, name) for part in parts])
        for name in names
    }
    return Messages(**columns)


def text(raw: bytes) -> str | None:
    """The name in a question, without the last dot; None where there is none. A name cut or pointing elsewhere ends there.

    >>> text(b"\\3www\\7example\\3com"), text(b"")
    ('www.example.com', None)
    """
    labels, here = [], 0
    while here < len(raw) and 0 < raw[here] < 64:
        labels.append(raw[here + 1 : here + 1 + raw[here]])
        here += 1 + raw[here]
    return ".".join(label.decode("ascii", "replace") for label in labels) or None


def code_names(flags: U16) -> pd.Categorical:
    """The names of the response codes in header flags, as the agent spells them.

    >>> code_names(np.array([0x8183, 0x8180], np.uint16)).tolist()
    ['NXDomain', 'NoError']
    """
    names = [*RESPONSE_CODES, "UnDefined"]
    codes = np.minimum(flags & 0x0F, len(names) - 1).astype(np.int8)
    return pd.Categorical.from_codes(codes, categories=pd.Index(names, dtype="str"))
