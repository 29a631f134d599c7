"""Kubernetes objects and FlowMetrics from YAML, JSON and ``List`` kinds, each with its file and place for messages."""

from flowkit.manifests.documents import Manifest, load_objects, read_objects
from flowkit.manifests.flowmetric import Chart, ChartQuery, FilterSpec, FlowMetricSpec, parse_flowmetric

__all__ = [
    "Chart",
    "ChartQuery",
    "FilterSpec",
    "FlowMetricSpec",
    "Manifest",
    "load_objects",
    "parse_flowmetric",
    "read_objects",
]
