"""Arithmetic, comparison and set operators between numbers and vectors.

Source: Prometheus' documentation of operators and ``promql/engine.go`` (VectorBinop, VectorscalarBinop, VectorAnd/Or/Unless).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from flowkit.metric.promql.labels import NAME, stacked
from flowkit.metric.promql.matching import Matching, matched, same_ends
from flowkit.metric.promql.samples import Rules
from flowkit.metric.promql.values import Bools, Floats, Scalar, Vector, united

ARITHMETIC: Mapping[str, Callable[[Any, Any], Any]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "%": np.fmod,
    "^": np.power,
    "atan2": np.arctan2,
}
COMPARISON: Mapping[str, Callable[[Any, Any], Any]] = {
    "==": np.equal,
    "!=": np.not_equal,
    ">": np.greater,
    "<": np.less,
    ">=": np.greater_equal,
    "<=": np.less_equal,
}
SETS = ("and", "or", "unless")


def _keeps_name(operator: str, rules: Rules) -> bool:
    """Whether a result keeps its left side's name: by comparisons, and, an oversight of Prometheus 2, by ``atan2``."""
    return operator in COMPARISON or (operator == "atan2" and rules.version == 2)


def applied(operator: str, left: Floats, right: Floats) -> tuple[Floats, Bools]:
    """The result of an operator, and where it holds (arithmetic holds everywhere; a comparison is worth its left side)."""
    with np.errstate(all="ignore"):
        if operator in ARITHMETIC:
            worth = np.asarray(ARITHMETIC[operator](left, right), dtype=np.float64)
            return worth, np.ones(worth.shape, dtype=bool)
        holds = np.asarray(COMPARISON[operator](left, right))
    return np.broadcast_to(left, holds.shape), holds


def scalars(operator: str, left: Scalar, right: Scalar) -> Scalar:
    """Two numbers; a comparison gives 1 or 0."""
    worth, holds = applied(operator, left.values, right.values)
    return Scalar(worth if operator in ARITHMETIC else holds.astype(np.float64))


def vector_and_scalar(
    operator: str, left: Scalar | Vector, right: Scalar | Vector, matching: Matching, rules: Rules
) -> Vector:
    """A vector with a number on either side; a comparison keeps the series where it holds, or gives 1 or 0."""
    vector = left if isinstance(left, Vector) else right
    if not isinstance(vector, Vector):
        raise TypeError("one side has to be a vector")
    sides = [each.values if isinstance(each, Vector) else each.values[None, :] for each in (left, right)]
    worth, holds = applied(operator, *sides)
    if matching.as_number:
        return Vector(vector.labels, holds.astype(np.float64), vector.present).nameless()
    if operator in ARITHMETIC:
        found = Vector(vector.labels, worth, vector.present)
        return found if _keeps_name(operator, rules) else found.nameless()
    return Vector(vector.labels, vector.values, vector.present & holds)


def vectors(operator: str, left: Vector, right: Vector, matching: Matching, rules: Rules) -> Vector:
    """Two vectors, series by series as `matching` says."""
    many, one = (right, left) if matching.many_is_right else (left, right)
    ends = matched(many, one, matching)
    many_values, one_values = many.values[ends.many], one.values[ends.one]
    sides = (one_values, many_values) if matching.many_is_right else (many_values, one_values)
    worth, holds = applied(operator, *sides)
    present = many.present[ends.many] & one.present[ends.one]
    labels = matching.labels(many.labels.take(ends.many), one.labels.take(ends.one))
    if matching.as_number or not _keeps_name(operator, rules):
        labels = labels.without([NAME])
    if matching.as_number:
        return united(labels, Vector(labels, holds.astype(np.float64), present))
    return united(labels, Vector(labels, np.where(present, worth, 0.0), present & holds))


def sets(operator: str, left: Vector, right: Vector, matching: Matching, _: Rules) -> Vector:
    """``and``, ``unless``: series of the left with, without a partner at that step; ``or``: and those of the right without."""
    mine, other = same_ends(left, right, matching)
    size = int(max(mine.max(initial=-1), other.max(initial=-1))) + 1
    if operator == "or":
        return _either(left, right, _there(mine, left.present, size)[other])
    there = _there(other, right.present, size)[mine]
    return Vector(left.labels, left.values, left.present & (there if operator == "and" else ~there))


def _there(signature: Any, present: Bools, size: int) -> Bools:
    found = np.zeros((size, present.shape[1]), dtype=bool)
    np.logical_or.at(found, signature, present)
    return found


def _either(left: Vector, right: Vector, taken: Bools) -> Vector:
    labels = stacked([left.labels, right.labels])
    both = Vector(
        labels, np.concatenate([left.values, right.values]), np.concatenate([left.present, right.present & ~taken])
    )
    return united(labels, both)
