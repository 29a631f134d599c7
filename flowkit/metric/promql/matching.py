"""Which series of two vectors belong together: ``on``, ``ignoring``, ``group_left``, ``group_right``."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from flowkit.errors import QueryError
from flowkit.metric.promql.labels import NAME, Ints, Labels, signatures
from flowkit.metric.promql.values import Bools, Vector


@dataclass(frozen=True)
class Matching:
    """How series match: by the labels `names` alone (`is_on`) or by all but them; and how many to how many.

    With `group` several series of one side may match one of the other, from which they take the labels `include`;
    `as_number` is the modifier ``bool``.
    """

    names: tuple[str, ...] = ()
    is_on: bool = False
    group: str = ""
    include: tuple[str, ...] = ()
    as_number: bool = False

    @property
    def many_is_right(self) -> bool:
        """Whether the side that may have several is the right one."""
        return self.group == "right"

    def keys(self, left: Labels, right: Labels) -> list[str]:
        """The labels that decide; the metric's name does only where `on` names it."""
        if self.is_on:
            return list(self.names)
        return sorted({*left.columns, *right.columns} - {NAME, *self.names})

    def labels(self, many: Labels, one: Labels) -> Labels:
        """The labels of the results."""
        found = many
        if not self.group:
            found = many.only(self.names) if self.is_on else many.without(self.names)
        for name in self.include:
            found = found.having(name, one.column(name))
        return found


@dataclass(frozen=True)
class Ends:
    """Series that belong together: the number of each on the side that may have several, and on the other."""

    many: Ints
    one: Ints


def same_ends(left: Vector, right: Vector, matching: Matching) -> tuple[Ints, Ints]:
    """Numbers of the series of both sides, equal where they match."""
    return signatures(left.labels, right.labels, matching.keys(left.labels, right.labels))


def matched(many: Vector, one: Vector, matching: Matching) -> Ends:
    """All ends that match; raises `QueryError` where a side that may have one series has several at one step."""
    mine, other = same_ends(many, one, matching)
    asked = np.asarray(many.present.any(axis=0))
    _alone(one, other, other, asked, "the 'one' side" if matching.group else "the right side")
    if not matching.group:
        _alone(many, mine, other, np.asarray(one.present.any(axis=0)), "the left side")
    order = np.argsort(other, kind="stable")
    low = np.searchsorted(other[order], mine, "left")
    sizes = np.searchsorted(other[order], mine, "right") - low
    starts = np.cumsum(sizes) - sizes
    places = np.repeat(low - starts, sizes) + np.arange(int(sizes.sum()))
    return Ends(np.repeat(np.arange(len(mine)), sizes), order[places])


def _alone(vector: Vector, signature: Ints, wanted: Ints, steps: Bools, side: str) -> None:
    """Refuse series that match the same ones of the other side at the same of these steps."""
    number, count = np.unique(signature, return_counts=True)
    for at in np.flatnonzero((count > 1) & np.isin(number, wanted)):
        rows = np.flatnonzero(signature == number[at])
        if (vector.present[np.ix_(rows, steps)].sum(axis=0) > 1).any():
            who = " and ".join(vector.labels.described(int(row)) for row in rows[:2])
            raise QueryError(
                f"several series of {side} match: {who}; name further labels, or use group_left or group_right"
            )
