"""The lines that pods under one set of policies meet, as bits in the order of evaluation.

What matches is the AND of the peer's bits and the service's bits. Whom each line reaches and which services it names is found
once a tier; the bits of one set are put together when its cells are asked for, and forgotten afterwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from flowkit.enrich.sides import Codes, Mask
from flowkit.policy.judge.bits import Words, before, first, packed, pairs
from flowkit.policy.judge.classes import Classes
from flowkit.policy.judge.lines import Entry
from flowkit.policy.judge.peers import Reach, Reaches
from flowkit.policy.judge.reasons import Reason
from flowkit.policy.judge.services import Services, matching
from flowkit.policy.model import Block, Direction, Port

ACCEPT, DENY, PASS = 1, 2, 4
_ACTIONS = {"Accept": ACCEPT, "Deny": DENY, "Pass": PASS}
_ONE = np.uint64(1)


@dataclass(frozen=True)
class Questions:
    """Cells as one side sees them: pod group of the subject, kind and address atom of the peer, and the services."""

    group: Codes
    kind: Codes
    atom: Codes
    services: Services


@dataclass(frozen=True)
class Lines:
    """The lines of a tier in one direction, in order: whom each reaches, which list of ports it names, and what it does."""

    classes: Classes
    peers: Reaches
    reaches: tuple[Reach, ...]
    ports: tuple[tuple[Port, ...], ...]
    ports_of: Codes
    actions: npt.NDArray[np.uint8]
    offsets: Codes

    @classmethod
    def of(cls, entries: Sequence[Entry], classes: Classes, direction: Direction) -> Lines:
        """Find out whom the lines of these policies reach."""
        peers = Reaches(classes, direction)
        lines = [line for entry in entries for line in entry.lines]
        ports: dict[tuple[Port, ...], int] = {}
        numbers = [ports.setdefault(line.ports, len(ports)) for line in lines]
        return cls(
            classes,
            peers,
            tuple(peers.any_of(line.namespace, line.peers) for line in lines),
            tuple(ports),
            np.array(numbers, dtype=np.int64),
            np.array([_ACTIONS[line.action] for line in lines], dtype=np.uint8),
            np.cumsum([0, *(len(entry.lines) for entry in entries)]),
        )

    def matching(self, services: Services) -> Mask:
        """Which services (columns) each list of ports (rows) matches."""
        rows = [matching(services, ports, self.classes.profile) for ports in self.ports]
        return np.array(rows, dtype=bool).reshape(len(rows), len(services.proto))

    def atoms_of(self, block: Block) -> Codes:
        """The address atoms in a block."""
        if block not in self._atoms:
            every = np.arange(self.classes.atoms.count)
            self._atoms[block] = np.flatnonzero(self.classes.atoms.within(block, every))
        return self._atoms[block]

    @cached_property
    def _atoms(self) -> dict[Block, Codes]:
        return {}


@dataclass(frozen=True)
class _Matches:
    """Which lines match which peers, in bits by kind of the peer and by its address atom (none: no line names a block)."""

    kinds: Words
    atoms: Words | None

    @classmethod
    def of(cls, lines: Lines, numbers: Codes, parts: list[Codes]) -> _Matches:
        """Put together what some lines reach, `parts` being the kinds that each of them does."""
        reaches = [lines.reaches[at] for at in numbers.tolist()]
        kinds = _scattered(parts, lines.classes.kinds)
        every = np.array([reach.everyone for reach in reaches], dtype=bool)
        if every.any():
            kinds |= packed(every[:, None])
        blocks = [[lines.atoms_of(block) for block in reach.blocks] for reach in reaches]
        if not any(blocks):
            return cls(kinds, None)
        none = np.zeros(0, dtype=np.int64)
        return cls(kinds, _scattered([np.concatenate([none, *each]) for each in blocks], lines.classes.atoms.count))

    def at(self, kind: Codes, atom: Codes) -> Words:
        """The bits of some peers."""
        return self.kinds[kind] if self.atoms is None else self.kinds[kind] | self.atoms[atom]


def _scattered(parts: list[Codes], count: int) -> Words:
    """A table with a row of bits for each of `count` things; bit n is set where the thing is in part n."""
    width = max(1, -(-len(parts) // 64))
    table = np.zeros(count * width, dtype=np.uint64)
    bit = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
    if len(bit):
        np.bitwise_or.at(table, np.concatenate(parts) * width + (bit >> 6), _ONE << (bit & 63).astype(np.uint64))
    return table.reshape(count, width)


@dataclass(frozen=True)
class Stack:
    """The lines (`numbers`) under one set of policies, in order: which match which peers and services, and what they do."""

    asked: Questions
    sure: _Matches
    possible: _Matches
    by_labels: Words
    services: Words
    place: Codes
    actions: npt.NDArray[np.uint8]
    numbers: Codes

    @classmethod
    def of(
        cls, lines: Lines, members: tuple[tuple[int, bool], ...], asked: Questions, cells: Codes, ports: Mask
    ) -> Stack:
        """Put the bits of one set together: its `members` (policy, whether surely about the pod), for some `cells` under it;
        `ports` is what `Lines.matching` says of the services.
        """
        ranges = [np.arange(lines.offsets[at], lines.offsets[at + 1]) for at, _ in members]
        numbers = np.concatenate(ranges).astype(np.int64)
        surely = np.repeat([sure for _, sure in members], [len(each) for each in ranges])
        sure, possible = _matches(lines, numbers, surely)
        present = np.unique(asked.services.code[cells])
        place = np.zeros(len(asked.services.proto), dtype=np.int64)
        place[present] = np.arange(len(present))
        return cls(
            asked,
            sure,
            possible,
            _scattered([lines.reaches[at].by_labels for at in numbers.tolist()], lines.classes.kinds),
            packed(ports[np.ix_(lines.ports_of[numbers], present)]),
            place,
            lines.actions[numbers],
            numbers,
        )

    @property
    def words(self) -> int:
        """How many words a row of bits has."""
        return int(self.services.shape[1])

    def _services(self, cells: Codes) -> Words:
        return self.services[self.place[self.asked.services.code[cells]]]

    def _peers(self, matches: _Matches, cells: Codes) -> Words:
        return matches.at(self.asked.kind[cells], self.asked.atom[cells])

    def first(self, cells: Codes, default: int) -> tuple[npt.NDArray[np.uint8], Codes]:
        """What may happen: the first sure line's action, and those of the possible lines before it; and the line."""
        services = self._services(cells)
        bit = first(self._peers(self.sure, cells) & services, len(self.numbers))
        result = np.append(self.actions, np.uint8(default))[bit]
        if self.sure is not self.possible:
            earlier = self._peers(self.possible, cells) & services & before(bit, self.words)
            result, bit = self._unsure(result, bit, earlier)
        return result.astype(np.uint8), np.append(self.numbers, -1)[bit]

    def _unsure(self, result: npt.NDArray[np.uint8], bit: Codes, earlier: Words) -> tuple[npt.NDArray[np.uint8], Codes]:
        """The same where possible lines (`earlier`) come before the first sure one."""
        if not earlier.any():
            return result, bit
        for action in np.unique(self.actions):
            of_action = packed((self.actions == action)[:, None])
            result = np.where((earlier & of_action).any(axis=1), result | action, result)
        is_open = ~np.isin(result, (ACCEPT, DENY, PASS))
        return result, np.where(is_open, np.minimum(bit, first(earlier, len(self.numbers))), bit)

    def nearest(self, cells: Codes) -> tuple[Codes, npt.NDArray[np.int8]]:
        """The line that comes nearest to admitting each cell, and by what it misses."""
        services = self._services(cells)
        line, miss = np.full(len(cells), -1), np.full(len(cells), Reason.NOTHING_NEAR, dtype=np.int8)
        for reason, rows in (
            (Reason.OTHER_PEER, services),
            (Reason.WRONG_NAMESPACE, self.by_labels[self.asked.kind[cells]] & services),
            (Reason.OTHER_PORT, self._peers(self.sure, cells)),
        ):
            bit = first(rows, -1)
            near = bit >= 0
            line[near], miss[near] = self.numbers[bit[near]], reason
        return line, miss

    def all(self, cells: Codes) -> tuple[Codes, Codes]:
        """All pairs of a cell and a line that surely matches it."""
        row, bit = pairs(self._peers(self.sure, cells) & self._services(cells))
        return cells[row], self.numbers[bit]

    def may(self, cells: Codes, kind: Codes, atom: Codes) -> Mask:
        """Which peers (columns, by kind and atom) some line may match on the service of each cell (rows)."""
        peers, services = self.possible.at(kind, atom), self._services(cells)
        found = np.zeros((len(cells), len(kind)), dtype=bool)
        for word in range(self.words):
            found |= (services[:, word, None] & peers[None, :, word]) != 0
        return found


def _matches(lines: Lines, numbers: Codes, surely: Mask) -> tuple[_Matches, _Matches]:
    """What some lines surely and possibly match: the very same value where nothing is unsure."""
    reaches = [lines.reaches[at] for at in numbers.tolist()]
    possible = _Matches.of(lines, numbers, [reach.possible for reach in reaches])
    if surely.all() and all(reach.is_sure for reach in reaches):
        return possible, possible
    sure = _Matches.of(lines, numbers, [reach.sure for reach in reaches])
    kept = packed(surely[:, None])
    return _Matches(sure.kinds & kept, None if sure.atoms is None else sure.atoms & kept), possible
