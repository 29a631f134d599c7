"""Aggregations over series: sums, extremes, quantiles, the k greatest, how often each value.

Source: Prometheus' documentation of aggregation operators and ``promql/engine.go``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from flowkit.errors import QueryError
from flowkit.metric.promql.labels import NAME, Column, Ints, Labels
from flowkit.metric.promql.samples import Rules
from flowkit.metric.promql.values import Bools, Floats, Vector, empty, in_blocks
from flowkit.metric.promql.windows import between


@dataclass(frozen=True)
class Grouping:
    """The labels that groups keep: `names` alone, or (``without``) all but them and the metric's name."""

    names: tuple[str, ...] = ()
    is_without: bool = False

    def of(self, labels: Labels) -> Labels:
        """The labels that a group has."""
        return labels.without([*self.names, NAME]) if self.is_without else labels.only(self.names)


@dataclass(frozen=True)
class Groups:
    """Series by group: `order` puts those of one group beside each other, `group` is their number in that order."""

    vector: Vector
    order: Ints
    group: Ints

    @classmethod
    def of(cls, vector: Vector, group: Ints) -> Groups:
        """Order the series of a vector by the number of their group; inside a group they keep their order."""
        order = np.argsort(group, kind="stable")
        return cls(vector, order, group[order])

    @cached_property
    def starts(self) -> Ints:
        """The first of each group, in that order."""
        return np.flatnonzero(np.diff(self.group, prepend=-1))

    @cached_property
    def values(self) -> Floats:
        """The values in that order."""
        return self.vector.values[self.order]

    @cached_property
    def present(self) -> Bools:
        """Where they are there."""
        return self.vector.present[self.order]

    def fold(self, ufunc: np.ufunc, values: Any) -> Any:
        """`ufunc` over the series of each group, step by step."""
        return ufunc.reduceat(values, self.starts, axis=0)

    @cached_property
    def count(self) -> Ints:
        """How many series of each group are there, step by step."""
        present = self.vector.present
        if not present.strides[0]:  # one row, said of all series
            return np.diff(np.append(self.starts, len(self.group)))[:, None] * present[:1].astype(np.int64)
        return np.asarray(self._added(lambda rows: present[rows].astype(np.int64), np.int64))

    @cached_property
    def total(self) -> Floats:
        """The sum of each group, step by step; of many series block by block."""
        return np.asarray(self._added(self._there, np.float64))

    def _there(self, rows: Ints) -> Floats:
        return np.where(self.vector.present[rows], self.vector.values[rows], 0.0)

    def _added(self, of: Callable[[Ints], Any], dtype: Any) -> Any:
        """The sums over each group of what `of` makes of some series."""
        found = np.zeros((len(self.starts), self.vector.values.shape[1]), dtype=dtype)
        for block in in_blocks(self.vector.values.shape):
            group = self.group[block]
            starts = np.flatnonzero(np.diff(group, prepend=-1))
            found[group[starts]] += np.add.reduceat(of(self.order[block]), starts, axis=0)
        return found

    @cached_property
    def loses_nothing(self) -> bool:
        """Whether plain sums are as good as compensated ones: numbers of one sign, added in blocks, lose less than 1e-13."""
        values = self.vector.values
        low = high = 0.0
        for rows in in_blocks(values.shape):
            low, high = min(low, float(values[rows].min())), max(high, float(values[rows].max()))
        return bool(np.isfinite(self.total).all()) and (low >= 0 or high <= 0)


def _sum(groups: Groups, rules: Rules) -> Floats:
    if rules.version == 2 or groups.loses_nothing:
        return groups.total
    return _compensated(groups, np.where(groups.present, groups.values, 0.0))


def _compensated(groups: Groups, values: Floats) -> Floats:
    """Neumaier's sum, series after series: Prometheus 3 loses no small addend beside a large one."""
    place = np.arange(len(values)) - groups.starts[groups.group]
    total = np.zeros((len(groups.starts), values.shape[1]))
    small = np.zeros_like(total)
    order = np.argsort(place, kind="stable")
    for rows in np.split(order, np.flatnonzero(np.diff(place[order])) + 1):
        at, added = groups.group[rows], values[rows]
        before = total[at]
        after = before + added
        with np.errstate(all="ignore"):
            lost = np.where(np.abs(before) >= np.abs(added), (before - after) + added, (added - after) + before)
        total[at] = after
        small[at] += np.where(np.isfinite(after), lost, 0.0)
    return total + small


def _avg(groups: Groups, rules: Rules) -> Floats:
    with np.errstate(all="ignore"):
        return np.asarray(_sum(groups, rules) / groups.count)


def _extreme(ufunc: np.ufunc) -> Callable[[Groups, Rules], Floats]:
    return lambda groups, _: np.asarray(groups.fold(ufunc, np.where(groups.present, groups.values, np.nan)))


def _variance(groups: Groups, rules: Rules) -> Floats:
    with np.errstate(all="ignore"):
        mean = _avg(groups, rules)
        sizes = np.diff(np.append(groups.starts, len(groups.group)))
        off = np.where(groups.present, groups.values - np.repeat(mean, sizes, axis=0), 0.0)
        return np.asarray(groups.fold(np.add, off**2) / groups.count)


_FOLDS: Mapping[str, Callable[[Groups, Rules], Floats]] = {
    "sum": _sum,
    "avg": _avg,
    "min": _extreme(np.fmin),
    "max": _extreme(np.fmax),
    "count": lambda groups, _: groups.count.astype(np.float64),
    "group": lambda groups, _: np.ones((len(groups.starts), groups.vector.values.shape[1])),
    "stdvar": _variance,
    "stddev": lambda groups, rules: np.sqrt(_variance(groups, rules)),
}
PLAIN = tuple(_FOLDS)


def folded(operator: str, vector: Vector, grouping: Grouping, rules: Rules) -> Vector:
    """One series a group: sum, avg, min, max, count, group, stddev, stdvar."""
    if not vector.labels.size:
        return empty(vector.values.shape[1])
    labels = grouping.of(vector.labels)
    group, first = labels.groups()
    groups = Groups.of(vector, group)
    return Vector(labels.take(first), _FOLDS[operator](groups, rules), groups.count > 0)


def quantile(share: Floats, vector: Vector, grouping: Grouping) -> Vector:
    """The quantile `share` (one a step) over the series of each group."""
    if not vector.labels.size:
        return empty(vector.values.shape[1])
    labels = grouping.of(vector.labels)
    group, first = labels.groups()
    count = Groups.of(vector, group).count
    found = np.full(count.shape, np.nan)
    key = np.where(np.isnan(vector.values), -np.inf, vector.values)
    for step in np.flatnonzero(count.any(axis=0)):
        rows = np.flatnonzero(vector.present[:, step])
        order = rows[np.lexsort((key[rows, step], group[rows]))]
        sizes = count[:, step]
        there = sizes > 0
        starts = (np.cumsum(sizes) - sizes)[there]
        found[there, step] = between(
            vector.values[order, step], starts, sizes[there], np.full(there.sum(), share[step])
        )
    return Vector(labels.take(first), found, count > 0)


def extremes(sign: int, limits: Floats, vector: Vector, grouping: Grouping) -> Vector:
    """The series with the greatest (`sign` 1) or least (-1) values of each group, `limits` of them at each step.

    Of equal values the first in the order of the series is taken; NaN comes last. At a single step they come sorted.
    """
    if not vector.labels.size:
        return vector
    group = grouping.of(vector.labels).groups()[0]
    key = np.where(np.isnan(vector.values), np.inf, -sign * vector.values)
    steps = vector.values.shape[1]
    kept = np.zeros((len(group), steps), dtype=bool)
    order: Ints = np.arange(len(group), dtype=np.int64)
    for step in range(steps):
        rows = np.flatnonzero(vector.present[:, step])
        order = rows[np.lexsort((rows, np.isnan(vector.values[rows, step]), key[rows, step], group[rows]))]
        place = np.arange(len(order)) - np.searchsorted(group[order], group[order], "left")
        order = order[place < limits[step]]
        kept[order, step] = True
    chosen = Vector(vector.labels, vector.values, kept)
    if steps > 1:
        return chosen
    sorted_ = chosen.take(order)
    return Vector(sorted_.labels, sorted_.values, sorted_.present, is_sorted=True)


def values_counted(label: str, vector: Vector, grouping: Grouping) -> Vector:
    """How many series of each group have each value, which becomes the label `label`."""
    rows, steps = np.nonzero(vector.present)
    codes, distinct = pd.factorize(vector.values[rows, steps], use_na_sentinel=False)
    labels = grouping.of(vector.labels).without([label]).take(rows.astype(np.int64))
    labels = labels.having(
        label, Column(codes.astype(np.int64), np.array([number(value) for value in distinct], dtype=object))
    )
    group, first = labels.groups()
    found = np.zeros((len(first), vector.values.shape[1]))
    np.add.at(found, (group, steps), 1.0)
    return Vector(labels.take(first), found, found > 0)


def number(value: float) -> str:
    """A number as Go's ``strconv.FormatFloat(v, 'f', -1, 64)`` writes it.

    >>> number(3.0), number(1e21), number(float("inf")), number(0.1)
    ('3', '1000000000000000000000', '+Inf', '0.1')
    """
    if np.isnan(value):
        return "NaN"
    if np.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return np.format_float_positional(value, trim="-")


def check_label(name: str) -> None:
    """Refuse what is no label name."""
    if (
        not name
        or not (name[0].isalpha() or name[0] == "_")
        or not name.replace("_", "a").isalnum()
        or not name.isascii()
    ):
        raise QueryError(f"'{name}' is no label name: letters, digits and _, not beginning with a digit")
