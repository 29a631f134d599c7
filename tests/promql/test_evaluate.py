"""Moments, offsets, ``@`` and subqueries, by hand. Source: Prometheus' documentation of querying basics."""

import pytest

from tests.promql.asking import answer, table

X = table(x=[0, 10, 20, 30, 40, 50, 60])
RANGE = {"start": 20, "end": 40, "step": "10s"}


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("x", {"__name__=x": [20, 30, 40]}),
        ("x offset 10s", {"__name__=x": [10, 20, 30]}),
        ("x offset -10s", {"__name__=x": [30, 40, 50]}),
        ("x @ 10", {"__name__=x": [10, 10, 10]}),
        ("x @ start()", {"__name__=x": [20, 20, 20]}),
        ("x @ end() offset 10s", {"__name__=x": [30, 30, 30]}),
        ("max_over_time(x[20s] @ 60)", {"": [60, 60, 60]}),
        ("time()", {"": [20, 30, 40]}),
        ("max_over_time(x[30s:10s])", {"": [20, 30, 40]}),
        ("min_over_time(x[30s:10s])", {"": [0, 10, 20]}),
        ("count_over_time((x > 25)[30s:10s])", {"": [1, 2]}),
        ("sum_over_time(vector(time())[20s:10s])", {"": [30, 50, 70]}),
        ("max_over_time(x[20s:10s] offset 10s)", {"": [10, 20, 30]}),
        # start() and end() are the whole query's also inside.
        ("max_over_time((x @ end())[20s:10s])", {"": [40, 40, 40]}),
        ("sum(x) by (a) / 10", {"": [2, 3, 4]}),
        ("((x))", {"__name__=x": [20, 30, 40]}),
        ("+x", {"__name__=x": [20, 30, 40]}),
    ],
)
def test_a_range_query(query, found):
    assert answer(query, X, **RANGE) == found


def test_a_subquery_without_a_step_goes_by_the_minute():
    assert answer("count_over_time(x[5m:])", X, time=60) == {"": 2}
