"""`promql`: a query over FlowMetrics of any flow table, or over samples."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd

from flowkit.contract import provenance, with_provenance
from flowkit.contract.moments import When, milliseconds, moment
from flowkit.contract.provenance import Provenance, merge
from flowkit.engine import Flows
from flowkit.errors import ContractError, NothingMatched, QueryError, no_series
from flowkit.metric.exposition import bound_text, label_name
from flowkit.metric.flowmetric import FlowMetric, Source
from flowkit.metric.promql.evaluate import Evaluation
from flowkit.metric.promql.labels import NAME, Column, Ints, Labels
from flowkit.metric.promql.query import Matchers, matchers, parsed, selectors
from flowkit.metric.promql.samples import Rules, Samples, gathered, samples_of
from flowkit.metric.promql.select import chosen
from flowkit.metric.promql.values import Scalar, Text, Value, Vector
from flowkit.metric.steps import TIME, cumulative

Metrics = FlowMetric | Source | Sequence[FlowMetric | Source]
_SCRAPE = "15s"
_MINUTE = 60_000


def promql(
    query: str,
    metrics: Metrics | None = None,
    flows: Flows | None = None,
    *,
    table: pd.DataFrame | None = None,
    time: When = None,
    start: When = None,
    end: When = None,
    step: str | timedelta | None = None,
    scrape: str | timedelta = _SCRAPE,
    rules: int = 3,
) -> pd.DataFrame:
    """Evaluate a PromQL query as Prometheus would, at one moment or over a range, and return a tidy table.

    Asked are the series of `metrics` (FlowMetrics, or files and folders of them) over `flows`, as a Prometheus that scraped
    every `scrape` would hold them; or the samples in `table`: labels as columns (the metric's name in ``__name__``), ``time``,
    and ``value`` as the server shows it (`cumulative`, or what `read_metric` gives). `time` is a moment (text, Timestamp or
    seconds since 1970), `start`, `end` and `step` a range; by default the moment is that of the last sample, a range goes from
    the first to the last. `rules` is the major version of Prometheus whose borders and sums are used, 2 or 3.

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
    wanted = [alternatives for selector in selectors(tree) for alternatives in matchers(selector)]
    samples, said = _samples(wanted, metrics, flows, table, scrape)
    moments = _moments(samples, time, (start, end), step)
    borders = (int(moments[0]), int(moments[-1]))
    with np.errstate(all="ignore"):
        value = Evaluation(samples, moments, Rules(rules), query, borders).value(tree)
    notes = _nowhere(wanted, samples)
    for note in notes:
        warnings.warn(note, NothingMatched, stacklevel=2)
    return with_provenance(tidy(value, moments), said.noting(*notes))


def _samples(
    wanted: list[Matchers],
    metrics: Metrics | None,
    flows: Flows | None,
    table: pd.DataFrame | None,
    scrape: str | timedelta,
) -> tuple[Samples, Provenance]:
    if table is not None and flows is None and metrics is None:
        if TIME not in table.columns or "value" not in table.columns:
            raise ContractError("samples need the columns time and value: give a metric's step, or use flows=")
        return samples_of(table), provenance(table)
    if flows is None or metrics is None or table is not None:
        raise ContractError("promql asks either metrics= over flows=, or a table= of samples")
    asked = [metric for metric in _metrics(metrics) if _is_asked(metric, wanted)]
    tables = [_scraped(metric, flows, scrape) for metric in asked]
    return gathered([samples_of(each) for each in tables]), merge(provenance(each) for each in tables)


def _metrics(given: Metrics) -> list[FlowMetric]:
    listed = [given] if isinstance(given, FlowMetric | str) or not isinstance(given, Sequence) else list(given)
    return [one for each in listed for one in ([each] if isinstance(each, FlowMetric) else FlowMetric.load_all(each))]


def _is_asked(metric: FlowMetric, wanted: list[Matchers]) -> bool:
    names = [metric.name + suffix for suffix in _suffixes(metric)]
    labels = Labels(len(names), {NAME: Column.of(names)})
    return any(len(chosen(labels, [[each for each in listed if each[0] == NAME]], Rules())) for listed in wanted)


def _suffixes(metric: FlowMetric) -> tuple[str, ...]:
    return ("_bucket", "_sum", "_count") if metric.spec.type == "Histogram" else ("",)


def _scraped(metric: FlowMetric, flows: Flows, scrape: str | timedelta) -> pd.DataFrame:
    """What a server that scraped this metric would hold: running totals, a Gauge as it stands."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NothingMatched)
        table = metric.apply(flows, step=scrape)
    said = provenance(table)
    seen = table if metric.spec.type == "Gauge" else cumulative(table)
    names = metric.name + (seen["series"].astype(str) if "series" in seen.columns else pd.Series("", index=seen.index))
    plain = seen.drop(columns="series", errors="ignore").rename(columns=label_name)
    if "le" in plain.columns:
        plain = plain.assign(le=plain["le"].map(bound_text))
    return with_provenance(plain.assign(**{NAME: names}), said)


def _moments(samples: Samples, time: When, borders: tuple[When, When], step: str | timedelta | None) -> Ints:
    seen = (int(samples.times.min()), int(samples.times.max())) if len(samples.times) else (0, 0)
    if step is None:
        if borders != (None, None):
            raise ContractError("a range needs a step, such as step='1m'")
        return np.array([seen[1] if time is None else moment(time)], dtype=np.int64)
    if time is not None:
        raise ContractError("ask for a time, or for a range with start, end and step: not both")
    first, last = (seen[at] if border is None else moment(border) for at, border in enumerate(borders))
    if last < first:
        raise ContractError("a range ends after it starts")
    return np.arange(first, last + 1, milliseconds(step), dtype=np.int64)


def _nowhere(wanted: list[Matchers], samples: Samples) -> list[str]:
    """The metrics that are asked for by name and are not there, with names that are near."""
    there = sorted({str(text) for text in samples.labels.column(NAME).values})
    asked = {text for listed in wanted for name, operator, text in listed if (name, operator) == (NAME, "=")}
    return [no_series(name, there) for name in sorted(asked - {*there})]


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
