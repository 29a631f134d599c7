"""The NetObserv CLI's SQLite database, written beside each capture: addresses, ports and totals, without times and flags.

Column names are as the CLI creates them; ``TimeFlowRTTNs`` is its spelling of ``TimeFlowRttNs``. ``DnsErrno`` is always NULL,
and so is ``Interface`` with today's agents.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pandas as pd

from flowkit.contract import FIELDS, Provenance, conform, stack, with_provenance
from flowkit.contract.plain import plain as plain_text
from flowkit.errors import SourceError
from flowkit.sources.lacks import with_lacks
from flowkit.sources.objects.unpacked import unpacked
from flowkit.sources.records import today

NAME = "NetObserv CLI database"

_NAMES = {"TimeFlowRTTNs": "TimeFlowRttNs"}
_NO_NAMES = "no Kubernetes names and no observing node: copies of a flow from two nodes cannot be told from two flows"


def recognises(head: bytes, name: str) -> bool:  # noqa: ARG001 - every source is asked the same way
    """SQLite's magic text.

    >>> recognises(b"SQLite format 3" + bytes(1), "capture.db")
    True
    """
    return head.startswith(b"SQLite format 3\0")


def read(paths: list[Path]) -> pd.DataFrame:
    """Read the table ``flow`` of CLI databases into one conformed flow table.

    Raises `SourceError` for a database without such a table, and for a damaged one.
    """
    return with_lacks(stack([_read(path) for path in paths]))


def _read(path: Path) -> pd.DataFrame:
    try:
        with unpacked(path) as (plain, damage), closing(_opened(plain)) as database:
            flows = pd.read_sql_query("SELECT * FROM flow", database)
    except (sqlite3.Error, pd.errors.DatabaseError, OverflowError, ValueError) as error:
        raise SourceError(f"cannot read '{path}': {_reason(error)}") from error
    flows = flows.rename(columns=_NAMES).dropna(axis="columns", how="all")
    if damage or not any(name in FIELDS for name in flows.columns):
        raise SourceError(f"cannot read '{path}': its table flow holds no flow")
    flows = flows.apply(_without_bytes)
    return today(conform(with_provenance(flows, Provenance((path.name,)).noting(_NO_NAMES))))


def _reason(error: Exception) -> str:
    """The database's own words, without pandas' before them: a damaged one may repeat bytes of the file."""
    return plain_text(str(error.__cause__ or error))[:200]


def _without_bytes(column: pd.Series[Any]) -> pd.Series[Any]:
    """SQLite lets a column hold anything: bytes in it become text."""
    if column.dtype != object:
        return column
    return column.map(lambda value: value.decode("utf-8", "replace") if isinstance(value, bytes) else value)


def _opened(path: Path) -> sqlite3.Connection:
    # Immutable: nothing is written beside the file, and nobody's lock is waited for.
    database = sqlite3.connect(f"file:{quote(str(path.absolute()))}?mode=ro&immutable=1", uri=True)
    database.text_factory = lambda text: text.decode("utf-8", "replace")
    return database
