"""NetObserv's JSON in every form it is met in: lines, arrays, CLI captures, S3 batches, Kafka messages, answers of Loki.

The flows of all these are the same objects; what differs is the wrapping, which `flowkit.sources.objects` opens.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from flowkit.contract import stack
from flowkit.sources.lacks import with_lacks
from flowkit.sources.objects import read_objects
from flowkit.sources.records import one_record_a_flow, today

NAME = "NetObserv JSON"


def recognises(head: bytes, name: str) -> bool:  # noqa: ARG001 - every source is asked the same way
    """JSON of flows begins with an object or an array.

    >>> recognises(b' [{"SrcAddr"', "flows.txt"), recognises(b"PAR1", "flows.json")
    (True, False)
    """
    return head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"{", b"[")


def read(paths: list[Path]) -> pd.DataFrame:
    """Read NetObserv JSON files, plain or gzipped, into one conformed flow table.

    Old captures come in today's fields, and no flow stands in it twice as a record of its conversation: see
    `flowkit.sources.records`. Raises `SourceError` for a file that holds no flow at all.
    """
    return with_lacks(one_record_a_flow(stack([today(read_objects(path, path.name)) for path in paths])))
