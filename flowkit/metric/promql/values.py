"""What an expression is worth: a number at every step, a text, or a vector of series × steps.

Absent is not NaN: a vector says of each series at which steps it is there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from flowkit.errors import QueryError
from flowkit.metric.promql.labels import NAME, Ints, Labels

_BLOCK = 1 << 17  # values that a processor's cache holds with what is made of them
_ROWS = 512

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


def in_blocks(shape: tuple[int, ...]) -> Iterator[slice]:
    """The rows of series × steps in blocks, so that what is reckoned step by step stays in the processor's cache.

    >>> [(rows.start, rows.stop) for rows in in_blocks((5, 1 << 16))]
    [(0, 2), (2, 4), (4, 5)]
    """
    size = min(_ROWS, max(1, _BLOCK // max(1, shape[1])))
    for start in range(0, shape[0], size):
        yield slice(start, min(start + size, shape[0]))


@dataclass(frozen=True)
class Scalar:
    """A number at every step."""

    values: Floats


@dataclass(frozen=True)
class Text:
    """A text, as functions take it."""

    text: str


@dataclass(frozen=True)
class Vector:
    """Series × steps: `values`, and where they are `present`; `is_sorted` when the order of the series was asked for."""

    labels: Labels
    values: Floats
    present: Bools
    is_sorted: bool = False

    def take(self, rows: Ints | Bools) -> Vector:
        """These series, in this order."""
        return Vector(self.labels.take(rows), self.values[rows], self.present[rows])

    def there(self) -> Vector:
        """The series that are there at some step."""
        seen = self.present.any(axis=1)
        return self if seen.all() else self.take(np.flatnonzero(seen))

    def worth(self, values: Floats) -> Vector:
        """The same series with other values."""
        return replace(self, values=values)

    def nameless(self) -> Vector:
        """The same without metric names; series that differed by the name alone become one."""
        return self if NAME not in self.labels.columns else united(self.labels.without([NAME]), self)


Value = Scalar | Text | Vector


def united(labels: Labels, vector: Vector) -> Vector:
    """The vector under other labels; series whose labels are equal now become one.

    Raises `QueryError` when two of them are there at the same step.
    """
    group, first = labels.groups()
    if len(first) == labels.size:
        return replace(vector, labels=labels)
    order = np.argsort(group, kind="stable")
    starts = np.flatnonzero(np.diff(group[order], prepend=-1))
    count = np.add.reduceat(vector.present[order].astype(np.int32), starts, axis=0)
    twice = np.flatnonzero((count > 1).any(axis=1))
    if len(twice):
        who = labels.described(int(first[twice[0]]))
        raise QueryError(f"two series have the labels {who} at the same time: keep a label that tells them apart")
    values = np.add.reduceat(np.where(vector.present, vector.values, 0.0)[order], starts, axis=0)
    return Vector(labels.take(first), values, count > 0)


def empty(steps: int) -> Vector:
    """No series at all."""
    return Vector(Labels.none(0), np.empty((0, steps)), np.empty((0, steps), dtype=bool))
