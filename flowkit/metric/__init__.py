"""FlowMetrics: NetObserv's metric definitions, run on flow tables; as tables, time series and Prometheus' text forms."""

from flowkit.metric.exposition import exposition
from flowkit.metric.flowmetric import FlowMetric, NothingMatched
from flowkit.metric.steps import cumulative

__all__ = ["FlowMetric", "NothingMatched", "cumulative", "exposition"]
