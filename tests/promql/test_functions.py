"""Functions of vectors and numbers, by hand. Source: Prometheus' documentation of query functions."""

import math

import pytest

from flowkit.errors import QueryError
from tests.promql.asking import answer, table

X = table(x__a_w1=[2.5], x__a_w2=[-1])
NOON = 1_709_208_000  # 2024-02-29 12:00 UTC, a Thursday


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("abs(x)", {"a=w1": 2.5, "a=w2": 1}),
        ("ceil(x)", {"a=w1": 3, "a=w2": -1}),
        ("floor(x)", {"a=w1": 2, "a=w2": -1}),
        ("sgn(x)", {"a=w1": 1, "a=w2": -1}),
        ("sqrt(x)", {"a=w1": math.sqrt(2.5), "a=w2": math.nan}),
        ("ln(x)", {"a=w1": math.log(2.5), "a=w2": math.nan}),
        ("round(x)", {"a=w1": 3, "a=w2": -1}),
        ("round(x, 2)", {"a=w1": 2, "a=w2": 0}),
        ("clamp(x, 0, 2)", {"a=w1": 2, "a=w2": 0}),
        ("clamp(x, 2, 0)", {}),
        ("clamp_min(x, 0)", {"a=w1": 2.5, "a=w2": 0}),
        ("clamp_max(x, 0)", {"a=w1": 0, "a=w2": -1}),
        ("deg(vector(pi()))", {"": 180}),
        ("rad(vector(180))", {"": math.pi}),
        ("scalar(x)", {"": math.nan}),
        ("scalar(x{a='w1'}) * 2", {"": 5}),
        ("vector(3)", {"": 3}),
        ("absent(x)", {}),
        ("absent(x{a='w9', b=~'.+'})", {"a=w9": 1}),
        ("absent_over_time(x{a='w9'}[1m])", {"a=w9": 1}),
        ("timestamp(x)", {"a=w1": 0, "a=w2": 0}),
        ("label_replace(x, 'n', '$1', 'a', 'w(.)')", {"__name__=x,a=w1,n=1": 2.5, "__name__=x,a=w2,n=2": -1}),
        ("label_replace(x, 'n', 'z', 'a', 'w')", {"__name__=x,a=w1": 2.5, "__name__=x,a=w2": -1}),
        ("label_join(x, 'n', '-', 'a', '__name__')", {"__name__=x,a=w1,n=w1-x": 2.5, "__name__=x,a=w2,n=w2-x": -1}),
        (f"hour(vector({NOON}))", {"": 12}),
        (f"minute(vector({NOON}))", {"": 0}),
        (f"day_of_week(vector({NOON}))", {"": 4}),
        (f"day_of_month(vector({NOON}))", {"": 29}),
        (f"day_of_year(vector({NOON}))", {"": 60}),
        (f"days_in_month(vector({NOON}))", {"": 29}),
        (f"month(vector({NOON}))", {"": 2}),
        (f"year(vector({NOON}))", {"": 2024}),
        ("year()", {"": 1970}),
        ("time() + 1", {"": 1}),
    ],
)
def test_a_function(query, found):
    ours = answer(query, X, time=0)
    assert ours.keys() == found.keys()
    assert ours == pytest.approx(found, nan_ok=True)


def test_sorting_orders_a_moment_and_not_a_range():
    assert list(answer("sort(x)", X, time=0)) == ["__name__=x,a=w2", "__name__=x,a=w1"]
    assert list(answer("sort_desc(x)", X, time=0)) == ["__name__=x,a=w1", "__name__=x,a=w2"]
    assert list(answer("sort(x)", X, start=0, end=10, step="10s")) == ["__name__=x,a=w1", "__name__=x,a=w2"]


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("label_replace(x, 'a', 'same', 'a', '.*')", "two series have the labels"),
        ("label_replace(x, '1a', '', 'a', '')", "'1a' is no label name"),
        ("label_join(x, 'ok', '-', 'a-b')", "'a-b' is no label name"),
    ],
)
def test_what_a_function_refuses_is_said_with_its_place(query, said):
    with pytest.raises(QueryError, match=said) as caught:
        answer(query, X, time=0)
    assert caught.value.position == 0
