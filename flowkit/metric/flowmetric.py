"""FlowMetric: a NetObserv definition that runs on any flow table."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, overload

import pandas as pd

from flowkit.contract import provenance, with_provenance
from flowkit.contract.moments import milliseconds
from flowkit.engine import Engine, Flows, collect, is_spark, run, to_sql
from flowkit.engine.kinds import flow_schema
from flowkit.engine.optimise import optimise
from flowkit.engine.running import Frame, SparkFrame
from flowkit.errors import NothingMatched, SpecError
from flowkit.manifests import FlowMetricSpec, load_objects, parse_flowmetric
from flowkit.manifests.flowmetric import DEFAULT_BUCKETS
from flowkit.metric.cardinality import cardinality, level
from flowkit.metric.plan import funnel, plan, timeless
from flowkit.metric.steps import TIME, timed

Source = str | Path | Mapping[str, Any]
Step = str | timedelta | None


@dataclass(frozen=True)
class FlowMetric:
    """One FlowMetric resource. `spec` is what it says; `apply` gives its metric table."""

    spec: FlowMetricSpec

    @classmethod
    def load(cls, source: Source) -> FlowMetric:
        """Load the one FlowMetric of a YAML or JSON file (or dict); other kinds in it are left alone.

        Raises `SpecError` with file, key and way out for a definition that cannot be used.

        >>> body = {"apiVersion": "flows.netobserv.io/v1alpha1", "kind": "FlowMetric", "metadata": {"name": "by-port"}}
        >>> FlowMetric.load({**body, "spec": {"type": "Counter", "labels": ["DstPort"]}}).name
        'netobserv_by_port'
        """
        found = cls.load_all(source)
        if len(found) > 1:
            names = ", ".join(one.spec.name or one.name for one in found)
            raise SpecError(f"holds {len(found)} FlowMetrics ({names}): use FlowMetric.load_all", place=_place(source))
        return found[0]

    @classmethod
    def load_all(cls, source: Source) -> list[FlowMetric]:
        """Load every FlowMetric of a file, a folder or a dict, in order.

        Raises `SpecError` as `load` does, and when there is none.
        """
        found = [cls(parse_flowmetric(manifest)) for manifest in load_objects(source, kinds=["FlowMetric"])]
        if not found:
            raise SpecError("holds no object of kind FlowMetric", place=_place(source))
        return found

    @property
    def name(self) -> str:
        """The name of the Prometheus series: ``netobserv_`` and metricName or the resource's name."""
        return self.spec.series

    @property
    def cardinality(self) -> str:
        """The worst of the labels' classes, by upstream's order: avoid, unknown, careful, fine."""
        return level(self.spec)

    def __repr__(self) -> str:
        by = f" by {', '.join(self.spec.targets)}" if self.spec.labels else ""
        return f"FlowMetric({self.name}: {self.spec.type} of {self.spec.value_field or 'flows'}{by})"

    def _repr_html_(self) -> str:
        from flowkit.view.displays import flowmetric_html

        return flowmetric_html(self)

    @overload
    def apply(self, flows: Flows, step: Step = None, engine: Engine | None = None) -> pd.DataFrame: ...
    @overload
    def apply(self, flows: Frame, step: None = None, engine: Engine | None = None) -> Frame: ...
    def apply(self, flows: Any, step: Step = None, engine: Engine | None = None) -> Any:
        """Return the metric table of `flows`: one row a label set, sorted; the labels after remap as text, then ``value``.

        `flows` is a pandas or Arrow table, Parquet or JSON lines (a file, folder, glob, or several), or whatever else `engine`
        takes (``DuckDB(memory="1GB")``, ``Spark(session)``); a Spark DataFrame gives one, without notes (with a step:
        pandas). A Counter's value is the sum of 1 or of valueField / divider (exact for integers), a Gauge's the last by
        ``TimeFlowEndMs``; a Histogram gives Prometheus' cumulative series, told apart by the columns ``series`` and ``le``.
        A field no flow carries is "".

        With a `step` (``"1m"``) the same as time series: before ``value`` (and a Histogram's ``series``) stands ``time``,
        the end of the step a flow's ``TimeFlowEndMs`` is in (datetime64[ms, UTC], steps aligned to 1970, a flow that ends
        at the very end is in it); the value is what came within the step (`cumulative` gives the running total). Steps
        without flows have no row; flows without a time are counted as a loss.

        Nothing matched: an empty table of the same columns, the warning `NothingMatched`, and a note in its provenance.
        Raises `SourceError` for files that cannot be read, `SpecError` for what is no step.
        Source: NetObserv's FlowMetric API; ``docs/flowmetric.md``.

        >>> metric = FlowMetric(FlowMetricSpec("m", "Counter", labels=("DstPort",), remap={"DstPort": "port"}))
        >>> metric.apply(pd.DataFrame({"DstPort": [443, 53, 443]}))
          port  value
        0  443      2
        1   53      1
        """
        losses: dict[str, int] = {}
        if step is None:
            table = run(plan(self.spec), flows, engine)
        else:
            table, losses = self._series(flows, milliseconds(step), engine)
        if is_spark(table):
            return table
        why = [self._why_empty(flows, engine)] if table.empty else []
        for reason in why:
            warnings.warn(reason, NothingMatched, stacklevel=2)
        return with_provenance(table, provenance(table).losing(losses).noting(*cardinality(self.spec), *why))

    def count_rate(self, flows: Flows, window: str | timedelta, engine: Engine | None = None) -> pd.DataFrame:
        """What a Counter grew by a second in each `window`, exactly: the columns of `apply` with a step, ``value`` as float64.

        PromQL's ``rate()`` does not say this: a series that starts at 1 has the rate 0, so that its first flows are never
        counted, and what lies between scrapes is extrapolated. Raises `SpecError` for a Gauge or Histogram.

        >>> metric = FlowMetric(FlowMetricSpec("m", "Counter", labels=("DstPort",)))
        >>> metric.count_rate(pd.DataFrame({"DstPort": [443], "TimeFlowEndMs": [1_000]}), "10s")["value"].tolist()
        [0.1]
        """
        if self.spec.type != "Counter":
            raise SpecError(f"a {self.spec.type} has no rate of its own: ask for a Counter", place=self.spec.place)
        table = self.apply(flows, step=window, engine=engine)
        seconds = milliseconds(window) / 1000
        return with_provenance(table.assign(value=table["value"].astype("float64") / seconds), provenance(table))

    def explain(self, flows: Flows | SparkFrame, engine: Engine | None = None) -> pd.DataFrame:
        """Count how many flows each filter lets through, one after the other: columns ``step`` and ``flows``.

        A filter on flattened parts that refers to another flattened field has no count of flows; it is missing there.

        >>> metric = FlowMetric(FlowMetricSpec("m", "Counter", labels=("Flags",), flatten=("Flags",), direction="Ingress"))
        >>> metric.explain(pd.DataFrame({"Flags": [2, 16], "FlowDirection": [0, 1]}))["flows"].tolist()
        [2, 1]
        """
        steps, counting = funnel(self.spec)
        counted = collect(counting, flows, engine)
        counts = iter(counted.iloc[0].tolist() if len(counted) else [0] * len(counting.measures))
        kept = [next(counts), *(next(counts) if counts_flows else None for _, counts_flows in steps)]
        names = ["all flows", *(name for name, _ in steps)]
        return pd.DataFrame({"step": pd.Series(names, dtype="str"), "flows": pd.array(kept, dtype="Int64")})

    def to_sql(self, dialect: str = "duckdb") -> str:
        """The query `apply` runs, over a table ``flows`` that has every field in the contract's form."""
        return to_sql(optimise(plan(self.spec)), flow_schema(), dialect)

    def _series(
        self, flows: Flows | SparkFrame, step: int, engine: Engine | None
    ) -> tuple[pd.DataFrame, dict[str, int]]:
        """The time series, and the flows of the metric that are in no step as a loss."""
        if TIME in self.spec.targets:
            raise SpecError(f"a label called '{TIME}' leaves no name for the time: remap it", place=self.spec.place)
        rows = len(self.spec.buckets or DEFAULT_BUCKETS) + 3 if self.spec.type == "Histogram" else 1
        lost = int(collect(timeless(self.spec, step), flows, engine)["flows"].sum())
        table = timed(collect(plan(self.spec, step), flows, engine), self.spec.targets, rows)
        return table, {"flows without TimeFlowEndMs": lost}

    def _why_empty(self, flows: Flows | SparkFrame, engine: Engine | None) -> str:
        funnel = self.explain(flows, engine).dropna()
        steps = "; ".join(f"{count} {name}" for name, count in zip(funnel["step"], funnel["flows"], strict=True))
        return f"{self.name} matched nothing: {steps}"


def _place(source: Source) -> str:
    return "dict" if isinstance(source, Mapping) else str(source)
