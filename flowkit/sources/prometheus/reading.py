"""`read_metric`: what a Prometheus answers to a query, at a moment or over a range of any length."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta

import pandas as pd

from flowkit.contract import Provenance, with_provenance
from flowkit.contract.moments import When, milliseconds, moment
from flowkit.errors import NothingMatched, SourceError, no_series
from flowkit.sources.prometheus.client import Client
from flowkit.sources.prometheus.series import metric_names, named_metrics
from flowkit.sources.prometheus.server import Prometheus
from flowkit.sources.prometheus.tidy import tidy

_BORDER = re.compile(r"@\s*(start|end)\s*\(")


@dataclass(frozen=True)
class Range:
    """The moments from `start` to `end`, every `step`, all in ms; they may be asked for in `pieces`."""

    start: int
    end: int
    step: int

    def pieces(self, most: int) -> Iterator[Range]:
        """The same moments in ranges of at most `most`.

        >>> [(piece.start, piece.end) for piece in Range(0, 9, 2).pieces(2)]
        [(0, 2), (4, 6), (8, 9)]
        """
        for start in range(self.start, self.end + 1, self.step * most):
            yield Range(start, min(start + self.step * (most - 1), self.end), self.step)


def read_metric(
    query: str,
    server: Prometheus | str,
    *,
    time: When = None,
    start: When = None,
    end: When = None,
    step: str | timedelta | None = None,
    progress: Callable[[float], object] | None = None,
) -> pd.DataFrame:
    """Ask a Prometheus a PromQL query, at one moment (`time`, now by default) or from `start` to `end` every `step`.

    A URL as `server` takes tokens and certificates from the environment (`Prometheus.from_environment`). Moments are text
    (UTC where nothing is said), Timestamps or seconds since 1970. Long ranges are asked for in pieces of `server.steps`
    moments; `progress` is called after each with the share that is done.

    Returns one column a label (sorted, categories, "" where a series lacks it), ``time`` (datetime64[ms, UTC]), ``value``
    (float64), as `promql` does; the server's warnings are notes in its provenance. A metric that is not there gives an
    empty table and the warning `NothingMatched` with near names. Raises `QueryError` with Prometheus' own message and its
    place for a query it refuses, `SourceError` when the server cannot be asked.

    >>> read_metric("up", "http://user:secret@host:9090")
    Traceback (most recent call last):
    flowkit.errors.SourceError: the URL of Prometheus at 'host' holds a password or token: give it as token or token_file
    """
    asked = Client(Prometheus.from_environment(server) if isinstance(server, str) else server)
    with asked:
        if step is None:
            if (start, end) != (None, None):
                raise SourceError("a range needs a step, such as step='1m'")
            at = {} if time is None else {"time": moment(time) / 1000}
            answers = [asked.data("api/v1/query", {"query": query, **at})]
        else:
            answers = _ranged(asked, query, _range(start, end, step, time), progress or (lambda _share: None))
    table = tidy(answers)
    notes = _nowhere(query, asked.server) if table.empty else []
    for note in notes:
        warnings.warn(note, NothingMatched, stacklevel=2)
    return with_provenance(table, Provenance((asked.server.url,)).noting(*asked.noted, *notes))


def _range(start: When, end: When, step: str | timedelta, time: When) -> Range:
    if time is not None or start is None:
        raise SourceError("ask for a time, or for a range with start, end and step")
    found = Range(moment(start), moment(pd.Timestamp.now("UTC") if end is None else end), milliseconds(step))
    if found.end < found.start:
        raise SourceError("a range ends after it starts")
    return found


def _ranged(client: Client, query: str, whole: Range, progress: Callable[[float], object]) -> list[dict[str, object]]:
    pieces = list(whole.pieces(client.server.steps))
    if len(pieces) > 1 and _BORDER.search(query):
        raise SourceError(
            f"@ start() and @ end() would change their meaning in the {len(pieces)} pieces this range is asked in: write "
            "the moments, or take a longer step"
        )
    answers = []
    for done, piece in enumerate(pieces, 1):
        times = {"start": piece.start / 1000, "end": piece.end / 1000, "step": piece.step / 1000}
        answers.append(client.data("api/v1/query_range", {"query": query, **times}))
        progress(done / len(pieces))
    return answers


def _nowhere(query: str, server: Prometheus) -> list[str]:
    """The metrics that are asked for by name and that the server has not, with names that are near."""
    named = named_metrics(query)
    there = metric_names(server) if named else []
    return [no_series(name, there) for name in named if name not in there]
