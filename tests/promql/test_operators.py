"""Arithmetic, comparison and sets. Sources: Prometheus' documentation of operators; IEEE 754."""

import math

import pytest

from tests.promql.asking import answer, table

XY = table(x__a_1=[7], x__a_2=[-7], y__a_1=[2], y__a_3=[4])


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("x + y", {"a=1": 9}),
        ("x - 1", {"a=1": 6, "a=2": -8}),
        ("1 - x", {"a=1": -6, "a=2": 8}),
        ("x % 4", {"a=1": 3, "a=2": -3}),
        ("x / 0", {"a=1": math.inf, "a=2": -math.inf}),
        ("x ^ 2", {"a=1": 49, "a=2": 49}),
        ("2 ^ 3 ^ 2", {"": 512}),
        ("-2 ^ 2", {"": -4}),
        ("y atan2 y", {"a=1": math.pi / 4, "a=3": math.pi / 4}),
        ("x > y", {"__name__=x,a=1": 7}),
        ("x < y", {}),
        ("x > bool y", {"a=1": 1}),
        ("x >= 7", {"__name__=x,a=1": 7}),
        ("7 <= x", {"__name__=x,a=1": 7}),
        ("x == bool 7", {"a=1": 1, "a=2": 0}),
        ("1 > bool 2", {"": 0}),
        ("-x", {"a=1": -7, "a=2": 7}),
        ("x and y", {"__name__=x,a=1": 7}),
        ("x unless y", {"__name__=x,a=2": -7}),
        ("x or y", {"__name__=x,a=1": 7, "__name__=x,a=2": -7, "__name__=y,a=3": 4}),
    ],
)
def test_an_operator(query, found):
    assert answer(query, XY, time=0) == pytest.approx(found)


def test_sets_look_at_each_step_by_itself():
    steps = table(x=[1, 1, 1], y=[None, 5, None])
    options = {"start": 0, "end": 20, "step": "10s"}
    window = "last_over_time({}[5s])"
    one, other = window.format("x"), window.format("y")
    assert answer(f"{one} and on() {other}", steps, **options) == {"__name__=x": 1}
    assert answer(f"{one} unless on() {other}", steps, **options) == {"__name__=x": [1, 1]}
    assert answer(f"{other} or on() {one}", steps, **options) == {"__name__=x": [1, 1], "__name__=y": 5}
