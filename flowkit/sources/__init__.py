"""Where flows come from: one reader a file, found by what the input holds rather than by what it is called."""

from flowkit.sources.converting import convert
from flowkit.sources.kafka import Kafka, read_kafka
from flowkit.sources.loki import Loki, logql, read_loki
from flowkit.sources.reading import read

__all__ = ["Kafka", "Loki", "convert", "logql", "read", "read_kafka", "read_loki"]
