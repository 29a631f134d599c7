"""Rates: reckoned step by step for series with common times they are, to the bit, those of each window by itself."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowkit.metric.promql.growth import delta, increase, rate
from flowkit.metric.promql.labels import Labels
from flowkit.metric.promql.samples import Rules, Samples, samples_of
from flowkit.metric.promql.windows import Windows
from tests.promql.test_samples import table


class Apart(Samples):
    """Samples of which it is not known that they have their times in common."""

    shared = None


def both(values, times, ends, width, rules):
    """The same windows by either way."""
    size, points = values.shape
    offsets = np.arange(size + 1, dtype=np.int64) * points
    laid = Labels.none(size), np.tile(times, size), values.ravel(), offsets
    together, apart = (Windows(of(*laid), ends, width, rules) for of in (Samples, Apart))
    assert together.shared is not None
    assert apart.shared is None
    return together, apart


@given(st.integers(0, 10**6), st.sampled_from([2, 3]), st.integers(10_000, 90_000), st.booleans())
def test_step_by_step_is_window_by_window(seed, version, width, resets):
    dice = np.random.default_rng(seed)
    values = np.cumsum(dice.integers(0, 5, (6, 12)), axis=1) * dice.choice([1.0, 0.1])
    if resets:
        values[dice.integers(0, 6, 3), dice.integers(0, 12, 3)] = dice.choice([0.0, np.nan, -1.0, np.inf])
    times = np.cumsum(dice.integers(5_000, 20_000, 12))
    ends = np.arange(-5_000, 260_000, 7_000)
    for function in (rate, increase, delta):
        one, other = (function(windows) for windows in both(values, times, ends, width, Rules(version)))
        assert (one.present == other.present).all()
        np.testing.assert_array_equal(one.values[one.present], other.values[one.present])


def test_a_reset_counts_as_growth_of_a_counter_but_not_of_a_gauge():
    samples = samples_of(table(*(("x", 10_000 * at, value) for at, value in enumerate([4, 6, 1, 3]))))
    windows = Windows(samples, np.array([30_000]), 30_000, Rules(2))
    assert [function(windows).values.tolist() for function in (increase, delta, rate)] == [
        [[pytest.approx(5.0)]], [[-1.0]], [[pytest.approx(5 / 30)]],
    ]  # fmt: skip


def test_every_window_must_hold_two():
    windows = Windows(samples_of(table(("x", 0, 1))), np.array([0, 5]), 60, Rules())
    assert rate(windows).present.tolist() == [[False, False]]


def test_many_blocks_are_as_one():
    times = np.arange(0, 4000, 10)
    values = np.cumsum(np.random.default_rng(1).integers(0, 9, (900, len(times))), axis=1).astype(float)
    one, other = both(values, times, times, 40, Rules())
    pd.testing.assert_frame_equal(*(pd.DataFrame(np.where(v.present, v.values, -1)) for v in (rate(one), rate(other))))
    few = replace(one, samples=one.samples.at(np.array([700])))
    np.testing.assert_array_equal(rate(few).values[0], rate(one).values[700])
