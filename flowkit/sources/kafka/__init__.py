"""NetObserv's flows from a Kafka topic, as the exporter writes them: one JSON object a message."""

from flowkit.sources.kafka.broker import Kafka
from flowkit.sources.kafka.reading import read_kafka

__all__ = ["Kafka", "read_kafka"]
