"""Aggregations of small tables. Source: Prometheus' documentation of aggregation operators."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowkit.metric.promql.aggregate import Grouping, folded
from flowkit.metric.promql.samples import Rules
from flowkit.metric.promql.values import Vector
from tests.promql.asking import answer, table
from tests.promql.test_labels import labels

PORTS = table(x__a_1__b_1=[1], x__a_1__b_2=[3], x__a_2__b_1=[7], x__a_2__b_2=[math.nan])


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("sum by (a) (x)", {"a=1": 4, "a=2": math.nan}),
        ("sum without (b) (x{b='1'})", {"a=1": 1, "a=2": 7}),
        ("sum(x{a='1'})", {"": 4}),
        ("avg by (a) (x{b='1'})", {"a=1": 1, "a=2": 7}),
        ("min by (a) (x)", {"a=1": 1, "a=2": 7}),
        ("max by (a) (x)", {"a=1": 3, "a=2": 7}),
        ("count by (a) (x)", {"a=1": 2, "a=2": 2}),
        ("count by (nope) (x)", {"": 4}),
        ("group by (a) (x)", {"a=1": 1, "a=2": 1}),
        ("stdvar by (a) (x{a='1'})", {"a=1": 1}),
        ("stddev(x{b='1'})", {"": 3}),
        ("quantile by (a) (0.5, x{a='1'})", {"a=1": 2}),
        ("quantile(2, x{a='1'})", {"": math.inf}),
        ("topk(1, x)", {"__name__=x,a=2,b=1": 7}),
        ("bottomk by (a) (1, x)", {"__name__=x,a=1,b=1": 1, "__name__=x,a=2,b=1": 7}),
        ("topk(0, x)", {}),
        ("count_values('v', x)", {"v=1": 1, "v=3": 1, "v=7": 1, "v=NaN": 1}),
        ("count_values by (a) ('v', x > bool 2)", {"a=1,v=0": 1, "a=1,v=1": 1, "a=2,v=1": 1, "a=2,v=0": 1}),
        ("sum(nope)", {}),
    ],
)
def test_an_aggregation(query, found):
    ours = answer(query, PORTS, time=0)
    assert ours.keys() == found.keys()
    assert ours == pytest.approx(found, nan_ok=True)


def test_the_first_of_equal_values_are_taken_and_a_moment_is_sorted():
    equal = table(x__a_1=[5], x__a_2=[9], x__a_3=[5])
    assert list(answer("topk(2, x)", equal, time=0)) == ["__name__=x,a=2", "__name__=x,a=1"]


def vector(values, present=None):
    values = np.asarray(values, dtype=float)
    there = np.ones(values.shape, dtype=bool) if present is None else np.asarray(present)
    return Vector(labels(g=["ab"[at % 2] for at in range(len(values))]), values, there)


@given(st.integers(0, 10**6), st.integers(1, 1500), st.integers(1, 3), st.booleans())
def test_sums_are_within_a_rounding_of_exact_ones(seed, size, steps, both_signs):
    dice = np.random.default_rng(seed)
    values = dice.random((size, steps)) * 10.0 ** dice.integers(-3, 12, (size, 1))
    if both_signs:
        values *= dice.choice([-1, 1], values.shape)
    present = dice.random(values.shape) > 0.2
    found = folded("sum", vector(values, present), Grouping(("g",)), Rules(3))
    for group, name in enumerate(found.labels.column("g").values):
        rows = slice("ab".index(name), None, 2)
        for step in range(steps):
            exact = math.fsum(values[rows, step][present[rows, step]])
            assert found.values[group, step] == pytest.approx(exact, rel=1e-13, abs=1e-300)
            assert found.present[group, step] == present[rows, step].any()


def test_presence_said_once_of_all_series_counts_for_each():
    said_once = vector(np.ones((5, 3)), np.broadcast_to(np.array([True, False, True]), (5, 3)))
    found = folded("count", said_once, Grouping(("g",)), Rules(3))
    assert np.where(found.present, found.values, -1).tolist() == [[3, -1, 3], [2, -1, 2]]
