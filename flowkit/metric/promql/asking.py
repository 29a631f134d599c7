"""`promql`: a query over FlowMetrics of any flow table, or over samples."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from flowkit.contract import with_provenance
from flowkit.contract.moments import When, milliseconds, moment
from flowkit.engine import Flows
from flowkit.errors import ContractError, NothingMatched, QueryError, no_series
from flowkit.metric.promql.evaluate import Evaluation
from flowkit.metric.promql.labels import NAME, Column, Ints, Labels
from flowkit.metric.promql.places import places
from flowkit.metric.promql.query import Matchers, checked, parsed, selectors
from flowkit.metric.promql.samples import Rules, Samples
from flowkit.metric.promql.scraping import SCRAPE, Asked, Metrics, Scraped
from flowkit.metric.promql.select import chosen
from flowkit.metric.promql.values import Scalar, Text, Value, Vector
from flowkit.metric.steps import TIME


def promql(
    query: str,
    metrics: Metrics | None = None,
    flows: Flows | None = None,
    *,
    table: pd.DataFrame | Scraped | None = None,
    rollup: str | Path | None = None,
    time: When = None,
    start: When = None,
    end: When = None,
    step: str | timedelta | None = None,
    scrape: str | timedelta = SCRAPE,
    rules: int = 3,
) -> pd.DataFrame:
    """Evaluate a PromQL query as Prometheus would, at one moment or over a range, and return a tidy table.

    Asked are the series of `metrics` (FlowMetrics, or files and folders of them) over `flows`, as a Prometheus that scraped
    every `scrape` would hold them; or those of a `rollup`, the folder ``flowkit rollup`` writes, scraped at the end of each
    period; or the samples in `table`: labels as columns (the metric's name in ``__name__``), ``time``, and ``value`` as the
    server shows it (`cumulative`, or what `read_metric` gives), or laid out by `scrape` for many queries. `time` is a moment
    (text, Timestamp or seconds since 1970), `start`, `end` and `step` a range; by default the moment is that of the last
    sample, a range goes from the first to the last. `rules` is the major version of Prometheus whose borders and sums are
    used, 2 or 3.

    Returns one column a label (sorted; the empty text where a series lacks it), ``time`` (datetime64[ms, UTC]), ``value``
    (float64), sorted by labels and time, or as ``sort`` and ``topk`` order an instant. A metric that is not there gives
    an empty table and the warning `NothingMatched` with near names. Raises `QueryError`, with the place in the query, for what
    cannot be read, matched or is not supported. Source: Prometheus' documentation of queries; ``docs/promql.md``.

    >>> moments = pd.to_datetime([0, 30_000, 60_000], unit="ms", utc=True)
    >>> table = pd.DataFrame({"__name__": "syn", "port": "443", "time": moments, "value": [1.0, 4.0, 7.0]})
    >>> promql("sum by (port) (increase(syn[1m]))", table=table, rules=2)["value"].tolist()
    [6.0]
    """
    if rules not in (2, 3):
        raise ContractError(f"rules of Prometheus {rules}: 2 or 3 are known")
    tree = parsed(query)
    where = places(query, tree)
    wanted = [alternatives for selector in selectors(tree) for alternatives in checked(selector, query, where)]
    scraped = Asked(metrics, flows, table, rollup, scrape).scraped(_wants(wanted))
    samples = scraped.samples
    moments, borders = _moments(samples, time, (start, end), step)
    with np.errstate(all="ignore"):
        value = Evaluation(samples, moments, Rules(rules), query, borders, where).value(tree)
    notes = _nowhere(wanted, scraped)
    for note in notes:
        warnings.warn(note, NothingMatched, stacklevel=2)
    return with_provenance(tidy(value, moments), scraped.said.noting(*notes))


def _wants(wanted: list[Matchers]) -> Callable[[str], bool]:
    """Whether a series of some name may be asked for."""

    def is_wanted(name: str) -> bool:
        labels = Labels(1, {NAME: Column.of([name])})
        return any(len(chosen(labels, [[each for each in listed if each[0] == NAME]], Rules())) for listed in wanted)

    return is_wanted


def _moments(
    samples: Samples, time: When, borders: tuple[When, When], step: str | timedelta | None
) -> tuple[Ints, tuple[int, int]]:
    """The moments asked for, and the first and last of what was asked: the end of a range need not be one of its steps."""
    seen = (int(samples.times.min()), int(samples.times.max())) if len(samples.times) else (0, 0)
    if step is None:
        if borders != (None, None):
            raise ContractError("a range needs a step, such as step='1m'")
        only = seen[1] if time is None else moment(time)
        return np.array([only], dtype=np.int64), (only, only)
    if time is not None:
        raise ContractError("ask for a time, or for a range with start, end and step: not both")
    first, last = (seen[at] if border is None else moment(border) for at, border in enumerate(borders))
    if last < first:
        raise ContractError("a range ends after it starts")
    return np.arange(first, last + 1, milliseconds(step), dtype=np.int64), (first, last)


def _nowhere(wanted: list[Matchers], scraped: Scraped) -> list[str]:
    """The metrics that are asked for by name and are not there, with names that are near."""
    there = {*scraped.samples.labels.column(NAME).values.tolist()}
    asked = {text for listed in wanted for name, operator, text in listed if (name, operator) == (NAME, "=")}
    return [no_series(name, {*scraped.names} - {name}) for name in sorted(asked - there)]


def tidy(value: Value, moments: Ints) -> pd.DataFrame:
    """A result as a table: its labels, ``time``, ``value``."""
    if isinstance(value, Text):
        raise QueryError("a text is no result: ask for a vector or a number")
    if isinstance(value, Scalar):
        value = Vector(Labels.none(), value.values[None, :], np.ones((1, len(moments)), dtype=bool))
    if not value.is_sorted:
        value = value.take(value.labels.order())
    value = value.there()
    sizes = value.present.sum(axis=1)
    columns: dict[str, Any] = {}
    for name in sorted(value.labels.columns):
        codes, texts = pd.factorize(value.labels.columns[name].values, sort=True)
        if name != NAME or (texts != "").any():
            small = codes.astype(np.min_scalar_type(-len(texts) - 1))
            columns[name] = pd.Categorical.from_codes(np.repeat(small, sizes), categories=pd.Index(texts, dtype="str"))
    at = np.broadcast_to(moments.astype("datetime64[ms]"), value.present.shape)[value.present]
    when = pd.Series(at, copy=False).dt.tz_localize("UTC")
    return pd.DataFrame({**columns, TIME: when, "value": value.values[value.present]}, copy=False)
