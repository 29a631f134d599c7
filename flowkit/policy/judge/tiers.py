"""One tier in one direction: which pod groups its policies are about, and what its first matching rule does with each cell.

Pods under the same policies are judged together, so that a cell only meets the rules of its own pod.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from flowkit.enrich.sides import Codes, Mask, small
from flowkit.policy.judge.classes import Classes
from flowkit.policy.judge.lines import Entry, Line
from flowkit.policy.judge.peers import Reaches
from flowkit.policy.judge.stacks import ACCEPT, DENY, PASS, Lines, Questions, Stack
from flowkit.policy.model import Direction

__all__ = ["ACCEPT", "DENY", "PASS", "Outcome", "Questions", "Tier"]
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
class Tier:
    """The lines of a tier; the number of the set of policies each pod group is under (-1: none); the sets, as numbers of
    policies in order with whether each is surely about the group; and what happens where no line matches.
    """

    entries: tuple[Entry, ...]
    reached: Lines
    under: Codes
    sets: tuple[tuple[tuple[int, bool], ...], ...]
    default: int

    @classmethod
    def of(cls, entries: tuple[Entry, ...], classes: Classes, direction: Direction, default: int) -> Tier:
        """Find out whom each policy is about, and whom its lines reach."""
        subjects = Reaches(classes, direction)
        about: list[list[tuple[int, bool]]] = [[] for _ in range(len(classes.grouping))]
        for number, entry in enumerate(entries):
            match = subjects.subjects(entry.namespace, entry.subject)
            for group in np.flatnonzero(match.possible):
                about[group].append((number, bool(match.sure[group])))
        seen: dict[tuple[tuple[int, bool], ...], int] = {}
        under = [seen.setdefault(tuple(each), len(seen)) if each else -1 for each in about]
        lines = Lines.of(entries, classes, direction)
        return cls(entries, lines, np.array(under, dtype=np.int64), tuple(seen), default)

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
        under = self._under(asked)
        outcome = Outcome(
            np.full(count, PASS, dtype=np.uint8), np.full(count, -1), np.zeros(count, dtype=np.int8), under
        )
        for cells, stack in self._stacks(asked, under):
            outcome.possible[cells], line = stack.first(cells, self.default)
            outcome.line[cells] = line
            if self.default == DENY:
                missed = cells[outcome.possible[cells] == DENY]
                if len(missed):
                    outcome.line[missed], outcome.miss[missed] = stack.nearest(missed)
        return outcome

    def admitting(self, asked: Questions) -> tuple[Codes, Codes]:
        """All pairs of a cell and a line that surely matches it."""
        found = [stack.all(cells) for cells, stack in self._stacks(asked, self._under(asked))]
        cells, lines = zip(*found, strict=True) if found else ((), ())
        none = np.zeros(0, dtype=np.int64)
        return np.concatenate([none, *cells]), np.concatenate([none, *lines])

    def may_accept(self, asked: Questions, kind: Codes, atom: Codes) -> Mask:
        """Which peers (columns, by kind and atom) may be admitted to the subject and service of each cell (rows): everyone
        where no policy is about the subject.
        """
        under = self._under(asked)
        found = np.repeat((under < 0)[:, None], len(kind), axis=1)
        for cells, stack in self._stacks(asked, under):
            found[cells] = stack.may(cells, kind, atom)
        return found

    def _under(self, asked: Questions) -> Codes:
        under: Codes = np.append(self.under, -1)[asked.group]
        return under

    def _stacks(self, asked: Questions, under: Codes) -> Iterator[tuple[Codes, Stack]]:
        """The cells under each set of policies, in portions, with the lines they meet."""
        if not self.sets:
            return
        ports = self.reached.matching(asked.services)
        # Small numbers are sorted by radix.
        keys = small(under, len(self.sets))
        order = np.argsort(keys, kind="stable")
        ends = np.searchsorted(keys[order], np.arange(len(self.sets) + 1))
        for number in np.flatnonzero(np.diff(ends)):
            cells = order[ends[number] : ends[number + 1]]
            stack = Stack.of(self.reached, self.sets[number], asked, cells, ports)
            portion = max(1, _AT_ONCE // stack.words)
            yield from ((cells[at : at + portion], stack) for at in range(0, len(cells), portion))
