"""``rate``, ``increase``, ``delta``: what samples grew by, stretched to the borders of their window.

Source: Prometheus' ``extrapolatedRate`` (``promql/functions.go``), of 2.42 and of 3 as `Rules` says. Where all series have
their samples at the same times, how far to stretch is one number a step, save where a counter would be stretched below zero.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from flowkit.metric.promql.labels import Ints
from flowkit.metric.promql.samples import Rules
from flowkit.metric.promql.values import Floats, Vector, in_blocks
from flowkit.metric.promql.windows import Shared, Windows

_NEAR = 1.1  # a border this many average gaps away is believed to be beyond where the series lives
_SLACK = 1 + 1e-9  # so that rounding leaves out no sample that has to be looked at closely


def rate(windows: Windows) -> Vector:
    """What counters grew by a second."""
    return _grown(windows, windows.width / 1000, is_counter=True)


def increase(windows: Windows) -> Vector:
    """What counters grew by."""
    return _grown(windows, 1.0, is_counter=True)


def delta(windows: Windows) -> Vector:
    """What gauges changed by."""
    return _grown(windows, 1.0, is_counter=False)


@dataclass(frozen=True)
class Stretch:
    """Where samples lie in their windows, in seconds: border to first, first to last, last to border; and their gap."""

    begin: Any
    span: Any
    end: Any
    gap: Any

    @classmethod
    def of(cls, first: Any, last: Any, size: Any, windows: Windows) -> Stretch:
        """Of the times (ms) of the first and last sample of windows, and how many they are."""
        span = (last - first) / 1000
        begin, end = (first - (windows.ends - windows.width)) / 1000, (windows.ends - last) / 1000
        return cls(begin, span, end, span / (size - 1))

    def factor(self, to_zero: Any, rules: Rules) -> Any:
        """By how much growth between the samples becomes growth in the window; a counter was zero `to_zero` before the first.

        Which of two limits to the left goes first differs by version.
        """
        end = np.where(self.end < self.gap * _NEAR, self.end, self.gap / 2)
        if rules.version == 2:
            nearer = np.minimum(self.begin, to_zero)
            begin = np.where(nearer < self.gap * _NEAR, nearer, self.gap / 2)
        else:
            begin = np.minimum(np.where(self.begin >= self.gap * _NEAR, self.gap / 2, self.begin), to_zero)
        return (self.span + begin + end) / self.span


def _grown(windows: Windows, seconds: float, *, is_counter: bool) -> Vector:
    with np.errstate(all="ignore"):
        if windows.shared is None:
            return Vector(windows.labels, _by_window(windows, seconds, is_counter=is_counter), windows.size >= 2)
        values = _by_step(windows, windows.shared, seconds, is_counter=is_counter)
        return Vector(windows.labels, values, np.broadcast_to(windows.shared.size >= 2, values.shape))


def _by_window(windows: Windows, seconds: float, *, is_counter: bool) -> Floats:
    """The growth of series that each have times of their own."""
    _, first, last = windows.holding(2)
    grown = windows.values(last) - windows.values(first)
    if is_counter and windows.samples.lost is not None:
        lost, resetting = windows.samples.lost
        grown[resetting] += _lost(lost, first[resetting], last[resetting])
    stretch = Stretch.of(windows.times(first), windows.times(last), windows.size, windows)
    to_zero = _to_zero(stretch.span, windows.values(first), grown) if is_counter else np.inf
    return np.asarray(grown * (stretch.factor(to_zero, windows.rules) / seconds))


def _by_step(windows: Windows, shared: Shared, seconds: float, *, is_counter: bool) -> Floats:
    """The growth of series that have their times in common: one factor a step, but for counters near zero."""
    there = shared.size >= 2
    first, last = np.where(there, shared.low, 0), np.where(there, shared.high - 1, 0)
    stretch = Stretch.of(shared.times[first], shared.times[last], shared.size, windows)
    factor = stretch.factor(np.inf, windows.rules) / seconds
    nearest = np.where(there, stretch.begin / stretch.span * _SLACK, 0.0)
    lost = _losses(windows, first, last) if is_counter else {}
    found = np.empty((windows.labels.size, len(first)))
    for rows in in_blocks(found.shape):
        values = shared.values[rows]
        begun = np.take(values, first, axis=1)
        grown = np.take(values, last, axis=1)
        grown -= begun
        for row in range(rows.start, rows.stop) if lost else ():
            if row in lost:
                grown[row - rows.start] += lost[row]
        np.multiply(grown, factor, out=found[rows])
        near, step = np.nonzero((begun < grown * nearest) & (begun >= 0)) if is_counter else _NONE
        if len(near):
            at = Stretch(*(each[step] for each in (stretch.begin, stretch.span, stretch.end, stretch.gap)))
            more = grown[near, step]
            exact = at.factor(_to_zero(at.span, begun[near, step], more), windows.rules) / seconds
            found[rows][near, step] = more * exact
    return found


_NONE = (np.empty(0, np.int64), np.empty(0, np.int64))


def _to_zero(span: Any, first: Any, grown: Any) -> Any:
    """How long before its first sample a counter was zero, had it always grown so; infinite where that cannot be said."""
    return np.where((grown > 0) & (first >= 0), span * (first / grown), np.inf)


def _losses(windows: Windows, first: Ints, last: Ints) -> dict[int, Floats]:
    """What the resets of each series with resets took, by step."""
    if windows.samples.lost is None:
        return {}
    lost, resetting = windows.samples.lost
    begin = windows.samples.offsets[resetting][:, None]
    return dict(zip(resetting.tolist(), _lost(lost, begin + first, begin + last), strict=True))


def _lost(lost: Floats, first: Ints, last: Ints) -> Floats:
    """What resets took after the first sample of each window, up to its last."""
    found = np.zeros(first.shape)
    there = last > first
    borders = np.column_stack([first[there] + 1, last[there] + 1]).ravel()
    if len(borders):
        found[there] = np.add.reduceat(lost, borders)[::2]
    return found
