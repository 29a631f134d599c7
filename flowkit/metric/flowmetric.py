"""FlowMetric: a NetObserv definition that runs on any flow table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from flowkit.contract import Provenance, provenance, with_provenance
from flowkit.engine import Flows, run, to_sql
from flowkit.engine.kinds import flow_schema
from flowkit.engine.optimise import optimise
from flowkit.errors import SpecError
from flowkit.manifests import FlowMetricSpec, load_objects, parse_flowmetric
from flowkit.metric.cardinality import cardinality
from flowkit.metric.plan import funnel, plan

Source = str | Path | Mapping[str, Any]


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

    def apply(self, flows: Flows) -> pd.DataFrame:
        """Return the metric table of `flows`: one row a label set, sorted; the labels after remap as text, then ``value``.

        `flows` is a pandas or Arrow table, or Parquet (a file, folder, glob, or several). A Counter's value is the sum of
        1 or of valueField / divider (exact for integers), a Gauge's the last by ``TimeFlowEndMs``; a Histogram gives
        Prometheus' cumulative series, told apart by the columns ``series`` and ``le``. A field no flow carries is "".
        The table's provenance notes when nothing matched, and which filter let how many flows through.

        Raises `SourceError` for files that cannot be read. Source: NetObserv's FlowMetric API; ``docs/flowmetric.md``.

        >>> metric = FlowMetric(FlowMetricSpec("m", "Counter", labels=("DstPort",), remap={"DstPort": "port"}))
        >>> metric.apply(pd.DataFrame({"DstPort": [443, 53, 443]}))
          port  value
        0  443      2
        1   53      1
        """
        table = run(plan(self.spec), flows)
        notes = [*cardinality(self.spec), *(self._why_empty(flows) if table.empty else ())]
        return with_provenance(table, _origin(flows).noting(*notes))

    def explain(self, flows: Flows) -> pd.DataFrame:
        """Count how many flows each filter lets through, one after the other: columns ``step`` and ``flows``.

        A filter on flattened parts that refers to another flattened field has no count of flows; it is missing there.

        >>> metric = FlowMetric(FlowMetricSpec("m", "Counter", labels=("Flags",), flatten=("Flags",), direction="Ingress"))
        >>> metric.explain(pd.DataFrame({"Flags": [2, 16], "FlowDirection": [0, 1]}))["flows"].tolist()
        [2, 1]
        """
        steps, counting = funnel(self.spec)
        counted = run(counting, flows)
        counts = iter(counted.iloc[0].tolist() if len(counted) else [0] * len(counting.measures))
        kept = [next(counts), *(next(counts) if counts_flows else None for _, counts_flows in steps)]
        names = ["all flows", *(name for name, _ in steps)]
        return pd.DataFrame({"step": pd.Series(names, dtype="str"), "flows": pd.array(kept, dtype="Int64")})

    def to_sql(self, dialect: str = "duckdb") -> str:
        """The query `apply` runs, over a table ``flows`` that has every field in the contract's form."""
        return to_sql(optimise(plan(self.spec)), flow_schema(), dialect)

    def _why_empty(self, flows: Flows) -> list[str]:
        funnel = self.explain(flows).dropna()
        steps = "; ".join(f"{count} {name}" for name, count in zip(funnel["step"], funnel["flows"], strict=True))
        return [f"{self.name} matched nothing: {steps}"]


def _place(source: Source) -> str:
    return "dict" if isinstance(source, Mapping) else str(source)


def _origin(flows: Flows) -> Provenance:
    if isinstance(flows, pd.DataFrame):
        return provenance(flows)
    paths = flows if isinstance(flows, list | tuple) else [flows]
    return Provenance(tuple(str(path) for path in paths if isinstance(path, str | Path)))
