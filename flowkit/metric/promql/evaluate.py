"""Evaluate a PromQL tree over samples, all steps of a range at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import promql_parser as pp

from flowkit.errors import QueryError
from flowkit.metric.promql import operators
from flowkit.metric.promql.aggregate import PLAIN, Grouping, check_label, extremes, folded, quantile, values_counted
from flowkit.metric.promql.functions import CALENDAR, FUNCTIONS
from flowkit.metric.promql.labels import Column, Ints, Labels
from flowkit.metric.promql.matching import Matching
from flowkit.metric.promql.over_time import RANGE_FUNCTIONS, Range
from flowkit.metric.promql.query import matchers, matching, unsupported
from flowkit.metric.promql.samples import Rules, Samples
from flowkit.metric.promql.select import selected
from flowkit.metric.promql.values import Floats, Scalar, Text, Value, Vector
from flowkit.metric.promql.windows import Windows

_MINUTE = 60_000
_NAMED = ("last_over_time", "first_over_time")  # what keeps the metric's name


@dataclass(frozen=True)
class Evaluation:
    """The samples asked, the moments asked for (ms), the rules, and the query's text for messages.

    `places` says of the tree's parts where they stand. `borders` are the start and end of the whole query, which
    ``@ start()`` and ``@ end()`` mean also in a subquery.
    """

    samples: Samples
    moments: Ints
    rules: Rules
    query: str
    borders: tuple[int, int]
    places: Mapping[int, int]

    def place(self, node: Any) -> int | None:
        """Where a part of the tree stands in the query."""
        return self.places.get(id(node))

    @contextmanager
    def at(self, node: Any) -> Iterator[None]:
        """Give what is refused within the place of this node, where it has none of its own."""
        try:
            yield
        except QueryError as error:
            if error.position is not None:
                raise
            raise QueryError(str(error), query=self.query, position=self.place(node)) from None

    def series(self, selector: Any) -> Samples:
        """The samples a selector asks for."""
        return selected(self.samples, matchers(selector), self.rules)

    def value(self, node: Any) -> Value:
        """What an expression is worth at every moment; raises `QueryError` for what is not supported."""
        evaluate = _NODES.get(type(node).__name__)
        if evaluate is None:
            raise unsupported(self.query, type(node).__name__, self.place(node))
        return evaluate(self, node)

    def vector(self, node: Any) -> Vector:
        """The same for an expression that has to be an instant vector."""
        found = self.value(node)
        if not isinstance(found, Vector):
            raise QueryError("an instant vector is expected", query=self.query, position=self.place(node))
        return found

    def numbers(self, node: Any) -> Floats:
        """The same for an expression that has to be a number."""
        found = self.value(node)
        if not isinstance(found, Scalar):
            raise QueryError("a number is expected", query=self.query, position=self.place(node))
        return found.values

    def asked(self, node: Any) -> Ints:
        """The moments that a selector or subquery looks at, after ``@`` and ``offset``."""
        at = node.at
        moments = self.moments
        if at is not None:
            kind = str(at.type).rpartition(".")[2]
            fixed = {"Start": self.borders[0], "End": self.borders[1]}.get(kind)
            if fixed is None:
                fixed = round(at.at.timestamp() * 1000)
            moments = np.full_like(moments, fixed)
        return moments - (round(node.offset.total_seconds() * 1000) if node.offset else 0)

    def constant(self, number: float) -> Scalar:
        """The same number at every moment."""
        return Scalar(np.full(len(self.moments), number, dtype=np.float64))


def _selector(self: Evaluation, node: Any) -> Value:
    return self.series(node).instant(self.asked(node), self.rules)[0]


def _windows(self: Evaluation, node: Any) -> Windows:
    while isinstance(node, pp.ParenExpr):
        node = node.expr
    if isinstance(node, pp.MatrixSelector):
        selector = node.vector_selector
        width = round(node.range.total_seconds() * 1000)
        return Windows(self.series(selector), self.asked(selector), width, self.rules)
    if isinstance(node, pp.SubqueryExpr):
        return _subquery(self, node)
    raise QueryError("a range, such as x[5m], is expected", query=self.query, position=self.place(node))


def _subquery(self: Evaluation, node: Any) -> Windows:
    """The inner expression at all multiples of its step that some window sees."""
    width, ends = round(node.range.total_seconds() * 1000), self.asked(node)
    step = round(node.step.total_seconds() * 1000) if node.step else _MINUTE
    begin = int(ends.min()) - width
    first = -(-begin // step) * step
    if self.rules.version > 2 and first == begin:
        first += step
    moments = np.arange(first, int(ends.max()) + 1, step, dtype=np.int64)
    inner = replace(self, moments=moments).value(node.expr)
    if isinstance(inner, Scalar):
        inner = Vector(Labels.none(), inner.values[None, :], np.ones((1, len(moments)), dtype=bool))
    if not isinstance(inner, Vector):
        raise QueryError("a subquery asks a vector or a number", query=self.query, position=self.place(node.expr))
    return Windows(Samples.of_vector(inner, moments), ends, width, self.rules)


def _call(self: Evaluation, node: Any) -> Value:
    name, arguments = node.func.name, list(node.args)
    if name in RANGE_FUNCTIONS:
        return _over_range(self, name, arguments)
    if name in _OF_TIME:
        return _OF_TIME[name](self, arguments)
    if name in CALENDAR and not arguments:
        return Vector(
            Labels.none(), CALENDAR[name](self.moments / 1000)[None, :], np.ones((1, len(self.moments)), dtype=bool)
        )
    if name not in FUNCTIONS:
        raise unsupported(self.query, name, self.place(node))
    with self.at(node):
        return FUNCTIONS[name]([self.value(argument) for argument in arguments])


def _over_range(self: Evaluation, name: str, arguments: list[Any]) -> Vector:
    scalar = self.constant(np.nan).values
    ranged = arguments[0]
    if name == "quantile_over_time":
        scalar, ranged = self.numbers(arguments[0]), arguments[1]
    elif len(arguments) > 1:
        scalar = self.numbers(arguments[1])
    windows = _windows(self, ranged)
    found = RANGE_FUNCTIONS[name](Range(windows, scalar, self.moments))
    there = found.there()
    return there if name in _NAMED else there.nameless()


def _time(self: Evaluation, _: list[Any]) -> Value:
    return Scalar(self.moments / 1000)


def _pi(self: Evaluation, _: list[Any]) -> Value:
    return self.constant(np.pi)


def _timestamp(self: Evaluation, arguments: list[Any]) -> Value:
    """When the samples were, for a bare selector; else the moment itself."""
    node = arguments[0]
    while isinstance(node, pp.ParenExpr):
        node = node.expr
    if isinstance(node, pp.VectorSelector):
        vector, when = self.series(node).instant(self.asked(node), self.rules)
        return vector.worth(when / 1000).nameless()
    vector = self.vector(node)
    return vector.worth(np.broadcast_to(self.moments / 1000, vector.values.shape)).nameless()


def _absent(self: Evaluation, arguments: list[Any]) -> Value:
    return _missing(self, self.vector(arguments[0]).present.any(axis=0), arguments[0])


def _absent_over_time(self: Evaluation, arguments: list[Any]) -> Value:
    return _missing(self, (_windows(self, arguments[0]).size > 0).any(axis=0), arguments[0])


def _missing(self: Evaluation, there: Any, node: Any) -> Vector:
    """1 where nothing is; its labels are what the selector asks to be equal."""
    labels = Labels.none()
    selector = node.vector_selector if isinstance(node, pp.MatrixSelector) else node
    if isinstance(selector, pp.VectorSelector):
        asked = [each for each in matchers(selector)[0] if each[0] != "__name__"]
        names = [name for name, _, _ in asked]
        for name, operator, text in asked:
            if operator == "=" and names.count(name) == 1 and text:
                labels = labels.having(name, Column.constant(text, 1))
    return Vector(labels, np.ones((1, len(self.moments))), ~there[None, :])


_OF_TIME: Mapping[str, Callable[[Evaluation, list[Any]], Value]] = {
    "time": _time,
    "pi": _pi,
    "timestamp": _timestamp,
    "absent": _absent,
    "absent_over_time": _absent_over_time,
}


def _aggregate(self: Evaluation, node: Any) -> Value:
    operator, modifier = str(node.op), node.modifier
    names = tuple(modifier.labels) if modifier else ()
    grouping = Grouping(names, modifier is not None and str(modifier.type).endswith("Without"))
    vector = self.vector(node.expr).there()
    if operator in PLAIN:
        return folded(operator, vector, grouping, self.rules)
    if operator in ("topk", "bottomk"):
        return extremes(1 if operator == "topk" else -1, self.numbers(node.param), vector, grouping)
    if operator == "quantile":
        return quantile(self.numbers(node.param), vector, grouping)
    if operator == "count_values":
        label = str(node.param.val)
        with self.at(node.param):
            check_label(label)
        return values_counted(label, vector, grouping)
    raise unsupported(self.query, operator, self.place(node))


def _binary(self: Evaluation, node: Any) -> Value:
    operator, modifier = str(node.op), node.modifier
    fill = getattr(modifier, "fill_values", None)
    if fill is not None and (fill.lhs is not None or fill.rhs is not None):
        raise unsupported(self.query, "fill", self.place(node))
    how, left, right = matching(modifier), self.value(node.lhs), self.value(node.rhs)
    with self.at(node):
        return _combined(operator, left, right, how, self.rules)


def _combined(operator: str, left: Value, right: Value, how: Matching, rules: Rules) -> Value:
    if isinstance(left, Scalar) and isinstance(right, Scalar):
        return operators.scalars(operator, left, right)
    if isinstance(left, Text) or isinstance(right, Text):
        raise QueryError("a text cannot be reckoned with")
    if isinstance(left, Vector) and isinstance(right, Vector):
        apply = operators.sets if operator in operators.SETS else operators.vectors
        return apply(operator, left, right, how, rules)
    return operators.vector_and_scalar(operator, left, right, how, rules)


def _negative(self: Evaluation, node: Any) -> Value:
    found = self.value(node.expr)
    if isinstance(found, Scalar):
        return Scalar(-found.values)
    if not isinstance(found, Vector):
        raise QueryError("a text has no opposite", query=self.query, position=self.place(node))
    return found.worth(-found.values).nameless()


_NODES: Mapping[str, Callable[[Evaluation, Any], Value]] = {
    "NumberLiteral": lambda self, node: self.constant(float(node.val)),
    "StringLiteral": lambda _, node: Text(node.val),
    "ParenExpr": lambda self, node: self.value(node.expr),
    "VectorSelector": _selector,
    "Call": _call,
    "AggregateExpr": _aggregate,
    "BinaryExpr": _binary,
    "UnaryExpr": _negative,
}
