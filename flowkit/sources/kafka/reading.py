"""Flows of a Kafka topic, bounded, through the same reader as files of messages."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Literal, cast
from urllib.parse import parse_qs

import pandas as pd

from flowkit.contract import provenance, stack, with_provenance
from flowkit.contract.plain import plain
from flowkit.errors import SourceError
from flowkit.sources.kafka.broker import Kafka
from flowkit.sources.kafka.polling import Bounds, messages
from flowkit.sources.lacks import with_lacks
from flowkit.sources.objects import read_objects
from flowkit.sources.records import one_record_a_flow, today

NAME = "Kafka"
_NO_VALUE = "Kafka messages without a value"


def read_kafka(
    topic: Kafka | str,
    *,
    start: Literal["earliest", "latest"] = "earliest",
    messages: int | None = None,
    seconds: float | None = None,
) -> pd.DataFrame:
    """Read the flows that a topic holds when asked, or all that come within `seconds`; at most `messages` of them.

    A URL as `topic` takes the rest from the environment (`Kafka.from_environment`). With `start` "latest" only what comes
    from now on is read, for which `seconds` is needed. Reading commits nothing. Messages that are no flow are counted.

    Raises `SourceError` when the broker refuses or falls silent, and when there was no flow.

    >>> read_kafka("kafka://broker:9092/flows", start="latest")
    Traceback (most recent call last):
    flowkit.errors.SourceError: 'latest' reads what comes from now on: say for how many seconds
    """
    bounds = _bounds(start, messages, seconds)
    topic = Kafka.from_environment(topic) if isinstance(topic, str) else topic
    with tempfile.TemporaryDirectory(prefix="flowkit-") as folder:
        spool = Path(folder, "messages.jsonl")
        empty, count = _spooled(topic, bounds, spool)
        if count == empty:
            raise SourceError(
                f"Kafka at {topic.url} gave no message" + (f" but {empty:,} without a value" if empty else "")
            )
        flows = with_lacks(one_record_a_flow(today(_read(spool, topic))))
    known = provenance(flows).losing({_NO_VALUE: empty})
    stopped = [f"reading stopped after {count:,} messages, as asked"] if count == messages else []
    return with_provenance(flows, known.noting(*stopped))


def read(urls: list[str]) -> pd.DataFrame:
    """Read URLs as `fk.read` names them, one after the other."""
    return stack([read_url(url) for url in urls])


def read_url(url: str) -> pd.DataFrame:
    """Read ``kafka://broker:9092/topic?start=…&messages=…&seconds=…``.

    >>> read_url("kafka://broker/flows?second=5")
    Traceback (most recent call last):
    flowkit.errors.SourceError: 'second' is not known in the URL of Kafka: it takes start, messages and seconds
    """
    place, _, query = url.partition("?")
    asked = {name: values[-1] for name, values in parse_qs(query, keep_blank_values=True).items()}
    for name in asked:
        if name not in ("start", "messages", "seconds"):
            raise SourceError(
                f"'{plain(name)[:20]}' is not known in the URL of Kafka: it takes start, messages and seconds"
            )
    count, seconds = _number(asked, "messages"), _number(asked, "seconds")
    start = cast('Literal["earliest", "latest"]', asked.get("start", "earliest"))
    return read_kafka(place, start=start, messages=None if count is None else int(count), seconds=seconds)


def _number(asked: dict[str, str], name: str) -> float | None:
    if name not in asked:
        return None
    try:
        return float(asked[name])
    except ValueError:
        raise SourceError(f"{name} in the URL of Kafka is a number, not '{plain(asked[name])[:20]}'") from None


def _bounds(start: Literal["earliest", "latest"], count: int | None, seconds: float | None) -> Bounds:
    if start not in ("earliest", "latest"):
        raise SourceError(f"start is 'earliest' or 'latest', not '{plain(start)[:20]}'")
    if start == "latest" and seconds is None:
        raise SourceError("'latest' reads what comes from now on: say for how many seconds")
    if (count is not None and count < 1) or (seconds is not None and not 0 < seconds < 86_400):
        raise SourceError("messages are at least 1, seconds more than 0 and less than a day")
    return Bounds(start, count, seconds)


def _spooled(topic: Kafka, bounds: Bounds, spool: Path) -> tuple[int, int]:
    """Write a line a message, whatever is in it; return how many had no value, and how many there were."""
    empty = count = 0
    with spool.open("wb") as stream:
        for batch in messages(topic, bounds):
            # Between JSON's words a line feed is a space, within them it is not allowed.
            lines = [value.replace(b"\n", b" ") + b"\n" for value in batch if value]
            stream.writelines(lines)
            empty, count = empty + len(batch) - len(lines), count + len(batch)
    return empty, count


def _read(spool: Path, topic: Kafka) -> pd.DataFrame:
    try:
        return read_objects(spool, topic.url)
    except SourceError as error:
        told = str(error).replace(str(spool), topic.url)
        raise SourceError(
            f"{told}; the agents' own topic holds protobuf, flows as JSON are in the topic of spec.exporters"
        ) from None
