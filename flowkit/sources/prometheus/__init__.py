"""Metrics from a Prometheus, Thanos or whatever else speaks its HTTP API."""

from flowkit.sources.prometheus.reading import read_metric
from flowkit.sources.prometheus.series import metric_names, read_metadata, read_series
from flowkit.sources.prometheus.server import Prometheus

__all__ = ["Prometheus", "metric_names", "read_metadata", "read_metric", "read_series"]
