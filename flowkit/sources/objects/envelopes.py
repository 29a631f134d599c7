"""JSON objects that hold flows rather than being one: opened in place, until the table ``given`` has flows only.

Known: arrays; FLP's S3 batches (``flow_logs``); kcat's message envelope (``topic`` and ``payload``); answers of Loki's
``query_range``, their bare streams, and logcli's JSON lines, where stream labels are merged back into each flow.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import duckdb

from flowkit.contract.plain import plain
from flowkit.errors import SourceError
from flowkit.sources.losses import EXAMPLES, Loss, example

_DEPTH = 4  # an answer in a message in a batch: deeper than anybody nests


@dataclass(frozen=True)
class Envelope:
    """Keys that make an object one, SQL of the list of texts it holds and of labels for each, and words for what is no flow."""

    keys: tuple[str, ...]
    texts: str
    empty: str
    labels: str = "NULL"

    @property
    def test(self) -> str:
        """SQL that holds for such an object."""
        if not self.keys:
            return "starts_with(json, '[')"
        return (
            " AND ".join(f"json_exists(json, '/{key}')" for key in self.keys) + " AND NOT json_exists(json, '/SrcAddr')"
        )


def _items(of: str) -> str:
    return f"CAST(TRY_CAST({of} AS JSON[]) AS VARCHAR[])"


_STREAMS = "Loki streams that are none"
_ENTRIES = "Loki lines that are no flow"
ENVELOPES = (
    Envelope((), _items("json"), "array items that are no object"),
    Envelope(("flow_logs",), _items("json -> '/flow_logs'"), "flows of an S3 batch that are no object"),
    Envelope(("topic", "payload"), "[json ->> '/payload']", "Kafka messages that are no flow"),
    Envelope(("status", "data"), _items("json -> '/data/result'"), _STREAMS),
    Envelope(("resultType", "result"), _items("json -> '/result'"), _STREAMS),
    Envelope(("streams",), _items("json -> '/streams'"), _STREAMS),
    Envelope(
        ("stream", "values"),
        "[entry ->> '$[1]' FOR entry IN TRY_CAST(json -> '/values' AS JSON[])]",
        _ENTRIES,
        labels="json -> '/stream'",
    ),
    Envelope(("labels", "line"), "[json ->> '/line']", _ENTRIES, labels="json -> '/labels'"),
)


@dataclass(frozen=True)
class Opened:
    """What stands in ``given`` now: its keys, the most frequent first; losses and notes on the way."""

    keys: tuple[str, ...]
    losses: tuple[Loss, ...] = ()
    notes: tuple[str, ...] = ()


def open_envelopes(connection: duckdb.DuckDBPyConnection, name: str) -> Opened:
    """Replace envelopes in ``given`` by the flows they hold, in order; `name` stands in examples.

    Raises `SourceError` for an answer that holds metrics, or an error, instead of flows.
    """
    losses, notes = [], []
    for _ in range(_DEPTH):
        keys = tuple(key for (key,) in connection.execute(_KEYS).fetchall())
        _check_answers(connection, keys, name)
        found = list(_present(connection, keys))
        if not found:
            break
        notes += _batch_notes(connection, keys)
        for envelope in found:
            losses += _open(connection, envelope, name)
    losses += _drop(connection, "NOT starts_with(json, '{')", "JSON values that are no object", name)
    return Opened(keys, tuple(losses), tuple(notes))


_KEYS = """
    SELECT key FROM (SELECT unnest(json_keys(json)) AS key FROM given WHERE starts_with(json, '{'))
    GROUP BY key ORDER BY count(*) DESC, key
"""


def _present(connection: duckdb.DuckDBPyConnection, keys: Iterable[str]) -> Iterator[Envelope]:
    known = set(keys)
    for envelope in ENVELOPES:
        if known.issuperset(envelope.keys) and _count(connection, envelope.test):
            yield envelope


def _count(connection: duckdb.DuckDBPyConnection, test: str) -> int:
    (count,) = connection.execute(f"SELECT count(*) FROM given WHERE {test}").fetchone() or (0,)  # noqa: S608 - fixed texts
    return int(count)


def _open(connection: duckdb.DuckDBPyConnection, envelope: Envelope, name: str) -> list[Loss]:
    connection.execute(_OPEN.format(test=envelope.test, texts=envelope.texts, labels=envelope.labels))
    (count,) = connection.execute("SELECT count(*) FROM opened WHERE json IS NULL").fetchone() or (0,)
    some = connection.execute(
        "SELECT row + 1, coalesce(text, '') FROM opened WHERE json IS NULL ORDER BY row, part LIMIT ?", [EXAMPLES]
    ).fetchall()
    connection.execute(
        "DROP TABLE given;"
        "CREATE TEMP TABLE given AS SELECT json FROM opened WHERE json IS NOT NULL ORDER BY row, part;"
        "DROP TABLE opened"
    )
    return [Loss(envelope.empty, int(count), tuple(example(f"{name}, value {row}:", text) for row, text in some))]


# A label that the line repeats is the line's: the line is merged over the labels.
_OPEN = """
    CREATE TEMP TABLE opened AS
    SELECT rowid AS row, 0 AS part, NULL AS text, json FROM given WHERE NOT coalesce({test}, false)
    UNION ALL
    SELECT row, part, text, CASE
        WHEN NOT starts_with(ltrim(text), '{{') OR TRY_CAST(text AS JSON) IS NULL THEN NULL
        WHEN labels IS NULL THEN CAST(ltrim(text) AS JSON)
        ELSE json_merge_patch(labels, CAST(text AS JSON)) END
    FROM (
        SELECT row, labels, generate_subscripts(texts, 1) AS part, unnest(texts) AS text
        FROM (SELECT rowid AS row, {texts} AS texts, CAST({labels} AS JSON) AS labels FROM given WHERE {test})
    )
"""


def _drop(connection: duckdb.DuckDBPyConnection, test: str, reason: str, name: str) -> list[Loss]:
    some = connection.execute(f"SELECT rowid + 1, json FROM given WHERE {test} LIMIT {EXAMPLES}").fetchall()  # noqa: S608 - fixed texts
    if not some:
        return []
    loss = Loss(reason, _count(connection, test), tuple(example(f"{name}, value {row}:", text) for row, text in some))
    connection.execute(f"DELETE FROM given WHERE {test}")  # noqa: S608 - fixed texts
    return [loss]


def _check_answers(connection: duckdb.DuckDBPyConnection, keys: Iterable[str], name: str) -> None:
    if not {"status", "data"}.issubset(keys) and not {"status", "error"}.issubset(keys):
        return
    answers = connection.execute(
        "SELECT DISTINCT json ->> '/data/resultType', json ->> '/error' FROM given WHERE json_exists(json, '/status')"
    ).fetchall()
    for kind, error in answers:
        if error is not None:
            raise SourceError(f"cannot read '{name}': it holds an error, not flows: {plain(error)[:200]}")
        if kind not in (None, "streams"):
            raise SourceError(
                f"cannot read '{name}': its answer is a {plain(kind)[:20]}, which holds metrics rather than flows; "
                "ask for the flows themselves, with a query that has no rate, count or sum"
            )


def _batch_notes(connection: duckdb.DuckDBPyConnection, keys: Iterable[str]) -> list[str]:
    if not {"flow_logs", "capture_start_time", "capture_end_time"}.issubset(keys):
        return []
    count, start, end = connection.execute(
        "SELECT count(*), min(json ->> '/capture_start_time'), max(json ->> '/capture_end_time') "
        "FROM given WHERE json_exists(json, '/flow_logs')"
    ).fetchone() or (0, "", "")
    return [f"{count} S3 batches, captured from {plain(start)[:40]} to {plain(end)[:40]}"] if count else []
