"""Flows of a period from a Loki, or from one URL that says it all."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pandas as pd

from flowkit.contract import provenance, stack, with_provenance
from flowkit.contract.plain import plain
from flowkit.engine import Condition, Predicate, run, together
from flowkit.engine.query import Filter, Scan
from flowkit.errors import SourceError
from flowkit.sources.lacks import with_lacks
from flowkit.sources.loki.logql import logql
from flowkit.sources.loki.paging import pages
from flowkit.sources.loki.server import Loki
from flowkit.sources.loki.spool import Cursor, resumed, spooled
from flowkit.sources.loki.transport import asking
from flowkit.sources.objects import read_objects
from flowkit.sources.records import one_record_a_flow, today

NAME = "Loki"
Moment = datetime | str
Where = Predicate | Sequence[Condition] | str | None
_PLACE = ">place"


def read_loki(
    server: Loki | str,
    start: Moment,
    end: Moment,
    *,
    where: Where = None,
    resume: Path | None = None,
    progress: Callable[[int, float], object] | None = None,
) -> pd.DataFrame:
    """Read the flows that ended from `start` until before `end` (UTC where nothing is said), in order of that time.

    `where` are conditions, as `flowkit.filter` takes them, of which Loki decides what it can; or a LogQL log query as it is.
    A URL as `server` takes the rest from the environment (`Loki.from_environment`). With a folder as `resume` a read that
    failed goes on where it stopped when it is asked again. `progress` is called after every page with the number of flows
    so far and the share of the period.

    Raises `SourceError` when Loki refuses or fails, and when it has no flow.

    >>> read_loki("loki://gateway", "2026-01-02", "2026-01-01")
    Traceback (most recent call last):
    flowkit.errors.SourceError: the period ends before it begins: 2026-01-02T00:00:00+00:00 to 2026-01-01T00:00:00+00:00
    """
    server = Loki.from_environment(server) if isinstance(server, str) else server
    first, last = _moment(start), _moment(end)
    if last <= first:
        raise SourceError(f"the period ends before it begins: {first.isoformat()} to {last.isoformat()}")
    test = together(where) if isinstance(where, Sequence) and not isinstance(where, str) else where
    query = test if isinstance(test, str) else logql(test)
    asked = Cursor(server.url, server.tenant, query, first.value, last.value, first.value)
    with tempfile.TemporaryDirectory(prefix="flowkit-") as folder:
        flows = _fetched(server, asked, resume or Path(folder), progress or (lambda _flows, _share: None))
    return flows if test is None or isinstance(test, str) else _filtered(flows, test)


def read(urls: list[str]) -> pd.DataFrame:
    """Read URLs as `fk.read` names them, one after the other."""
    return stack([read_url(url) for url in urls])


def read_url(url: str) -> pd.DataFrame:
    """Read ``loki://host:3100/path?start=…&end=…&query=…``: `end` is now where it is left out, `start` an hour before.

    >>> read_url("loki://host?strat=2026-01-01")
    Traceback (most recent call last):
    flowkit.errors.SourceError: 'strat' is not known in the URL of Loki: it takes start, end and query
    """
    asked = {name: values[-1] for name, values in parse_qs(urlsplit(url).query, keep_blank_values=True).items()}
    for name in asked:
        if name not in ("start", "end", "query"):
            raise SourceError(f"'{plain(name)[:20]}' is not known in the URL of Loki: it takes start, end and query")
    end = _moment(asked.get("end") or "now")
    start = _moment(asked["start"]) if asked.get("start") else end - pd.Timedelta(hours=1)
    return read_loki(url.split("?")[0], start, end, where=asked.get("query") or None)


def _moment(text: Moment) -> pd.Timestamp:
    try:
        moment = pd.Timestamp(text).as_unit("ns")
        return moment.tz_localize("UTC") if moment.tzinfo is None else moment.tz_convert("UTC")
    except (ValueError, TypeError, OverflowError) as error:
        raise SourceError(f"'{plain(text)[:40]}' is no time: write it like 2026-01-31T10:00:00Z") from error


def _fetched(server: Loki, asked: Cursor, folder: Path, progress: Callable[[int, float], object]) -> pd.DataFrame:
    cursor = resumed(folder, asked)
    for reached in spooled(folder, cursor, pages(asking(server), cursor.rest(server.limit))):
        cursor = reached
        progress(cursor.entries, (cursor.following - cursor.start) / (cursor.end - cursor.start))
    if not cursor.entries:
        raise SourceError(f"Loki at {server.url} has no flow in this period for {plain(asked.query)}")
    flows = one_record_a_flow(today(read_objects(folder / "entries.jsonl", server.url)))
    flows = with_provenance(flows, provenance(flows).folding({"entries that Loki answered twice": cursor.twice}))
    return with_lacks(flows)


def _filtered(flows: pd.DataFrame, test: Predicate) -> pd.DataFrame:
    """The flows that pass, exactly: Loki was asked for these or more."""
    kept = run(Filter(Scan((_PLACE,)), test), flows.assign(**{_PLACE: range(len(flows))}))
    return with_provenance(flows.take(kept[_PLACE].to_numpy()).reset_index(drop=True), provenance(flows))
