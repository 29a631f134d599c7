"""Functions from instant vectors and numbers: arithmetic, the calendar, clamping, labels, order, presence.

Source: Prometheus' documentation of functions and ``promql/functions.go``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from flowkit.errors import QueryError
from flowkit.manifests.re2 import complaint, replaced
from flowkit.metric.promql.aggregate import check_label
from flowkit.metric.promql.histograms import histogram_quantile
from flowkit.metric.promql.labels import Column, Labels
from flowkit.metric.promql.values import Floats, Scalar, Text, Value, Vector, united


def _degrees(values: Floats) -> Floats:
    return values * 180 / np.pi


def _radians(values: Floats) -> Floats:
    return values * np.pi / 180


MATHS: Mapping[str, Callable[[Any], Any]] = {
    "abs": np.abs, "ceil": np.ceil, "floor": np.floor, "exp": np.exp, "sqrt": np.sqrt, "sgn": np.sign,
    "ln": np.log, "log2": np.log2, "log10": np.log10,
    "sin": np.sin, "cos": np.cos, "tan": np.tan, "asin": np.arcsin, "acos": np.arccos, "atan": np.arctan,
    "sinh": np.sinh, "cosh": np.cosh, "tanh": np.tanh, "asinh": np.arcsinh, "acosh": np.arccosh, "atanh": np.arctanh,
    "deg": _degrees, "rad": _radians,
}  # fmt: skip


def _calendar(part: str) -> Callable[[Floats], Floats]:
    return lambda seconds: _of_calendar(part, seconds)


def _of_calendar(part: str, seconds: Floats) -> Floats:
    whole = np.trunc(np.nan_to_num(seconds)).astype("int64")
    index = pd.DatetimeIndex((whole.ravel()).astype("datetime64[s]"))
    return np.asarray(_PARTS[part](index), dtype=np.float64).reshape(seconds.shape)


_PARTS: Mapping[str, Callable[[pd.DatetimeIndex], Any]] = {
    "minute": lambda index: index.minute,
    "hour": lambda index: index.hour,
    "day_of_week": lambda index: (index.day_of_week + 1) % 7,
    "day_of_month": lambda index: index.day,
    "day_of_year": lambda index: index.day_of_year,
    "days_in_month": lambda index: index.days_in_month,
    "month": lambda index: index.month,
    "year": lambda index: index.year,
}
CALENDAR = {part: _calendar(part) for part in _PARTS}


def _mapped(function: Callable[[Any], Any], vector: Vector) -> Vector:
    with np.errstate(all="ignore"):
        return vector.worth(function(vector.values)).nameless()


def _of_values(function: Callable[[Any], Any]) -> Callable[[Sequence[Value]], Value]:
    return lambda arguments: _mapped(function, _vector(arguments[0]))


def _clamp(arguments: Sequence[Value]) -> Vector:
    vector, low, high = _vector(arguments[0]), _numbers(arguments[1]), _numbers(arguments[2])
    found = np.maximum(low, np.minimum(high, vector.values))
    there = ~np.broadcast_to(low > high, found.shape)
    return Vector(vector.labels, found, vector.present & there).nameless()


def _round(arguments: Sequence[Value]) -> Vector:
    nearest = _numbers(arguments[1]) if len(arguments) > 1 else np.ones(1)
    inverse = 1 / nearest
    return _mapped(lambda values: np.floor(values * inverse + 0.5) / inverse, _vector(arguments[0]))


def _sorted(sign: int) -> Callable[[Sequence[Value]], Vector]:
    def of(arguments: Sequence[Value]) -> Vector:
        vector = _vector(arguments[0])
        if vector.values.shape[1] > 1:
            return vector
        key = np.where(np.isnan(vector.values[:, 0]), np.inf, sign * vector.values[:, 0])
        taken = vector.take(np.argsort(key, kind="stable").astype(np.int64))
        return Vector(taken.labels, taken.values, taken.present, is_sorted=True)

    return of


def _as_scalar(arguments: Sequence[Value]) -> Scalar:
    vector = _vector(arguments[0])
    alone = vector.present.sum(axis=0) == 1
    return Scalar(np.where(alone, np.where(vector.present, vector.values, 0.0).sum(axis=0), np.nan))


def _as_vector(arguments: Sequence[Value]) -> Vector:
    values = _numbers(arguments[0])[None, :]
    return Vector(Labels.none(), values, np.ones(values.shape, dtype=bool))


def _label_replace(arguments: Sequence[Value]) -> Vector:
    vector = _vector(arguments[0])
    target, template, source, pattern = (_text(argument) for argument in arguments[1:])
    check_label(target)
    if wrong := complaint(pattern):
        raise QueryError(f'"{pattern[:50]}" is no regular expression of RE2: {wrong}')
    column, old = vector.labels.column(source), vector.labels.column(target).values
    new = replaced(pattern, template, column.texts.tolist())
    hit = np.array([text is not None for text in new], dtype=bool)[column.codes]
    text = np.array(["" if found is None else found for found in new], dtype=object)[column.codes]
    return united(vector.labels.having(target, Column.of(np.where(hit, text, old))), vector)


def _label_join(arguments: Sequence[Value]) -> Vector:
    vector = _vector(arguments[0])
    target, separator, *sources = (_text(argument) for argument in arguments[1:])
    for name in (target, *sources):
        check_label(name)
    columns = [vector.labels.column(name).values for name in sources]
    joined = [separator.join(texts) for texts in zip(*columns, strict=True)] if columns else [""] * vector.labels.size
    return united(vector.labels.having(target, Column.of(joined)), vector)


def _quantile(arguments: Sequence[Value]) -> Vector:
    return histogram_quantile(_numbers(arguments[0]), _vector(arguments[1]))


def _clamp_min(arguments: Sequence[Value]) -> Vector:
    return _mapped(lambda values: np.maximum(_numbers(arguments[1]), values), _vector(arguments[0]))


def _clamp_max(arguments: Sequence[Value]) -> Vector:
    return _mapped(lambda values: np.minimum(_numbers(arguments[1]), values), _vector(arguments[0]))


FUNCTIONS: Mapping[str, Callable[[Sequence[Value]], Value]] = {
    **{name: _of_values(function) for name, function in {**MATHS, **CALENDAR}.items()},
    "clamp": _clamp,
    "clamp_min": _clamp_min,
    "clamp_max": _clamp_max,
    "round": _round,
    "sort": _sorted(1),
    "sort_desc": _sorted(-1),
    "scalar": _as_scalar,
    "vector": _as_vector,
    "label_replace": _label_replace,
    "label_join": _label_join,
    "histogram_quantile": _quantile,
}


def _vector(value: Value) -> Vector:
    if not isinstance(value, Vector):
        raise QueryError("an instant vector is expected here")
    return value


def _numbers(value: Value) -> Floats:
    if not isinstance(value, Scalar):
        raise QueryError("a number is expected here")
    return value.values


def _text(value: Value) -> str:
    if not isinstance(value, Text):
        raise QueryError("a text in quotes is expected here")
    return value.text
