"""Round-trip time of TCP handshakes: from SYN by SYN_ACK to the ACK that completes it.

The sum of both halves is the whole way between client and server, wherever between them the capture was made. The three
packets find each other by the client's initial sequence number, which each of them tells: SYN as its own, SYN_ACK and ACK as
the next one. Of a SYN sent again the last one before the SYN_ACK counts (as tshark's tcp.analysis.initial_rtt).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from capture.pcap.cuts import NO_CUTS, Cuts
from capture.pcap.keys import hashed, numbered
from capture.pcap.octets import I64, U32, U64, Bool
from capture.pcap.packets import Key, Packets, join_keys
from capture.pcap.transport import ACK, SYN, SYN_ACK

_MIX = np.uint64(0x9E3779B97F4A7C15)
_TURN = np.uint64(31)
_LATEST = np.iinfo(np.int64).max
# Steps of handshakes that are kept before those that lead nowhere are dropped.
_MOST_STEPS = 2_000_000
_NEW = 4  # parts


@dataclass(frozen=True)
class Steps:
    """The steps of handshakes in some packets: which handshake, when; and of the first step the client's flow key."""

    syn: U64
    syn_time: I64
    client: Key
    answer: U64
    answer_time: I64
    ack: U64
    ack_time: I64

    def __len__(self) -> int:
        return len(self.syn) + len(self.answer) + len(self.ack)

    def take(self, syn: Bool, answer: Bool, ack: Bool) -> Steps:
        """Some of each kind of step."""
        opening = (self.syn[syn], self.syn_time[syn], self.client.take(syn))
        return Steps(*opening, self.answer[answer], self.answer_time[answer], self.ack[ack], self.ack_time[ack])


@dataclass(frozen=True)
class RoundTrips:
    """Round-trip times (ns), each on the flow of a direction that has a packet at that time."""

    key: Key
    time: I64
    rtt: I64


def steps(packets: Packets, flow: I64, mixed: U64) -> Steps | None:
    """Find the steps in packets that are in order of time; `flow` numbers their flows, `mixed` has the hash of each flow's key.

    The ACK may come in later packets than its SYN, so the first ACK of each flow is a step too.
    """
    openings = np.flatnonzero(packets.flags == SYN)
    answers = np.flatnonzero(packets.flags == SYN_ACK)
    acks = _acks(packets, flow, openings)
    if not len(openings) + len(answers) + len(acks):
        return None
    return Steps(
        _ids(mixed[flow[openings]], packets.opener[openings]),
        packets.time[openings],
        packets.key.take(openings),
        _ids(_client_hash(packets.key.take(answers)), packets.opener[answers]),
        packets.time[answers],
        _ids(mixed[flow[acks]], packets.opener[acks]),
        packets.time[acks],
    )


def _client_hash(key: Key) -> U64:
    return hashed(key.reversed)


def _ids(mixed: U64, opener: U32) -> U64:
    return (mixed ^ opener * _MIX) * _MIX ^ mixed >> _TURN


def _acks(packets: Packets, flow: I64, openings: I64) -> I64:
    """ACKs that may complete a handshake: those with a SYN's number in its flow, and the first of each other flow."""
    acks = np.flatnonzero(packets.flags == ACK)
    opened = np.zeros(int(flow.max()) + 1 if len(flow) else 0, np.bool_)
    opened[flow[openings]] = True
    known = opened[flow[acks]]
    after, others = acks[known], acks[~known]
    return np.concatenate([_fitting(packets, flow, openings, after), others[_firsts(flow[others], len(opened))]])


def _fitting(packets: Packets, flow: I64, openings: I64, acks: I64) -> I64:
    """ACKs, all in flows with a SYN, that have the number of one."""
    number, flows = packets.opener[openings], flow[openings]
    last = np.zeros(int(flows.max()) + 1 if len(flows) else 0, np.uint32)
    last[flows] = number
    # Nearly every flow has SYNs of one number only; the rare others are searched.
    mixed = np.zeros(len(last), np.bool_)
    mixed[flows[last[flows] != number]] = True
    of, said = flow[acks], packets.opener[acks]
    fits: Bool = last[of] == said
    searched = np.flatnonzero(mixed[of])
    fits[searched] = np.isin(of[searched] << 32 | said[searched], flows << 32 | number)
    fitting: I64 = acks[fits]
    return fitting


def _firsts(flow: I64, count: int) -> I64:
    first = np.full(count, -1, np.int64)
    first[flow[::-1]] = np.arange(len(flow) - 1, -1, -1)
    return first[first >= 0]


class Handshakes:
    """The handshakes of a capture so far: steps that wait for others, and of each flow the slowest round trip.

    Memory follows the number of flows and of handshakes that were never completed.
    """

    def __init__(self, cuts: Cuts = NO_CUTS, most: int = _MOST_STEPS) -> None:
        self._cuts, self._most = cuts, most
        self._parts, self._found = list[Steps](), list[RoundTrips]()
        self._held = 0

    def add(self, found: Steps | None) -> None:
        """Take in steps, in any order."""
        if found is None:
            return
        self._parts.append(found)
        self._held += len(found)
        if self._held > self._most:
            self._settle()

    def round_trips(self) -> RoundTrips | None:
        """What all steps together tell: the slowest round trip of each flow, and perhaps others."""
        found = [*self._found, *([_matched(_joined(self._parts))[0]] if self._parts else [])]
        return _under_each_other(found) if found else None

    def _settle(self) -> None:
        """Match the steps so far, except new ones, of which another process may still be reading the others."""
        old, new = self._parts[:-_NEW], self._parts[-_NEW:]
        if old:
            found, waiting = _matched(_joined(old))
            self._found = [_slowest(_under_each_other([*self._found, found]), self._cuts)]
            self._parts = [waiting, *new]
        self._held = sum(map(len, new)) if old else 0


def _under_each_other(parts: Sequence[RoundTrips]) -> RoundTrips:
    time, rtt = (np.concatenate([getattr(part, name) for part in parts]) for name in ("time", "rtt"))
    return RoundTrips(join_keys([part.key for part in parts]), time, rtt)


def _slowest(found: RoundTrips, cuts: Cuts) -> RoundTrips:
    """The slowest round trip of each flow key and stretch of time that no cut divides."""
    flow = cuts.stretches(numbered(found.key)[0], found.time)
    order = np.argsort(found.rtt, kind="stable")
    row = np.zeros(int(flow.max(initial=-1)) + 1, np.int64)
    row[flow[order]] = order
    return RoundTrips(found.key.take(row), found.time[row], found.rtt[row])


def _joined(parts: Sequence[Steps]) -> Steps:
    def column(name: str) -> np.ndarray:
        return np.concatenate([getattr(part, name) for part in parts])

    return Steps(
        column("syn"),
        column("syn_time"),
        join_keys([part.client for part in parts]),
        column("answer"),
        column("answer_time"),
        column("ack"),
        column("ack_time"),
    )


def _matched(all_steps: Steps) -> tuple[RoundTrips, Steps]:
    """The round trips of whole handshakes, and the steps of the others; an ACK of no known SYN is none."""
    code, distinct = pd.factorize(np.concatenate([all_steps.syn, all_steps.answer, all_steps.ack]))
    syn, answer, ack = np.split(code, np.cumsum([len(all_steps.syn), len(all_steps.answer)]))
    answered = np.full(len(distinct), _LATEST)
    np.minimum.at(answered, answer, all_steps.answer_time)
    opened, row = _last_before(syn, all_steps.syn_time, answered)
    completed = np.full(len(distinct), _LATEST)
    later = all_steps.ack_time >= answered[ack]
    np.minimum.at(completed, ack[later], all_steps.ack_time[later])
    whole = (row >= 0) & (completed < _LATEST)
    client, rtt = all_steps.client.take(row[whole]), (completed - opened)[whole]
    times = np.concatenate([completed[whole], answered[whole]])
    begun = np.zeros(len(distinct), np.bool_)
    begun[syn] = True
    waiting = all_steps.take(~whole[syn], ~whole[answer], (begun & ~whole)[ack])
    return RoundTrips(join_keys([client, client.reversed]), times, np.tile(rtt, 2)), waiting


def _last_before(syn: I64, time: I64, answered: I64) -> tuple[I64, I64]:
    """The time and row of the last SYN of each handshake that is not after its answer; row -1 where there is none."""
    order = np.argsort(time, kind="stable")
    order = order[time[order] <= answered[syn[order]]]
    row = np.full(len(answered), -1, np.int64)
    row[syn[order]] = order
    opened = np.where(row >= 0, time[np.maximum(row, 0)], 0) if len(time) else np.zeros(len(answered), np.int64)
    return opened, row
