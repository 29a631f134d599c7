"""The samples in each window, and sums, extremes, quantiles and lines over them, against loops."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowkit.metric.promql.samples import Rules, samples_of
from flowkit.metric.promql.windows import Windows, between
from tests.promql.test_samples import grids, listed, rows, table

ENDS = np.array([3, 8, 15])


def contents(windows, rules):
    """The values in each window, by series and step, one after the other."""
    found = []
    for series in listed(windows.samples).values():
        for end in windows.ends:
            begin = end - windows.width
            found.append([v for t, v in series if (begin <= t if rules.version == 2 else begin < t) and t <= end])
    return found


@given(st.one_of(rows, grids), st.integers(1, 9), st.sampled_from([2, 3]))
def test_what_windows_hold_and_what_is_made_of_it(drawn, width, version):
    rules = Rules(version)
    windows = Windows(samples_of(table(*drawn)), ENDS, width, rules)
    held = contents(windows, rules)
    assert windows.size.ravel().tolist() == [len(one) for one in held]
    assert windows.summed().ravel().tolist() == [sum(one) for one in held]
    assert windows.folded(np.fmax).ravel().tolist() == [max(one, default=0) for one in held]
    spread = windows.each(lambda piece: piece.variance()).ravel()
    middle = windows.each(lambda piece: piece.quantile(np.full(len(piece.sizes), 0.5))).ravel()
    for one, variance, median in zip(held, spread, middle, strict=True):
        assert (np.isnan(variance), np.isnan(median)) == (not one, not one)
        if one:
            assert (variance, median) == (pytest.approx(np.var(one)), pytest.approx(np.median(one)))


def test_a_line_through_samples():
    samples = samples_of(table(*(("x", 1000 * second, 3 * second + 1) for second in range(5))))
    windows = Windows(samples, np.array([6000]), 7000, Rules())
    assert windows.each(lambda piece: piece.line()[0]).tolist() == [[pytest.approx(3.0)]]
    assert windows.each(lambda piece: piece.line()[1]).tolist() == [[pytest.approx(19.0)]]


@pytest.mark.parametrize(
    ("values", "sum_"), [([1e100, 10, -1e100], 10.0), ([0.1] * 10, 1.0), ([np.inf, 1], np.inf), ([1, np.nan], np.nan)]
)
def test_sums_lose_nothing(values, sum_):
    samples = samples_of(table(*(("x", at, value) for at, value in enumerate(values))))
    assert Windows(samples, np.array([50]), 60, Rules()).summed().ravel().tolist() == pytest.approx([sum_], nan_ok=True)


def test_some_series_windows_are_theirs():
    samples = samples_of(table(("x", 1, 1), ("y", 2, 2)))
    assert Windows(samples, ENDS, 3, Rules()).of(np.array([1])).size.tolist() == [[1, 0, 0]]


@pytest.mark.parametrize(("share", "found"), [(0.5, 2.5), (0, 1), (1, 4), (-1, -np.inf), (2, np.inf), (np.nan, np.nan)])
def test_a_quantile_lies_between_samples(share, found):
    ordered = np.array([1.0, 2.0, 3.0, 4.0])
    assert between(ordered, np.array([0]), np.array([4]), np.array([share])) == pytest.approx(found, nan_ok=True)
