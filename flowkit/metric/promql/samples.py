"""Samples of many series, laid out so that every window of every series is found by one search.

Rules of the look-up: Prometheus' storage and engine; where versions 2 and 3 differ, `Rules` says how.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from flowkit.errors import QueryError
from flowkit.metric.promql.labels import Column, Ints, Labels, stacked
from flowkit.metric.promql.values import Bools, Floats, Vector

_MOST = 2**28


@dataclass(frozen=True)
class Rules:
    """Where Prometheus 3 departs from 2: ranges lose their left border, look-back its last moment, sums are compensated.

    Source: Prometheus 3.0 migration guide ("range selectors and lookback exclude samples coinciding with the left boundary").
    """

    version: int = 3
    look_back: int = 300_000

    @property
    def side(self) -> Any:
        """The side of `numpy.searchsorted` that finds the first sample of a range."""
        return "left" if self.version == 2 else "right"

    def pattern(self, text: str) -> str:
        """A matcher's regular expression; since 3 a dot means a new line, too (migration guide)."""
        return text if self.version == 2 else f"(?s:{text})"

    def fresh(self, age: Ints) -> Bools:
        """Whether a sample this old, in ms, still counts at an instant."""
        return np.asarray(age <= self.look_back if self.version == 2 else age < self.look_back)


@dataclass(frozen=True)
class Samples:
    """`times` (ms) and `values` of all series after each other, sorted; series s has those from ``offsets[s]`` on."""

    labels: Labels
    times: Ints
    values: Floats
    offsets: Ints

    @classmethod
    def of(cls, labels: Labels, times: Ints, values: Floats) -> Samples:
        """Lay out samples given one a row, in any order; of two of one series at one moment the last counts."""
        group, first = labels.groups()
        if not _in_order(group, times):
            order = np.lexsort((times, group))
            group, times, values = group[order], times[order], values[order]
        kept = np.append((group[1:] != group[:-1]) | (times[1:] != times[:-1]), True)[: len(times)]
        offsets = np.searchsorted(group[kept], np.arange(len(first) + 1)).astype(np.int64)
        return cls(labels.take(first), times[kept], values[kept], offsets)

    @classmethod
    def of_vector(cls, vector: Vector, times: Ints) -> Samples:
        """What a vector is worth at its steps, as samples: the inside of a subquery."""
        counts = vector.present.sum(axis=1)
        at = np.broadcast_to(times, vector.present.shape)
        offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        return cls(vector.labels, at[vector.present], vector.values[vector.present], offsets)

    def at(self, series: Ints) -> Samples:
        """The same samples, of these series alone."""
        sizes = self.offsets[series + 1] - self.offsets[series]
        offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        rows = np.repeat(self.offsets[series] - offsets[:-1], sizes) + np.arange(offsets[-1])
        return Samples(self.labels.take(series), self.times[rows], self.values[rows], offsets)

    def before(self, moments: Ints, side: Any) -> Ints:
        """For each series and moment the place after its last sample up to then (`side` "right": including then)."""
        self._check(len(moments))
        base = np.arange(self.labels.size, dtype=np.int64)[:, None] * self._span
        inside = np.clip(moments - self._start, -1 if side == "right" else 0, self._span - 1)
        found = np.searchsorted(self._keys, base + inside[None, :], side).astype(np.int64)
        return np.clip(found, self.offsets[:-1, None], self.offsets[1:, None])

    def instant(self, moments: Ints, rules: Rules) -> tuple[Vector, Ints]:
        """Each series' newest sample at each moment, if it is fresh; and when that was, in ms."""
        after = self.before(moments, "right")
        at = np.maximum(after - 1, 0)
        if not len(self.times):
            nothing = np.zeros(after.shape)
            return Vector(self.labels, nothing, nothing > 0), nothing.astype(np.int64)
        when = self.times[at]
        present = (after > self.offsets[:-1, None]) & rules.fresh(moments[None, :] - when)
        return Vector(self.labels, self.values[at], present), when

    def _check(self, moments: int) -> None:
        if self.labels.size * moments > _MOST:
            raise QueryError(
                f"{self.labels.size:,} series at {moments:,} steps do not fit in memory: take a longer step or fewer series"
            )

    @cached_property
    def _start(self) -> int:
        return int(self.times.min()) if len(self.times) else 0

    @cached_property
    def _span(self) -> int:
        return int(self.times.max()) - self._start + 2 if len(self.times) else 2

    @cached_property
    def _keys(self) -> Ints:
        series = np.repeat(np.arange(self.labels.size, dtype=np.int64), np.diff(self.offsets))
        return series * self._span + (self.times - self._start)


def _in_order(group: Ints, times: Ints) -> bool:
    """Whether each series' samples stand together and in the order of time."""
    further = np.diff(group)
    return bool(((further > 0) | ((further == 0) & (np.diff(times) >= 0))).all())


def samples_of(table: pd.DataFrame, time: str = "time", value: str = "value") -> Samples:
    """Lay out a tidy table: labels as columns, `time` (datetime), `value`."""
    names = [str(name) for name in table.columns if name not in (time, value)]
    columns = {name: _column(table[name]) for name in names}
    times: Ints = table[time].astype("datetime64[ms, UTC]").to_numpy(dtype="datetime64[ms]").astype(np.int64)
    return Samples.of(Labels(len(table), columns), times, table[value].to_numpy(dtype=np.float64))


def _column(values: pd.Series[Any]) -> Column:
    if not isinstance(values.dtype, pd.CategoricalDtype):
        return Column.of(values)
    into, texts = pd.factorize(np.append(values.cat.categories.astype(str).to_numpy(dtype=object), ""))
    codes: Ints = into.astype(np.int64)[values.cat.codes.to_numpy()]  # -1, which is no category, means the last
    return Column(codes, np.asarray(texts, dtype=object))


def gathered(parts: list[Samples]) -> Samples:
    """The samples of several, as one."""
    if not parts:
        return Samples(Labels.none(0), np.empty(0, np.int64), np.empty(0), np.zeros(1, np.int64))
    labels = stacked([part.labels for part in parts])
    rows = np.repeat(np.arange(labels.size, dtype=np.int64), np.concatenate([np.diff(part.offsets) for part in parts]))
    times, values = (np.concatenate(each) for each in zip(*((part.times, part.values) for part in parts), strict=True))
    return Samples.of(labels.take(rows), times, values)
