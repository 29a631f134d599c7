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
from flowkit.metric.promql.labels import Column, Ints, Labels, Texts, stacked
from flowkit.metric.promql.values import Bools, Floats, Vector

_MOST = 2**28
_SPARSE = 4  # so many times as many moments as a series has samples: they have no grid in common


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
    def of(cls, labels: Labels, sizes: Ints, times: Ints, values: Floats) -> Samples:
        """Lay out runs of samples, `sizes` of them under each of the `labels`, in any order.

        Of two samples of one series at one moment the last counts.
        """
        group, first = labels.groups()
        starts = (np.cumsum(sizes) - sizes).astype(np.int64)
        if len(first) == labels.size and _rises(times, starts):
            return cls(labels, times, values, np.append(starts, len(times)))
        series = np.repeat(group, sizes)
        order = np.lexsort((times, series))
        series, times, values = series[order], times[order], values[order]
        kept = np.append((series[1:] != series[:-1]) | (times[1:] != times[:-1]), True)[: len(times)]
        offsets = np.searchsorted(series[kept], np.arange(len(first) + 1)).astype(np.int64)
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
        if len(series) == self.labels.size and bool((np.diff(series) > 0).all()):
            return self
        sizes = self.offsets[series + 1] - self.offsets[series]
        offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        rows = np.repeat(self.offsets[series] - offsets[:-1], sizes) + np.arange(offsets[-1])
        return Samples(self.labels.take(series), self.times[rows], self.values[rows], offsets)

    def before(self, moments: Ints, side: Any) -> Ints:
        """For each series and moment the place after its last sample up to then (`side` "right": including then)."""
        self.check(len(moments))
        if self.runs is not None:
            grid, begin = self.runs
            found = np.searchsorted(grid, moments, side)[None, :] + (self.offsets[:-1] - begin)[:, None]
            return np.asarray(np.clip(found, self.offsets[:-1, None], self.offsets[1:, None]))
        base = np.arange(self.labels.size, dtype=np.int64)[:, None] * self._span
        inside = np.clip(moments - self._start, -1 if side == "right" else 0, self._span - 1)
        found = np.searchsorted(self._keys, base + inside[None, :], side).astype(np.int64)
        return np.asarray(np.clip(found, self.offsets[:-1, None], self.offsets[1:, None]))

    def instant(self, moments: Ints, rules: Rules) -> tuple[Vector, Ints]:
        """Each series' newest sample at each moment, if it is fresh; and when that was, in ms."""
        if self.shared is not None:
            return self._instant_of_all(self.shared, moments, rules)
        after = self.before(moments, "right")
        at = np.maximum(after - 1, 0)
        if not len(self.times):
            nothing = np.zeros(after.shape)
            return Vector(self.labels, nothing, nothing > 0), nothing.astype(np.int64)
        when = self.times[at]
        present = (after > self.offsets[:-1, None]) & rules.fresh(moments[None, :] - when)
        return Vector(self.labels, self.values[at], present), when

    def _instant_of_all(self, times: Ints, moments: Ints, rules: Rules) -> tuple[Vector, Ints]:
        self.check(len(moments))
        after = np.searchsorted(times, moments, "right")
        at = np.maximum(after - 1, 0)
        present = (after > 0) & rules.fresh(moments - times[at])
        shape = (self.labels.size, len(moments))
        values = np.take(self.square(times), at, axis=1)
        return Vector(self.labels, values, np.broadcast_to(present, shape)), np.broadcast_to(times[at], shape)

    def square(self, times: Ints) -> Floats:
        """The values as series × times, where all have the same."""
        return self.values.reshape(self.labels.size, len(times))

    def check(self, moments: int) -> None:
        """Raise `QueryError` where series × moments would not fit in memory."""
        if self.labels.size * moments > _MOST:
            raise QueryError(
                f"{self.labels.size:,} series at {moments:,} steps do not fit in memory: take a longer step or fewer series"
            )

    @cached_property
    def shared(self) -> Ints | None:
        """The times of the samples where all series have the same ones, so that one look-up is all series'; else None."""
        sizes = np.diff(self.offsets)
        if not len(self.times) or (sizes != sizes[0]).any():
            return None
        square = self.times.reshape(len(sizes), -1)
        return square[0] if bool((square == square[0]).all()) else None

    @cached_property
    def runs(self) -> tuple[Ints, Ints] | None:
        """The times of all series, and at which of them each begins, where none leaves one out until it ends; else None."""
        sizes = np.diff(self.offsets)
        if not len(self.times) or not sizes.all():
            return None
        if self.shared is not None:
            return self.shared, np.zeros(len(sizes), np.int64)
        distinct = np.sort(pd.unique(self.times))
        if len(distinct) > _SPARSE * int(sizes.max()):
            return None
        at = np.searchsorted(distinct, self.times)
        whole = at[self.offsets[1:] - 1] - at[self.offsets[:-1]] == sizes - 1
        return (distinct, at[self.offsets[:-1]].astype(np.int64)) if bool(whole.all()) else None

    @cached_property
    def lost(self) -> tuple[Floats, Ints] | None:
        """What a counter had before each reset, at the sample after it (0 elsewhere), and the series with resets; None without.

        No reset is where another series begins.
        """
        dropped = np.append(False, self.values[1:] < self.values[:-1])[: len(self.values)]
        dropped[self.offsets[:-1][self.offsets[:-1] < len(self.values)]] = False
        at = np.flatnonzero(dropped)
        if not len(at):
            return None
        lost = np.zeros(len(self.values) + 1)
        lost[at] = self.values[at - 1]
        return lost, np.unique(np.searchsorted(self.offsets, at, "right") - 1)

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


def _rises(times: Ints, starts: Ints) -> bool:
    """Whether time goes on from sample to sample within each run."""
    rising = times[1:] > times[:-1]
    rising[starts[1:][starts[1:] > 0] - 1] = True
    return bool(rising.all())


def samples_of(table: pd.DataFrame, time: str = "time", value: str = "value") -> Samples:
    """Lay out a tidy table: labels as columns, `time` (datetime), `value`."""
    coded = {str(name): _coded(table[name]) for name in table.columns if name not in (time, value)}
    times: Ints = (
        table[time].astype("datetime64[ms, UTC]").to_numpy(dtype="datetime64[ms]").astype(np.int64, copy=False)
    )
    # Rows of one series mostly stand together: its labels are looked at once.
    changed = np.zeros(len(table), dtype=bool)
    changed[:1] = True
    for codes, _ in coded.values():
        changed[1:] |= codes[1:] != codes[:-1]
    heads = np.flatnonzero(changed)
    columns = {name: _column(codes[heads], texts) for name, (codes, texts) in coded.items()}
    sizes = np.diff(np.append(heads, len(table)))
    return Samples.of(Labels(len(heads), columns), sizes, times, table[value].to_numpy(dtype=np.float64))


def _coded(values: pd.Series[Any]) -> tuple[Any, Texts]:
    """A number for each row's text, -1 where it is missing, and the texts, which may hold one twice."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        return values.cat.codes.to_numpy(), values.cat.categories.astype(str).to_numpy(dtype=object)
    codes, texts = pd.factorize(values)
    return codes, np.asarray(texts, dtype=object).astype(str).astype(object)


def _column(codes: Any, texts: Texts) -> Column:
    into, distinct = pd.factorize(np.append(texts, ""))
    return Column(into.astype(np.int64)[codes], np.asarray(distinct, dtype=object))  # -1 means the last, ""


def gathered(parts: list[Samples]) -> Samples:
    """The samples of several, as one."""
    if not parts:
        return Samples(Labels.none(0), np.empty(0, np.int64), np.empty(0), np.zeros(1, np.int64))
    if len(parts) == 1:
        return parts[0]
    sizes, times, values = (
        np.concatenate(each)
        for each in zip(*((np.diff(part.offsets), part.times, part.values) for part in parts), strict=True)
    )
    return Samples.of(stacked([part.labels for part in parts]), sizes, times, values)
