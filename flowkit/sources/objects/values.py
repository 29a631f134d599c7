"""Text of any JSON shape into a DuckDB table ``given(json)`` of one JSON object a row, in the file's order.

Shapes: one object a line, also with commas and brackets around (the CLI's ``.txt``); one array, several glued ones; objects
over several lines. DuckDB reads what is sound. Only lines it refuses are looked at here: first stripped of commas and
brackets, then scanned for what can be saved.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby, islice
from pathlib import Path
from typing import NamedTuple

import duckdb
import pyarrow as pa

from flowkit.sources.losses import EXAMPLES, Loss, example
from flowkit.sources.objects.scan import objects_in

BROKEN = "broken JSON lines"
_HEAD = 1 << 20
_BATCH = 50_000
_WRAPPING = b" \t\r\n,[]"
_MOST = 1 << 31  # bytes of one object: more than DuckDB lets an answer or an S3 batch have by itself


def load_values(connection: duckdb.DuckDBPyConnection, path: Path, name: str, before: int = 0) -> list[Loss]:
    """Make the table ``given`` from a plain file and tell what could not be read.

    `name` stands in the examples, with a number of the line, which `before` others precede.
    """
    shape = shape_of(path)
    if shape.is_array or not shape.by_line:
        form, size = ("array" if shape.is_array else "unstructured"), min(path.stat().st_size + 1024, _MOST)
        try:
            connection.execute(
                _CREATE.format(f"read_json_objects(?, format='{form}', maximum_object_size={size})"), [str(path)]
            )
        except duckdb.Error:
            connection.execute("DROP TABLE IF EXISTS given")
        else:
            return []
    return _lines(connection, path, name, before) if shape.by_line else _whole(connection, path, name, before)


_CREATE = "CREATE TEMP TABLE given AS SELECT json FROM {}"


@dataclass(frozen=True)
class Shape:
    """How a file begins: its first line that is more than commas and brackets is a whole value; an array; commas between."""

    by_line: bool
    is_array: bool
    has_commas: bool


def shape_of(path: Path) -> Shape:
    """Look at the beginning of a file."""
    with path.open("rb") as stream:
        head = stream.read(_HEAD).removeprefix(b"\xef\xbb\xbf").lstrip()
    first = next((line for line in head.split(b"\n") if line.strip(_WRAPPING)), b"")
    by_line = len(first) < _HEAD and _is_value(first.strip(_WRAPPING))
    return Shape(by_line, head.startswith(b"["), by_line and first.rstrip().endswith(b","))


def _is_value(line: bytes) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        # A single broken line says nothing of the file: only text that ends amid an object spans lines.
        return not line.startswith(b"{") or line.endswith(b"}")
    return True


class _Piece(NamedTuple):
    row: int  # among the lines that are not blank, as DuckDB counts them
    line: int  # in the file, from 1
    text: str


def _lines(connection: duckdb.DuckDBPyConnection, path: Path, name: str, before: int) -> list[Loss]:
    try:
        connection.execute(_CREATE.format("read_ndjson_objects(?, ignore_errors=true)"), [str(path)])
    except duckdb.Error:  # a line longer than DuckDB takes
        return _whole(connection, path, name, before)
    refused = [row for (row,) in connection.execute("SELECT rowid FROM given WHERE json IS NULL ORDER BY 1").fetchall()]
    if not refused:
        return []
    connection.execute(_SAVED)
    losses = [
        loss
        for some in _batches(_refused_lines(path, refused, before))
        for loss in _lost(_save(connection, _scanned(_save(connection, _stripped(some)))), name)
    ]
    connection.execute(_JOIN)
    return losses


_SAVED = "CREATE TEMP TABLE saved (row BIGINT, json JSON)"
_JOIN = """
    CREATE TEMP TABLE joined AS SELECT json FROM (
        SELECT rowid AS row, -1 AS part, json FROM given WHERE json IS NOT NULL
        UNION ALL SELECT row, rowid AS part, json FROM saved
    ) ORDER BY row, part;
    DROP TABLE given; DROP TABLE saved;
    ALTER TABLE joined RENAME TO given;
"""


def _batches(pieces: Iterator[_Piece]) -> Iterator[list[_Piece]]:
    while batch := list(islice(pieces, _BATCH)):
        yield batch


def _refused_lines(path: Path, refused: Iterable[int], before: int) -> Iterator[_Piece]:
    wanted = iter(refused)
    row, next_wanted = -1, next(wanted, -1)
    with path.open("rb") as stream:
        for number, text in enumerate(stream, start=before + 1):
            row += not text.isspace()
            if row == next_wanted:
                yield _Piece(row, number, text.decode("utf-8", "surrogateescape"))
                next_wanted = next(wanted, -1)


def _stripped(lines: Iterable[_Piece]) -> Iterator[_Piece]:
    return (line._replace(text=line.text.strip(_WRAPPING.decode())) for line in lines)


def _scanned(lines: Iterable[_Piece]) -> Iterator[_Piece]:
    """What can be saved of lines: those that follow each other are read as one text, an object may span them."""
    for _, run in groupby(enumerate(lines), key=lambda item: item[1].row - item[0]):
        block = [line for _, line in run]
        yield from _pieces("\n".join(line.text for line in block), block[0].row, block[0].line)


def _whole(connection: duckdb.DuckDBPyConnection, path: Path, name: str, before: int) -> list[Loss]:
    text = path.read_bytes().decode("utf-8", "surrogateescape")
    connection.execute(_SAVED)
    losses = [loss for some in _batches(_pieces(text, 0, before + 1)) for loss in _lost(_save(connection, some), name)]
    connection.execute("CREATE TEMP TABLE given AS SELECT json FROM saved ORDER BY rowid; DROP TABLE saved")
    return losses


def _pieces(text: str, row: int, line: int) -> Iterator[_Piece]:
    seen = 0
    for offset, piece, _ in objects_in(text):
        line += text.count("\n", seen, offset)
        seen = offset
        yield _Piece(row, line, piece)


def _save(connection: duckdb.DuckDBPyConnection, pieces: Iterable[_Piece]) -> list[_Piece]:
    """Put into ``saved`` what is a JSON object, and return the rest."""
    pieces = list(pieces)
    if not pieces:
        return []
    likely = [piece.text.startswith("{") and _is_utf8(piece.text) for piece in pieces]
    batch = pa.table(
        {
            "place": pa.array(range(len(pieces)), pa.int64()),
            "row": pa.array([piece.row for piece in pieces], pa.int64()),
            "text": pa.array(
                [piece.text if fits else None for piece, fits in zip(pieces, likely, strict=True)], pa.string()
            ),
        }
    )
    connection.register("batch", batch)
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE tried AS SELECT place, row, TRY_CAST(text AS JSON) AS json FROM batch"
    )
    connection.unregister("batch")
    connection.execute("INSERT INTO saved SELECT row, json FROM tried WHERE json IS NOT NULL ORDER BY place")
    refused = connection.execute("SELECT place FROM tried WHERE json IS NULL ORDER BY place").fetchall()
    return [pieces[place] for (place,) in refused]


def _is_utf8(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _lost(pieces: list[_Piece], name: str) -> list[Loss]:
    if not pieces:
        return []
    return [
        Loss(BROKEN, len(pieces), tuple(example(f"{name}:{piece.line}", piece.text) for piece in pieces[:EXAMPLES]))
    ]
