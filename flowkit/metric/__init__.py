"""FlowMetrics: NetObserv's metric definitions, run on flow tables."""

from flowkit.metric.flowmetric import FlowMetric

__all__ = ["FlowMetric"]
