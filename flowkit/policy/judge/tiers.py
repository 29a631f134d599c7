"""One tier in one direction: which pod groups its policies are about, and what its first matching rule does with each cell.

Rules are bits in the order of evaluation. What matches is the AND of the peer's bits and the service's bits; pods under the
same policies are judged together, so that a cell only meets the rules of its own pod.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from flowkit.enrich.sides import Codes, Mask
from flowkit.policy.judge.bits import Words, before, first, packed, pairs
from flowkit.policy.judge.classes import Classes
from flowkit.policy.judge.lines import Entry, Line
from flowkit.policy.judge.peers import PeerMatches
from flowkit.policy.judge.reasons import Reason
from flowkit.policy.judge.services import PortMatches
from flowkit.policy.model import Direction

ACCEPT, DENY, PASS = 1, 2, 4
_ACTIONS = {"Accept": ACCEPT, "Deny": DENY, "Pass": PASS}
_AT_ONCE = 1 << 21  # words of one step: 16 MB


@dataclass(frozen=True)
class Outcome:
    """By cell: what the tier may do (bits of ACCEPT, DENY, PASS), the line that decides or comes near (-1: none), the
    near miss as a `Reason`, and the number of the set of policies its subject is under (-1: none).
    """

    possible: npt.NDArray[np.uint8]
    line: Codes
    miss: npt.NDArray[np.int8]
    under: Codes


@dataclass(frozen=True)
class Questions:
    """Cells as one side sees them: pod group of the subject, column of the peer, code of the service."""

    group: Codes
    peer: Codes
    service: Codes
    peers: PeerMatches
    ports: PortMatches


@dataclass(frozen=True)
class Tier:
    """The lines of a tier; the number of the set of policies each pod group is under (-1: none); the sets, as numbers of
    policies in order with whether each is surely about the group; and what happens where no line matches.
    """

    entries: tuple[Entry, ...]
    under: Codes
    sets: tuple[tuple[tuple[int, bool], ...], ...]
    default: int

    @classmethod
    def of(cls, entries: tuple[Entry, ...], classes: Classes, direction: Direction, default: int) -> Tier:
        """Find out whom each policy is about."""
        subjects = PeerMatches(classes, np.zeros(0, dtype=np.int64), direction)
        about: list[list[tuple[int, bool]]] = [[] for _ in range(len(classes.grouping))]
        for number, entry in enumerate(entries):
            match = subjects.subjects(entry.namespace, entry.subject)
            for group in np.flatnonzero(match.possible):
                about[group].append((number, bool(match.sure[group])))
        seen: dict[tuple[tuple[int, bool], ...], int] = {}
        under = [seen.setdefault(tuple(each), len(seen)) if each else -1 for each in about]
        return cls(entries, np.array(under, dtype=np.int64), tuple(seen), default)

    @property
    def titles(self) -> tuple[str, ...]:
        """The policies of each set, for a reader."""
        return tuple(", ".join(self.entries[at].policy for at, _ in each) for each in self.sets)

    @property
    def lines(self) -> tuple[Line, ...]:
        """All lines, in order; `Outcome.line` counts them."""
        return tuple(line for entry in self.entries for line in entry.lines)

    def decide(self, asked: Questions) -> Outcome:
        """What the tier does with every cell."""
        count = len(asked.group)
        under = np.append(self.under, -1)[asked.group]
        outcome = Outcome(
            np.full(count, PASS, dtype=np.uint8), np.full(count, -1), np.zeros(count, dtype=np.int8), under
        )
        for cells, stack in self._stacks(asked, under):
            outcome.possible[cells], line = stack.first(cells, self.default)
            outcome.line[cells] = line
            if self.default == DENY:
                missed = cells[outcome.possible[cells] == DENY]
                outcome.line[missed], outcome.miss[missed] = stack.nearest(missed)
        return outcome

    def admitting(self, asked: Questions) -> tuple[Codes, Codes]:
        """All pairs of a cell and a line that surely matches it."""
        under = np.append(self.under, -1)[asked.group]
        found = [stack.all(cells) for cells, stack in self._stacks(asked, under)]
        cells, lines = zip(*found, strict=True) if found else ((), ())
        none = np.zeros(0, dtype=np.int64)
        return np.concatenate([none, *cells]), np.concatenate([none, *lines])

    def _stacks(self, asked: Questions, under: Codes) -> Iterator[tuple[Codes, _Stack]]:
        """The cells under each set of policies, in portions, with the lines they meet."""
        offsets = np.cumsum([0, *(len(entry.lines) for entry in self.entries)])
        order = np.argsort(under, kind="stable")
        ends = np.searchsorted(under[order], np.arange(len(self.sets) + 1))
        for number in np.unique(under[under >= 0]):
            cells = order[ends[number] : ends[number + 1]]
            stack = _Stack.of(self.entries, self.sets[number], offsets, asked, cells)
            portion = max(1, _AT_ONCE // stack.words)
            yield from ((cells[at : at + portion], stack) for at in range(0, len(cells), portion))


@dataclass(frozen=True)
class _Stack:
    """The lines that pods under one set of policies meet: bits by peer column and by service, and where each line stands."""

    asked: Questions
    place_peer: Codes
    place_service: Codes
    sure: Words
    possible: Words
    by_labels: Words
    services: Words
    actions: npt.NDArray[np.uint8]
    lines: Codes

    @classmethod
    def of(
        cls,
        entries: tuple[Entry, ...],
        members: tuple[tuple[int, bool], ...],
        offsets: Codes,
        asked: Questions,
        cells: Codes,
    ) -> _Stack:
        lines = [(line, sure) for at, sure in members for line in entries[at].lines]
        columns, services = np.unique(asked.peer[cells]), np.unique(asked.service[cells])
        matches = [asked.peers.any_of(line.namespace, line.peers) for line, _ in lines]
        return cls(
            asked,
            _places(columns),
            _places(services),
            _rows([match.sure & sure for match, (_, sure) in zip(matches, lines, strict=True)], columns),
            _rows([match.possible for match in matches], columns),
            _rows([match.by_labels for match in matches], columns),
            _rows([asked.ports.any_of(line.ports) for line, _ in lines], services),
            np.array([_ACTIONS[line.action] for line, _ in lines], dtype=np.uint8),
            np.concatenate([np.arange(offsets[at], offsets[at + 1]) for at, _ in members]).astype(np.int64),
        )

    @property
    def words(self) -> int:
        """How many words a row of bits has."""
        return int(self.services.shape[1])

    def _at(self, cells: Codes) -> tuple[Codes, Codes]:
        return self.place_peer[self.asked.peer[cells]], self.place_service[self.asked.service[cells]]

    def first(self, cells: Codes, default: int) -> tuple[npt.NDArray[np.uint8], Codes]:
        """What may happen: the first sure line's action, and those of the possible lines before it; and the line."""
        peer, service = self._at(cells)
        bit = first(self.sure[peer] & self.services[service], len(self.lines))
        result = np.append(self.actions, np.uint8(default))[bit]
        earlier = self.possible[peer] & self.services[service] & before(bit, self.words)
        if earlier.any():
            for action in np.unique(self.actions):
                of_action = packed((self.actions == action)[:, None])
                result = np.where((earlier & of_action).any(axis=1), result | action, result)
            open_ones = ~np.isin(result, (ACCEPT, DENY, PASS))
            bit = np.where(open_ones, np.minimum(bit, first(earlier, len(self.lines))), bit)
        return result.astype(np.uint8), np.append(self.lines, -1)[bit]

    def nearest(self, cells: Codes) -> tuple[Codes, npt.NDArray[np.int8]]:
        """The line that comes nearest to admitting each cell, and by what it misses."""
        peer, service = self._at(cells)
        line, miss = np.full(len(cells), -1), np.full(len(cells), Reason.NOTHING_NEAR, dtype=np.int8)
        for reason, rows in (
            (Reason.OTHER_PEER, self.services[service]),
            (Reason.WRONG_NAMESPACE, self.by_labels[peer] & self.services[service]),
            (Reason.OTHER_PORT, self.sure[peer]),
        ):
            bit = first(rows, -1)
            near = bit >= 0
            line[near], miss[near] = self.lines[bit[near]], reason
        return line, miss

    def all(self, cells: Codes) -> tuple[Codes, Codes]:
        """All pairs of a cell and a line that surely matches it."""
        peer, service = self._at(cells)
        row, bit = pairs(self.sure[peer] & self.services[service])
        return cells[row], self.lines[bit]


def _places(values: Codes) -> Codes:
    places = np.zeros(int(values[-1]) + 1 if len(values) else 0, dtype=np.int64)
    places[values] = np.arange(len(values))
    return places


def _rows(rules: list[Mask], columns: Codes) -> Words:
    table = np.array([rule[columns] for rule in rules], dtype=bool).reshape(len(rules), len(columns))
    return packed(table)
