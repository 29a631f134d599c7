"""PromQL over tables: parse, select, evaluate all series and steps at once."""

from flowkit.metric.promql.asking import promql

__all__ = ["promql"]
