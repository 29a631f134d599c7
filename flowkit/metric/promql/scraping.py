"""What a query asks: FlowMetrics over flows as a server that scraped them would hold them, a rollup's, or samples in a table.

Laid out once, it answers many queries.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cached_property
from pathlib import Path

import pandas as pd

from flowkit.contract import provenance, with_provenance
from flowkit.contract.provenance import Provenance, merge
from flowkit.engine import Flows
from flowkit.errors import ContractError, NothingMatched
from flowkit.metric.exposition import bound_text, label_name
from flowkit.metric.flowmetric import FlowMetric, Source
from flowkit.metric.promql.labels import NAME
from flowkit.metric.promql.samples import Samples, gathered, samples_of
from flowkit.metric.rolled import metrics_of_rollup, series_of_rollup
from flowkit.metric.steps import TIME, cumulative

Metrics = FlowMetric | Source | Sequence[FlowMetric | Source]
SCRAPE = "15s"
_SUFFIXES = {"histogram": ("_bucket", "_sum", "_count")}


@dataclass(frozen=True, repr=False)
class Scraped:
    """Samples laid out for queries, and where they come from; `promql` takes it as its table.

    `names` are all series' names there are, also those nobody asked for.
    """

    samples: Samples
    said: Provenance
    names: tuple[str, ...]

    def __repr__(self) -> str:
        return f"Scraped({self.samples.labels.size:,} series, {len(self.samples.times):,} samples)"


@dataclass(frozen=True)
class Asked:
    """Where samples are to come from: `metrics` over `flows`, scraped `every` so often, or of a `rollup`; or a `table`."""

    metrics: Metrics | None = None
    flows: Flows | None = None
    table: pd.DataFrame | Scraped | None = None
    rollup: str | Path | None = None
    every: str | timedelta = SCRAPE

    def scraped(self, is_wanted: Callable[[str], bool]) -> Scraped:
        """The samples of the series whose names are wanted, in a table of all; raises `ContractError` for contradictions."""
        given = [one for one in (self.flows, self.table, self.rollup) if one is not None]
        if len(given) != 1 or (self.flows is not None and self.metrics is None):
            raise ContractError("ask either metrics= over flows=, or a rollup=, or a table= of samples")
        if isinstance(self.table, Scraped):
            return self.table
        if self.table is not None:
            return _tabled(self.table, self.metrics)
        kinds = self._kinds()
        wanted = {name: kind for name, kind in kinds.items() if any(is_wanted(one) for one in _series(name, kind))}
        tables = [_held(name, kind, self._increases(name)) for name, kind in wanted.items()]
        said = merge(provenance(each) for each in tables)
        names = tuple(one for name, kind in kinds.items() for one in _series(name, kind))
        return Scraped(gathered([samples_of(each) for each in tables]), said, names)

    @cached_property
    def _metrics(self) -> dict[str, FlowMetric]:
        given = self.metrics
        listed = [given] if isinstance(given, FlowMetric | str) or not isinstance(given, Sequence) else list(given)
        loaded = (
            [each] if isinstance(each, FlowMetric) else FlowMetric.load_all(each) for each in listed if each is not None
        )
        return {one.name: one for each in loaded for one in each}

    def _kinds(self) -> dict[str, str]:
        """The metrics that can be asked, each with its kind: counter, gauge, histogram."""
        if self.rollup is None:
            return {name: metric.spec.type.lower() for name, metric in self._metrics.items()}
        kinds = metrics_of_rollup(self.rollup)
        return kinds if self.metrics is None else {name: kinds.get(name, "counter") for name in self._metrics}

    def _increases(self, name: str) -> pd.DataFrame:
        """What a metric grew by from scrape to scrape; a Gauge's values."""
        if self.rollup is not None:
            return series_of_rollup(self.rollup, name)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NothingMatched)
            return self._metrics[name].apply(self.flows, step=self.every)


def scrape(
    metrics: Metrics | None = None,
    flows: Flows | None = None,
    *,
    table: pd.DataFrame | None = None,
    rollup: str | Path | None = None,
    every: str | timedelta = SCRAPE,
) -> Scraped:
    """Lay out samples for many queries: ``promql(query, table=scrape(…))`` reads and sorts nothing again.

    Takes what `promql` takes: `metrics` over `flows` as a Prometheus that scraped `every` so often would hold them, a `rollup`,
    or a `table` of samples, which is copied. Raises `ContractError` for contradictions.

    >>> from flowkit.manifests import FlowMetricSpec
    >>> metric = FlowMetric(FlowMetricSpec("m", "Counter", labels=("DstPort",)))
    >>> scrape(metric, pd.DataFrame({"DstPort": [443, 53], "TimeFlowEndMs": [1_000, 20_000]}))
    Scraped(2 series, 3 samples)
    """
    found = Asked(metrics, flows, table, rollup, every).scraped(lambda _: True)
    if table is None:
        return found
    samples = found.samples
    return replace(found, samples=replace(samples, times=samples.times.copy(), values=samples.values.copy()))


def _tabled(table: pd.DataFrame, metrics: Metrics | None) -> Scraped:
    if metrics is not None:
        raise ContractError("a table= of samples has its metrics already: ask either metrics= over flows=, or a table=")
    if TIME not in table.columns or "value" not in table.columns:
        raise ContractError("samples need the columns time and value: give a metric's step, or use flows=")
    samples = samples_of(table)
    return Scraped(samples, provenance(table), tuple(samples.labels.column(NAME).texts.tolist()))


def _series(name: str, kind: str) -> list[str]:
    """What the series of a metric are called."""
    return [name + suffix for suffix in _SUFFIXES.get(kind, ("",))]


def _held(name: str, kind: str, table: pd.DataFrame) -> pd.DataFrame:
    """What a server that scraped this metric would hold: running totals, a Gauge as it stands."""
    said = provenance(table)
    seen = table if kind == "gauge" else cumulative(table)
    names = name + (seen["series"].astype(str) if "series" in seen.columns else pd.Series("", index=seen.index))
    plain = seen.drop(columns="series", errors="ignore").rename(columns=label_name)
    if "le" in plain.columns:
        plain = plain.assign(le=plain["le"].map(bound_text))
    return with_provenance(plain.assign(**{NAME: names}), said)
