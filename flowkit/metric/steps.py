"""A metric as time series: tables with a ``time`` column."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from flowkit.engine.query import VALUE
from flowkit.metric.plan import STEP

TIME = "time"


def timed(table: pd.DataFrame, labels: tuple[str, ...], rows: int) -> pd.DataFrame:
    """Turn a result's ``STEP`` into ``time`` and sort by labels, then time; each label set and time has `rows` rows.

    The engine sorts the labels; of a step it knows the text only.
    """
    ends = table[STEP].astype("int64").to_numpy()
    order = np.lexsort((np.arange(len(table)) % rows, ends, _codes(table, labels)))
    named = table.rename(columns={STEP: TIME}).assign(time=_utc(ends))
    return named.take(order).reset_index(drop=True)


def _utc(ends: np.ndarray[Any, Any]) -> pd.Series[Any]:
    return pd.Series(ends.astype("datetime64[ms]")).dt.tz_localize("UTC")


def _codes(table: pd.DataFrame, names: tuple[str, ...]) -> np.ndarray[Any, Any]:
    """A number for each distinct combination of `names`, in the order in which they appear."""
    if not names:
        return np.zeros(len(table), dtype="int64")
    return table.groupby(list(names), sort=False).ngroup().to_numpy()


def cumulative(table: pd.DataFrame) -> pd.DataFrame:
    """Turn increases within steps, as `FlowMetric.apply` with a step gives them, into what a Prometheus scraper sees.

    ``value`` becomes the running total, and each series has a row at every time of the table from its first on, since a
    counter that stands still is scraped too. For Counters and Histograms; a Gauge is what it is. Prometheus' server
    would drop a series that no flow touches for two minutes (upstream's expiry); here it stays.

    >>> times = pd.to_datetime(["1970-01-01 00:01", "1970-01-01 00:02", "1970-01-01 00:01"], utc=True)
    >>> table = pd.DataFrame({"port": ["53", "53", "443"], "time": times, "value": [1, 2, 4]})
    >>> cumulative(table)["value"].tolist()
    [1, 3, 4, 4]
    """
    names = tuple(name for name in table.columns if name not in (TIME, VALUE))
    series, (at, times) = _codes(table, names), pd.factorize(table[TIME], sort=True)
    increases = np.zeros((series.max(initial=-1) + 1, len(times)), dtype=_exact(table[VALUE]))
    increases[series, at] = table[VALUE].to_numpy()
    rows, ends = np.nonzero(np.logical_or.accumulate(_filled(series, at, increases.shape), axis=1))
    totals = pd.Series(increases.cumsum(axis=1)[rows, ends].tolist(), dtype=None if len(rows) else table[VALUE].dtype)
    dense = table.take(np.unique(series, return_index=True)[1][rows]).assign(time=times[ends], value=totals.array)
    labels = names[: table.columns.tolist().index(TIME)]
    return dense.take(np.lexsort((rows, ends, _codes(dense, labels)))).reset_index(drop=True)


def _filled(series: np.ndarray[Any, Any], at: np.ndarray[Any, Any], shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
    filled = np.zeros(shape, dtype=bool)
    filled[series, at] = True
    return filled


def _exact(values: pd.Series[Any]) -> Any:
    """Python's own integers where totals need more than 64 bits."""
    return object if values.dtype.kind in "uO" or abs(values).astype(float).sum() >= 2**62 else values.dtype
