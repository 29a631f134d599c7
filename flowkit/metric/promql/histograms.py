"""``histogram_quantile`` over classic buckets: ``le`` and cumulative counts.

Source: Prometheus' ``promql/quantile.go`` (bucketQuantile): between two bounds on a straight line, the first bucket from 0.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from flowkit.metric.promql.labels import NAME, Ints, Labels
from flowkit.metric.promql.values import Bools, Floats, Vector, empty

LE = "le"


@dataclass(frozen=True)
class Buckets:
    """Groups × buckets × steps, buckets in the order of their bound: `bound` (groups × buckets), `count`, `present`."""

    labels: Labels
    bound: Floats
    count: Floats
    present: Bools


def histogram_quantile(share: Floats, vector: Vector) -> Vector:
    """The quantile `share` (one a step) of each histogram; NaN where its buckets do not tell."""
    bounds = _bounds(vector.labels)
    bucketed = vector.take(~np.isnan(bounds))
    if not bucketed.labels.size:
        return empty(vector.values.shape[1])
    buckets = _arranged(bucketed, bounds[~np.isnan(bounds)])
    found = np.stack([_quantile(buckets, group, share) for group in range(buckets.labels.size)])
    return Vector(buckets.labels, found, np.asarray(buckets.present.any(axis=1)))


def _bounds(labels: Labels) -> Floats:
    column = labels.column(LE)
    return np.array([_number(text) for text in column.texts], dtype=np.float64)[column.codes]


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return np.nan


def _arranged(vector: Vector, bounds: Floats) -> Buckets:
    labels = vector.labels.without([LE, NAME])
    group, first = labels.groups()
    order = np.lexsort((bounds, group))
    group, bound = group[order], bounds[order]
    # Two spellings of one bound (1 and 1.0) are one bucket.
    fresh = np.append(True, (group[1:] != group[:-1]) | (bound[1:] != bound[:-1]))
    starts = np.flatnonzero(fresh)
    present = np.logical_or.reduceat(vector.present[order], starts, axis=0)
    count = np.add.reduceat(np.where(vector.present[order], vector.values[order], 0.0), starts, axis=0)
    group, bound = group[starts], bound[starts]
    place = np.arange(len(group)) - np.searchsorted(group, group, "left")
    shape = (len(first), int(place.max()) + 1)
    steps = vector.values.shape[1]
    arranged = Buckets(
        labels.take(first), np.full(shape, np.nan), np.zeros((*shape, steps)), np.zeros((*shape, steps), dtype=bool)
    )
    arranged.bound[group, place], arranged.count[group, place], arranged.present[group, place] = bound, count, present
    return arranged


def _quantile(buckets: Buckets, group: int, share: Floats) -> Floats:
    bound, there = buckets.bound[group][:, None], buckets.present[group]
    count = np.maximum.accumulate(np.where(there, buckets.count[group], -np.inf), axis=0)
    # The bound before each bucket, of those there at that step; -inf before the first.
    upto = np.maximum.accumulate(np.where(there, bound, -np.inf), axis=0)
    before = np.concatenate([np.full((1, there.shape[1]), -np.inf), upto[:-1]])
    total = count[-1]
    with np.errstate(all="ignore"):
        rank = share * total
        reaching = there & (count >= rank) & np.isfinite(bound)
        at = np.where(reaching.any(axis=0), reaching.argmax(axis=0), len(bound) - 1)
        step = np.arange(there.shape[1])
        found = _within(Chosen(bound[at, 0], before[at, step], count[at, step], _previous(count, at, step), rank))
        found = np.where(reaching.any(axis=0), found, _greatest(there, bound))
    known = (there.sum(axis=0) >= 2) & np.isposinf(upto[-1]) & (total != 0) & ~np.isnan(share)
    found = np.where(share < 0, -np.inf, np.where(share > 1, np.inf, np.where(known, found, np.nan)))
    return np.where(np.isnan(share), np.nan, found)


@dataclass(frozen=True)
class Chosen:
    """Of each step the bucket the rank falls in: its bounds and counts."""

    end: Floats
    begin: Floats
    count: Floats
    before: Floats
    rank: Floats


def _within(chosen: Chosen) -> Floats:
    is_first = np.isneginf(chosen.begin)
    begin = np.where(is_first, 0.0, chosen.begin)
    before = np.where(is_first | np.isneginf(chosen.before), 0.0, chosen.before)
    inside = begin + (chosen.end - begin) * ((chosen.rank - before) / (chosen.count - before))
    return np.where(is_first & (chosen.end <= 0), chosen.end, inside)


def _previous(count: Floats, at: Ints, step: Ints) -> Floats:
    return np.where(at > 0, count[np.maximum(at - 1, 0), step], -np.inf)


def _greatest(there: Bools, bound: Floats) -> Floats:
    """The greatest finite bound of each step."""
    return np.asarray(np.where(there & np.isfinite(bound), bound, -np.inf).max(axis=0))
