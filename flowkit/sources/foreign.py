"""Records of other tools, brought to flow fields: JSON opened with its damage counted, texts given their field's own form."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa

from flowkit.contract import Provenance, conform, with_provenance
from flowkit.sources.losses import EXAMPLES, Loss, example, losing
from flowkit.sources.objects.columns import columns_of
from flowkit.sources.objects.unpacked import unpacked
from flowkit.sources.objects.values import load_values


@dataclass(frozen=True)
class Found:
    """What a file gave: one text column a flow field (others come along), what was lost, and what is to be known of it."""

    texts: Any
    losses: tuple[Loss, ...] = ()
    notes: tuple[str, ...] = ()

    def conformed(self, name: str) -> pd.DataFrame:
        """The flows as a table of their own, whose provenance calls the file `name`; columns nobody filled are left out.

        >>> list(Found(pa.table({"DstPort": ["443", "x"], "Dscp": [None, None]})).conformed("a.log"))
        ['DstPort']
        """
        full = [one for one in self.texts.column_names if self.texts[one].null_count < len(self.texts)]
        flows, spoiled = columns_of(self.texts.select(full))
        known = losing(Provenance((name,)).noting(*self.notes), (*self.losses, *spoiled))
        return conform(with_provenance(flows, known))


@contextmanager
def json_objects(path: Path) -> Iterator[tuple[duckdb.DuckDBPyConnection, list[Loss]]]:
    """Yield a connection whose table ``given(json)`` has the JSON objects of a file, in order, and what was lost of it.

    Lines, arrays, glued and damaged text are read as NetObserv's are, see `flowkit.sources.objects.values`.
    """
    with unpacked(path) as (plain, damage), duckdb.connect() as connection:
        losses = [*damage, *load_values(connection, plain, path.name)]
        yield connection, [*losses, *left_out(connection, "starts_with(json, '{')", _NO_OBJECT, path.name)]


_NO_OBJECT = "JSON values that are no object"


def left_out(connection: duckdb.DuckDBPyConnection, kept: str, reason: str, name: str) -> list[Loss]:
    """Delete from ``given`` the rows for which the SQL `kept` does not hold, and tell them."""
    test = f"NOT coalesce({kept}, false)"
    some = connection.execute(
        f"SELECT rowid + 1, json FROM given WHERE {test} ORDER BY rowid LIMIT {EXAMPLES}"  # noqa: S608 - fixed texts
    ).fetchall()
    if not some:
        return []
    (count,) = connection.execute(f"SELECT count(*) FROM given WHERE {test}").fetchone() or (0,)  # noqa: S608 - fixed texts
    connection.execute(f"DELETE FROM given WHERE {test}")  # noqa: S608 - fixed texts
    return [Loss(reason, int(count), tuple(example(f"{name}, value {row}:", text) for row, text in some))]


def pointed(json: str, pointers: Mapping[str, str], table: str) -> str:
    """SQL of `table` with one text column a name, read at its JSON pointer from the SQL `json`, and ``row``: its number.

    >>> print(pointed("json", {"SrcAddr": "/IP/source"}, "given"))
    SELECT row, found[1] AS "SrcAddr" FROM (SELECT rowid AS row, json_extract_string(json, ['/IP/source']) AS found FROM given)
    """
    places = ", ".join(f"'{pointer}'" for pointer in pointers.values())
    columns = ", ".join(f'found[{place}] AS "{name}"' for place, name in enumerate(pointers, start=1))
    found = f"SELECT rowid AS row, json_extract_string({json}, [{places}]) AS found FROM {table}"  # noqa: S608 - fixed texts
    return f"SELECT row, {columns} FROM ({found})"  # noqa: S608 - fixed texts


def texts(connection: duckdb.DuckDBPyConnection, query: str, names: Iterable[str]) -> pa.Table:
    """The result of `query` as texts, its columns of these names in this order."""
    columns = ", ".join(f'CAST("{name}" AS VARCHAR) AS "{name}"' for name in names)
    return connection.sql(f"SELECT {columns} FROM ({query})").to_arrow_table()  # noqa: S608 - fixed texts
