"""Quantiles of classic buckets, by hand. Source: Prometheus' documentation of ``histogram_quantile``."""

import math

import numpy as np
import pandas as pd
import pytest

from tests.promql.asking import answer

ZERO = pd.Timestamp(0, unit="s", tz="UTC")


def buckets(**counts):
    """``h_bucket`` by job: a dict of le to cumulative count for each."""
    rows = [
        {"__name__": "h_bucket", "job": job, "le": le, "time": ZERO, "value": float(count)}
        for job, held in counts.items()
        for le, count in held.items()
    ]
    return pd.DataFrame(rows)


TEN = {"1": 2, "2": 6, "4": 10, "+Inf": 10}


@pytest.mark.parametrize(
    ("share", "held", "found"),
    [
        (0.5, TEN, 1.75),  # the fifth of ten: three quarters into the four of (1, 2]
        (0.1, TEN, 0.5),  # the first bucket begins at 0
        (1, TEN, 4),
        (0, TEN, 0),
        (-1, TEN, -math.inf),
        (2, TEN, math.inf),
        (math.nan, TEN, math.nan),
        (0.9, {"1": 1, "+Inf": 10}, 1),  # beyond the last bound: that bound
        (0.5, {"1": 2, "2": 6}, math.nan),  # without +Inf it is no histogram
        (0.5, {"+Inf": 4}, math.nan),
        (0.5, {"1": 0, "+Inf": 0}, math.nan),
        (0.5, {"1": 4, "2": 3, "+Inf": 4}, 0.5),  # a count that falls is raised
        (0.5, {"-1": 2, "1": 4, "+Inf": 4}, -1),  # a first bucket below 0 is its bound
        (0.5, {"1": 2, "1.0": 2, "2": 8, "+Inf": 8}, 1.0),  # two spellings of one bound are one bucket
    ],
)
def test_a_quantile(share, held, found):
    ours = answer(f"histogram_quantile({share}, h_bucket)", buckets(web=held), time=0)
    assert list(ours) == ["job=web"]
    assert ours["job=web"] == pytest.approx(found, nan_ok=True)


def test_histograms_are_apart_and_what_is_no_bucket_is_left_out():
    mixed = pd.concat([buckets(web=TEN, db={"3": 1, "+Inf": 1}), buckets(odd={"soon": 4})])
    found = answer("histogram_quantile(0.5, h_bucket)", mixed, time=0)
    assert found == {"job=db": 1.5, "job=web": 1.75}
    assert np.isfinite(list(found.values())).all()
