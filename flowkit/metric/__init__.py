"""FlowMetrics: NetObserv's metric definitions, run on flow tables; as tables, time series and Prometheus' text forms."""

from flowkit.errors import NothingMatched
from flowkit.metric.exposition import exposition, expositions
from flowkit.metric.flowmetric import FlowMetric
from flowkit.metric.steps import cumulative

__all__ = ["FlowMetric", "NothingMatched", "cumulative", "exposition", "expositions"]
