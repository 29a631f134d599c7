"""Vectors: absent is not NaN, names go, series that become one may not both be there."""

import numpy as np
import pytest

from flowkit.errors import QueryError
from flowkit.metric.promql.labels import Labels
from flowkit.metric.promql.values import Vector, empty, in_blocks, united
from tests.promql.test_labels import labels, texts

TWO = Vector(labels(__name__=["m", "n"], a=["x", "x"]), np.array([[1.0, 0.0], [0.0, 2.0]]), np.eye(2, dtype=bool))


def test_series_that_differ_by_name_alone_become_one():
    found = TWO.nameless()
    assert (texts(found.labels), found.values.tolist(), found.present.tolist()) == (
        {"a": ["x"]}, [[1.0, 2.0]], [[True, True]],
    )  # fmt: skip


def test_series_that_become_one_may_not_be_there_together():
    both = Vector(TWO.labels, TWO.values, np.ones((2, 2), dtype=bool))
    with pytest.raises(QueryError, match='two series have the labels {a="x"} at the same time'):
        both.nameless()


def test_other_labels_that_stay_distinct_change_no_value():
    assert united(labels(b=["1", "2"]), TWO).values is TWO.values


def test_there_leaves_out_what_is_nowhere():
    partly = Vector(TWO.labels, TWO.values, np.array([[False, False], [False, True]]))
    assert texts(partly.there().labels) == {"__name__": ["n"], "a": ["x"]}
    assert TWO.there() is TWO
    assert empty(3).there().values.shape == (0, 3)


def test_a_value_that_is_not_there_counts_for_nothing():
    odd = Vector(Labels.none(2), np.array([[np.nan], [5.0]]), np.array([[False], [True]]))
    assert united(Labels.none(2), odd).values.tolist() == [[5.0]]


@pytest.mark.parametrize("shape", [(0, 5), (1, 1), (1300, 3), (7, 1 << 18), (600, 0)])
def test_blocks_are_all_rows_once(shape):
    assert [row for rows in in_blocks(shape) for row in range(rows.start, rows.stop)] == list(range(shape[0]))
