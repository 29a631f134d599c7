"""The messages of a topic, from its first to those it has when asked, or for some seconds longer.

Only this file knows kafka-python. No group is joined and no offset committed: reading changes nothing for anybody else.
"""

from __future__ import annotations

import logging
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

from flowkit.errors import SourceError
from flowkit.sources.kafka.broker import Kafka

_POLL_MS = 500


@dataclass(frozen=True)
class Bounds:
    """Where reading begins and ends: at the topic's end of that moment, or after `seconds`; in any case after `messages`."""

    start: Literal["earliest", "latest"] = "earliest"
    messages: int | None = None
    seconds: float | None = None


def messages(topic: Kafka, bounds: Bounds) -> Iterator[list[bytes | None]]:
    """Yield the values of the topic's messages batch by batch, in the order of each partition.

    Raises `SourceError` when the topic is not there, the broker refuses, or nothing is heard of it for `topic.timeout` seconds.
    """
    kafka = _library()
    with _quiet(topic):
        try:
            consumer = _consumer(kafka, topic)
            try:
                yield from _polled(topic, consumer, bounds)
            finally:
                consumer.close()
        except kafka.errors.KafkaError as error:
            raise SourceError(f"Kafka at {topic.url}: {topic.without_secrets(str(error))}{_hint(error)}") from None


def _library() -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of importlib, in its own modules
            import kafka
            import kafka.errors
    except ImportError as error:
        raise SourceError("reading Kafka needs kafka-python: pip install 'flowkit-net[kafka]'") from error
    return kafka


def _consumer(kafka: Any, topic: Kafka) -> Any:
    return kafka.KafkaConsumer(
        **topic.settings(),
        group_id=None,
        client_id="flowkit",
        enable_auto_commit=False,
        allow_auto_create_topics=False,
        auto_offset_reset="earliest",
    )


def _polled(topic: Kafka, consumer: Any, bounds: Bounds) -> Iterator[list[bytes | None]]:
    ends = _in_time(topic, lambda: _assigned(topic, consumer, bounds))
    started = heard = time.monotonic()
    count = 0
    while count != bounds.messages and not _over(consumer, ends, bounds, started):
        batch = [
            record.value
            for records in consumer.poll(_POLL_MS).values()
            for record in records
            if _wanted(record, ends, bounds)
        ]
        batch = batch if bounds.messages is None else batch[: bounds.messages - count]
        if batch:
            count, heard = count + len(batch), time.monotonic()
            yield batch
        elif bounds.seconds is None and time.monotonic() - heard > topic.timeout:
            raise SourceError(f"Kafka at {topic.url} says nothing for {topic.timeout:g} s, after {count:,} messages")


def _in_time(topic: Kafka, ask: Callable[[], dict[Any, int]]) -> dict[Any, int]:
    """What `ask` finds; kafka-python tries a refused login again for ever, so it is waited for in a thread of its own."""
    found: list[dict[Any, int]] = []
    errors: list[Exception] = []

    def run() -> None:
        try:
            found.append(ask())
        except Exception as error:
            errors.append(error)

    thread = threading.Thread(target=run, daemon=True, name="flowkit-kafka")
    thread.start()
    thread.join(topic.timeout)
    if errors:
        raise errors[0]
    if not found:
        raise SourceError(
            f"Kafka at {topic.url} does not let in within {topic.timeout:g} s: are user, password and mechanism right, and TLS?"
        )
    return found[0]


def _assigned(topic: Kafka, consumer: Any, bounds: Bounds) -> dict[Any, int]:
    partition_of = _library().TopicPartition
    known = consumer.partitions_for_topic(topic.topic)
    if not known:
        raise SourceError(f"Kafka at {topic.url} has no topic '{topic.topic}', or this user may not see it")
    partitions = [partition_of(topic.topic, number) for number in sorted(known)]
    consumer.assign(partitions)
    ends: dict[Any, int] = consumer.end_offsets(partitions)
    for partition, first in consumer.beginning_offsets(partitions).items():
        consumer.seek(partition, ends[partition] if bounds.start == "latest" else first)
    return ends


def _over(consumer: Any, ends: dict[Any, int], bounds: Bounds, started: float) -> bool:
    if bounds.seconds is not None:
        return time.monotonic() - started > bounds.seconds
    return all(consumer.position(partition) >= end for partition, end in ends.items())


def _wanted(record: Any, ends: dict[Any, int], bounds: Bounds) -> bool:
    """A topic goes on growing: what came after the end that was asked for is another read's."""
    if bounds.seconds is not None:
        return True
    return any(record.partition == at.partition and record.offset < end for at, end in ends.items())


def _hint(error: Exception) -> str:
    hints = {
        "UnsupportedCodecError": ": install the package of that compression (python-snappy, lz4, zstandard)",
        "KafkaTimeoutError": ": is this the address of a broker, and does it want TLS (kafka+tls://)?",
        "SaslAuthenticationFailedError": ": is the user name right, and the mechanism?",
        "TopicAuthorizationFailedError": ": may this user read the topic?",
    }
    return hints.get(type(error).__name__, "")


class _NoSecret(logging.Filter):
    """kafka-python logs requests, a login's password among them, and what a broker says of a login."""

    def __init__(self, secret: str) -> None:
        super().__init__()
        self.secret = secret

    def filter(self, record: logging.LogRecord) -> bool:
        return record.levelno > logging.DEBUG and not (self.secret and self.secret in record.getMessage())


@contextmanager
def _quiet(topic: Kafka) -> Iterator[None]:
    """Keep the password out of every log while kafka-python is at work."""
    silence = _NoSecret(topic.secret())
    loggers = [logging.getLogger(name) for name in list(logging.root.manager.loggerDict) if name.startswith("kafka")]
    for logger in loggers:
        logger.addFilter(silence)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeFilter(silence)
