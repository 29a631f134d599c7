"""Functions from a range vector to an instant vector: rates, changes, what happened over time.

Source: Prometheus' documentation of functions and ``promql/functions.go``; the rules of 2.42 and of 3 as `Rules` says.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np

from flowkit.metric.promql.growth import delta, increase, rate
from flowkit.metric.promql.labels import Ints
from flowkit.metric.promql.values import Floats, Vector
from flowkit.metric.promql.windows import Windows


@dataclass(frozen=True)
class Range:
    """What such a function gets: its windows, the scalar before or after them, the moments it is asked at (ms)."""

    windows: Windows
    scalar: Floats
    moments: Ints


def _vector(windows: Windows, least: int, values: Floats) -> Vector:
    return Vector(windows.labels, values, windows.size >= least)


def _last_two(given: Range, *, counter: bool, per_second: bool) -> Vector:
    windows = given.windows
    _, _, last = windows.holding(2)
    before = np.maximum(last - 1, 0)
    new, old = windows.values(last), windows.values(before)
    step = np.where(counter & (new < old), new, new - old)
    if per_second:
        with np.errstate(all="ignore"):
            step = step / ((windows.times(last) - windows.times(before)) / 1000)
    return _vector(windows, 2, step)


def _changes(given: Range) -> Vector:
    values = given.windows.samples.values
    before = np.concatenate([values[:1], values[:-1]])
    changed = (values != before) & ~(np.isnan(values) & np.isnan(before))
    return _vector(given.windows, 1, given.windows.counted(changed))


def _resets(given: Range) -> Vector:
    values = given.windows.samples.values
    return _vector(given.windows, 1, given.windows.counted(values < np.concatenate([values[:1], values[:-1]])))


def _sum(given: Range) -> Vector:
    return _vector(given.windows, 1, given.windows.summed())


def _avg(given: Range) -> Vector:
    with np.errstate(all="ignore"):
        return _vector(given.windows, 1, given.windows.summed() / given.windows.size)


def _extreme(ufunc: np.ufunc, given: Range) -> Vector:
    return _vector(given.windows, 1, given.windows.folded(ufunc))


def _count(given: Range) -> Vector:
    return _vector(given.windows, 1, given.windows.size.astype(np.float64))


def _present(given: Range) -> Vector:
    return _vector(given.windows, 1, np.ones(given.windows.size.shape))


def _last(given: Range) -> Vector:
    return _vector(given.windows, 1, given.windows.values(given.windows.holding(1)[2]))


def _variance(given: Range) -> Vector:
    return _vector(given.windows, 1, given.windows.each(lambda piece: piece.variance()))


def _deviation(given: Range) -> Vector:
    return _vector(given.windows, 1, np.sqrt(given.windows.each(lambda piece: piece.variance())))


def _quantile(given: Range) -> Vector:
    """The scalar may differ from step to step; windows of one step then share it."""
    windows, shares = given.windows, given.scalar
    found = np.empty(windows.low.shape)
    for share in np.unique(shares):
        steps = (shares == share) | (np.isnan(shares) & np.isnan(share))
        part = Windows(windows.samples, windows.ends[steps], windows.width, windows.rules)
        found[:, steps] = part.each(lambda piece, share=share: piece.quantile(np.full(len(piece.sizes), share)))  # type: ignore[misc]
    return _vector(windows, 1, found)


def _slope(given: Range) -> Vector:
    with np.errstate(all="ignore"):
        return _vector(given.windows, 2, given.windows.each(lambda piece: piece.line()[0]))


def _predicted(given: Range) -> Vector:
    with np.errstate(all="ignore"):
        slope = given.windows.each(lambda piece: piece.line()[0])
        now = given.windows.each(lambda piece: piece.line()[1])
        ahead = given.scalar + (given.moments - given.windows.ends) / 1000
        return _vector(given.windows, 2, now + slope * ahead[None, :])


RANGE_FUNCTIONS: Mapping[str, Callable[[Range], Vector]] = {
    "rate": lambda given: rate(given.windows),
    "increase": lambda given: increase(given.windows),
    "delta": lambda given: delta(given.windows),
    "irate": partial(_last_two, counter=True, per_second=True),
    "idelta": partial(_last_two, counter=False, per_second=False),
    "changes": _changes,
    "resets": _resets,
    "sum_over_time": _sum,
    "avg_over_time": _avg,
    "min_over_time": partial(_extreme, np.fmin),
    "max_over_time": partial(_extreme, np.fmax),
    "count_over_time": _count,
    "present_over_time": _present,
    "last_over_time": _last,
    "stdvar_over_time": _variance,
    "stddev_over_time": _deviation,
    "quantile_over_time": _quantile,
    "deriv": _slope,
    "predict_linear": _predicted,
}
