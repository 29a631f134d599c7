"""Functions over ranges, by hand. Sources: Prometheus' documentation of query functions."""

import math

import pytest

from tests.promql.asking import answer, table

GAUGE = table(x=[4, 2, 2, 8], y=[1, 5, 3, None])


@pytest.mark.parametrize(
    ("query", "value"),
    [
        ("sum_over_time(x[40s])", 16),
        ("avg_over_time(x[40s])", 4),
        ("min_over_time(x[40s])", 2),
        ("max_over_time(x[40s])", 8),
        ("count_over_time(x[40s])", 4),
        ("last_over_time(x[40s])", 8),
        ("present_over_time(x[40s])", 1),
        ("stdvar_over_time(x[40s])", 6),
        ("stddev_over_time(x[40s])", math.sqrt(6)),
        ("quantile_over_time(0.5, x[40s])", 3),
        ("changes(x[40s])", 2),
        ("resets(x[40s])", 1),
        ("resets(y[40s])", 1),
        ("idelta(x[40s])", 6),
        ("idelta(y[40s])", -2),
        ("irate(x[40s])", 0.6),
        ("irate(y[40s])", 0.3),  # a counter that fell began at 0 again
        ("deriv(x[40s])", 0.12),
        ("predict_linear(x[40s], 10)", 7),
        ("last_over_time(y[40s])", 3),
        ("count_over_time(y[40s])", 3),
    ],
)
def test_a_function_over_a_range(query, value):
    (found,) = answer(query, GAUGE, time=30).values()
    assert found == pytest.approx(value)


def test_the_name_stays_where_a_value_of_the_metric_does():
    assert answer("last_over_time(x[40s])", GAUGE, time=30) == {"__name__=x": 8}
    assert answer("max_over_time(x[40s])", GAUGE, time=30) == {"": 8}


def test_a_window_without_samples_gives_nothing():
    assert answer("count_over_time(x[5s])", GAUGE, time=37) == {}
    assert answer("count_over_time(y[15s])", GAUGE, start=0, end=40, step="10s") == {"": [1, 2, 2, 1]}


def test_the_share_of_a_quantile_may_change_from_step_to_step():
    found = answer("quantile_over_time(time() / 30, x[1m])", GAUGE, start=0, end=30, step="30s")
    assert found == {"": [4, 8]}
