"""The samples in each window of each series: from where to where, and sums, extremes, quantiles, lines over them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from flowkit.metric.promql.labels import Ints, Labels
from flowkit.metric.promql.samples import Rules, Samples
from flowkit.metric.promql.values import Bools, Floats

_PIECE = 1 << 22  # samples looked at in one go, so that long windows stay in bounds


@dataclass(frozen=True)
class Shared:
    """The windows of series that all have samples at the same `times`: `values` by series and time, borders by step."""

    values: Floats
    times: Ints
    low: Ints
    high: Ints

    @cached_property
    def size(self) -> Ints:
        """How many samples the windows of each step have."""
        return self.high - self.low


@dataclass(frozen=True)
class Windows:
    """For each series and step some samples: windows end at `ends` and are `width` long, in ms; their borders are `rules`'."""

    samples: Samples
    ends: Ints
    width: int
    rules: Rules

    @cached_property
    def shared(self) -> Shared | None:
        """One look-up for all series, where they have their samples at the same times; else None."""
        times = self.samples.shared
        if times is None:
            return None
        self.samples.check(len(self.ends))
        low = np.searchsorted(times, self.ends - self.width, self.rules.side)
        return Shared(self.samples.square(times), times, low, np.searchsorted(times, self.ends, "right"))

    @cached_property
    def low(self) -> Ints:
        """The first sample of each window."""
        return self.samples.before(self.ends - self.width, self.rules.side)

    @cached_property
    def high(self) -> Ints:
        """The place after the last sample of each window."""
        return self.samples.before(self.ends, "right")

    @property
    def labels(self) -> Labels:
        """The labels of the series."""
        return self.samples.labels

    @cached_property
    def size(self) -> Ints:
        """How many samples each window has."""
        if self.shared is not None:
            return np.broadcast_to(self.shared.size, (self.labels.size, len(self.ends)))
        return self.high - self.low

    def of(self, series: Ints) -> Windows:
        """The windows of these series alone."""
        return Windows(self.samples.at(series), self.ends, self.width, self.rules)

    def holding(self, least: int) -> tuple[Bools, Ints, Ints]:
        """Which windows have at least so many samples; the first and the last of each (0 where they do not)."""
        there = self.size >= least
        return there, np.where(there, self.low, 0), np.where(there, self.high - 1, 0)

    def times(self, at: Ints) -> Ints:
        """When these samples were, in ms."""
        return self.samples.times[at] if len(self.samples.times) else np.zeros_like(at)

    def values(self, at: Ints) -> Floats:
        """What these samples were."""
        return self.samples.values[at] if len(self.samples.values) else np.zeros(at.shape)

    def folded(self, ufunc: np.ufunc, values: Floats | None = None) -> Floats:
        """`ufunc` over the samples of each window, one after the other; 0 where there are none."""
        source = np.append(self.samples.values if values is None else values, 0.0)
        found = np.zeros(self.low.shape)
        there = self.size > 0
        borders = np.column_stack([self.low[there], self.high[there]]).ravel()
        if len(borders):
            found[there] = ufunc.reduceat(source, borders)[::2]
        return found

    def summed(self) -> Floats:
        """The sum over each window, with what rounding lost on the way, as both versions of Prometheus reckon it."""
        if _is_exact(self.samples.values, self.size):
            return self.folded(np.add)
        found = self.each(Piece.compensated)
        return np.where(self.size > 0, found, 0.0)

    def counted(self, changed: Bools) -> Floats:
        """How many samples but the first of each window are marked in `changed`."""
        total = np.concatenate([[0], np.cumsum(changed)])
        there, first, last = self.holding(1)
        return np.where(there, total[last + 1] - total[np.minimum(first + 1, len(total) - 1)], 0).astype(np.float64)

    def each(self, of: Callable[[Piece], Floats]) -> Floats:
        """A number for each window with samples, from all samples of many windows at once; NaN without samples."""
        found = np.full(self.low.shape, np.nan).ravel()
        rows = np.flatnonzero(self.size > 0)
        sizes = self.size.ravel()[rows]
        cuts = np.flatnonzero(np.diff(np.cumsum(sizes) // _PIECE)) + 1
        for part in np.split(np.arange(len(rows)), cuts):
            if len(part):
                found[rows[part]] = of(self._piece(rows[part], sizes[part]))
        return found.reshape(self.low.shape)

    def _piece(self, rows: Ints, sizes: Ints) -> Piece:
        starts = np.cumsum(sizes) - sizes
        at = np.repeat(self.low.ravel()[rows] - starts, sizes) + np.arange(int(sizes.sum()))
        end = np.broadcast_to(self.ends, self.low.shape).ravel()[rows]
        seconds = (self.samples.times[at] - np.repeat(end, sizes)) / 1000
        return Piece(self.samples.values[at], seconds, sizes, starts)


@dataclass(frozen=True)
class Piece:
    """The samples of many windows after each other: `values`, and `seconds` relative to their window's end."""

    values: Floats
    seconds: Floats
    sizes: Ints
    starts: Ints

    @cached_property
    def window(self) -> Ints:
        """The number of each sample's window."""
        return np.repeat(np.arange(len(self.sizes)), self.sizes)

    def total(self, values: Floats) -> Floats:
        """The sum over each window of one number a sample."""
        return np.asarray(np.add.reduceat(values, self.starts))

    def compensated(self) -> Floats:
        """Neumaier's sum of each window, sample after sample of all windows at once."""
        total, small = np.zeros(len(self.sizes)), np.zeros(len(self.sizes))
        # The longest windows first, so that those which still have a sample are a prefix.
        order = np.argsort(-self.sizes, kind="stable")
        starts, sizes = self.starts[order], self.sizes[order]
        with np.errstate(all="ignore"):
            for place in range(int(sizes[0])):
                there = int(np.searchsorted(-sizes, -place, "left"))
                before, added = total[:there], self.values[starts[:there] + place]
                after = before + added
                lost = np.where(np.abs(before) >= np.abs(added), (before - after) + added, (added - after) + before)
                total[:there], small[:there] = after, small[:there] + np.where(np.isinf(after), 0.0, lost)
        found = np.empty_like(total)
        found[order] = np.where(np.isinf(total), total, total + small)
        return found

    def variance(self) -> Floats:
        """The population variance of each window."""
        mean = self.total(self.values) / self.sizes
        return np.asarray(self.total((self.values - mean[self.window]) ** 2) / self.sizes)

    def quantile(self, share: Floats) -> Floats:
        """The quantile of each window, between samples on a straight line; NaN is less than all numbers."""
        order = np.lexsort((np.where(np.isnan(self.values), -np.inf, self.values), self.window))
        return between(self.values[order], self.starts, self.sizes, share)

    def line(self) -> tuple[Floats, Floats]:
        """Slope a second, and worth at the window's end, of the straight line nearest to each window's samples."""
        first = self.values[self.starts][self.window]
        y, x = self.values - first, self.seconds
        size = self.sizes
        mean_x, mean_y = self.total(x) / size, self.total(y) / size
        dx, dy = x - mean_x[self.window], y - mean_y[self.window]
        slope = self.total(dx * dy) / self.total(dx * dx)
        return slope, mean_y - slope * mean_x + self.values[self.starts]


def _is_exact(values: Floats, size: Ints) -> bool:
    """Whether no sum of these numbers needs rounding: whole, and small."""
    most = float(size.max(initial=0)) * float(np.abs(values).max(initial=0.0))
    return most < 2.0**53 and bool((np.floor(values) == values).all())


def between(ordered: Floats, starts: Ints, sizes: Ints, share: Any) -> Floats:
    """The quantile `share` of each run of `ordered` values, as Prometheus takes it: infinite outside 0 … 1."""
    rank = np.clip(np.nan_to_num(share), 0, 1) * (sizes - 1)
    low = np.floor(rank).astype(np.int64)
    high = np.minimum(low + 1, sizes - 1)
    weight = rank - low
    found = ordered[starts + low] * (1 - weight) + ordered[starts + high] * weight
    found = np.where(np.asarray(share) < 0, -np.inf, np.where(np.asarray(share) > 1, np.inf, found))
    return np.where(np.isnan(share), np.nan, found)
