"""Flows straight from Loki: `logql` asks less than everything, `transport` asks safely, `paging` asks until it has all."""

from flowkit.sources.loki.logql import logql
from flowkit.sources.loki.reading import read_loki
from flowkit.sources.loki.server import Loki

__all__ = ["Loki", "logql", "read_loki"]
