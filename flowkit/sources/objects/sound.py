"""Sound JSON lines of flows straight into Arrow columns of text, without a detour over JSON values.

DuckDB is told the keys, so it parses each line once; what it does not tell is a key nobody named. Every key of compact JSON
ends in ``":``, so their number in the bytes must be the number of values found: then no key was left out. Whatever does
not come out even (damage, unknown keys, wrappings) is for the careful way, `flowkit.sources.objects.values`.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from flowkit.contract import FIELDS
from flowkit.sources.objects.envelopes import ENVELOPES

T = TypeVar("T")

_PIECE = 1 << 18
_SAMPLES = 48
_ROWS = 250_000
_INSIDE = "keys inside"
_AROUND = 1 << 15
_ENDS_KEY = np.uint16(int.from_bytes(b'":', "little"))
_NULL = b'":null'
_MOST_KEYS = 200
_LOOSE = (b'" :', b'"\t:', b'"\r:')


@dataclass(frozen=True)
class Sound(Generic[T]):
    """What was made of all lines, batch by batch, and the keys that have values, the most frequent first."""

    batches: tuple[T, ...]
    keys: tuple[str, ...]


def sound_lines(path: Path, keys: set[str], use: Callable[[pa.Table], T]) -> Sound[T] | None:
    """Give the lines of a file to `use`, batch by batch, as one text column a key; None unless all of the file is sound.

    `keys` are those seen so far; the file's own are added.
    """
    sampled = _sampled_keys(path)
    if sampled is None:
        return None
    keys |= sampled
    written = _key_count(path)
    for names in (keys, keys | set(FIELDS)):
        if not names or len(names) > _MOST_KEYS or _is_wrapping(names) or _confusable(names):
            return None
        found = _read(path, sorted(names), use)
        if found is None:
            return None
        batches, counts = found
        if (values := counts.total()) == written or values + _nulls(path) == written:
            known = [name for name in names if counts[name] or name in sampled]
            keys.update(known)
            return Sound(tuple(batches), tuple(sorted(known, key=lambda name: (-counts[name], name))))
    return None


def _sampled_keys(path: Path) -> set[str] | None:
    """The keys of lines all over the file; None where one of them is no JSON object, or spaced as no program writes it."""
    keys: set[str] = set()
    size = path.stat().st_size
    with path.open("rb") as stream:
        for place in np.unique(np.linspace(0, max(size - _AROUND, 0), _SAMPLES, dtype=np.int64)).tolist():
            stream.seek(place)
            lines = stream.read(_AROUND).split(b"\n")
            whole = lines[bool(place) : -1] if place + _AROUND < size else lines[bool(place) :]
            found = _keys_of([line for line in whole if line.strip()][:8])
            if found is None:
                return None
            keys |= found
    return keys


def _keys_of(lines: Iterable[bytes]) -> set[str] | None:
    keys: set[str] = set()
    for line in lines:
        try:
            value = json.loads(line.removeprefix(b"\xef\xbb\xbf"))
        except (ValueError, RecursionError):
            return None
        if not isinstance(value, dict) or any(mark in line for mark in _LOOSE):
            return None
        keys |= value.keys()
    return keys


def _is_wrapping(keys: set[str]) -> bool:
    own = keys - FIELDS.keys()
    return any(envelope.keys and own.issuperset(envelope.keys) for envelope in ENVELOPES) or "error" in own


def _confusable(keys: set[str]) -> bool:
    """Whether DuckDB could take one key for another, or would not take it at all."""
    return len({key.lower() for key in keys}) < len(keys) or any("\0" in key or not key for key in keys)


def _read(path: Path, keys: list[str], use: Callable[[pa.Table], T]) -> tuple[list[T], Counter[str]] | None:
    """What `use` makes of each batch, and how often each key has a value, keys inside network events as one of their own."""
    lines = "FROM read_json($path, format = 'newline_delimited', columns = $columns)"
    given = {"path": str(path), "columns": dict.fromkeys(keys, "VARCHAR")}
    batches, counts = [], Counter[str]()
    try:
        with duckdb.connect() as connection:
            connection.execute("SET enable_progress_bar = false")
            for table in _tables(connection.sql(lines, params=given).to_arrow_reader(_ROWS)):
                if not _every_row_has_one(table):
                    return None
                counts.update(dict(_values(table)))
                batches.append(use(table))
    except (duckdb.Error, UnicodeError, OSError):  # Arrow calls an error of DuckDB an OSError
        return None
    return batches, counts


def _tables(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
    """DuckDB's batches, which are as small as it likes, put together."""
    some: list[pa.RecordBatch] = []
    for batch in batches:
        some.append(batch)
        if sum(each.num_rows for each in some) >= _ROWS:
            yield pa.Table.from_batches(some)
            some = []
    if some:
        yield pa.Table.from_batches(some)


def _values(table: pa.Table) -> Iterator[tuple[str, int]]:
    for name in table.column_names:
        column = table.column(name)
        yield name, len(column) - column.null_count
        if name in FIELDS and FIELDS[name].type == "maps":
            yield _INSIDE, pc.sum(pc.count_substring(column, '":')).as_py() or 0


def _key_count(path: Path) -> int:
    """How often ``":`` stands in a file: pairs of bytes compared as one number, at even places and at odd ones."""
    count, buffer, shifted = 0, bytearray(_PIECE + 2), np.empty(_PIECE, dtype=np.uint8)
    block = np.frombuffer(buffer, dtype=np.uint8)
    with path.open("rb", buffering=0) as stream:
        while length := stream.readinto(memoryview(buffer)[1 : _PIECE + 1]):
            even, odd = (length + 1) & ~1, length & ~1
            shifted[:odd] = block[1 : odd + 1]
            for pairs in (block[:even], shifted[:odd]):
                count += int(np.count_nonzero(pairs.view(np.uint16) == _ENDS_KEY))
            buffer[0] = buffer[length]  # the first half of a pair that goes on in the next piece
    return count


def _nulls(path: Path) -> int:
    """How many keys say null, in so many letters."""
    count, rest = 0, b""
    with path.open("rb") as stream:
        while piece := stream.read(_PIECE):
            count += (rest + piece).count(_NULL)
            rest = piece[1 - len(_NULL) :]
    return count


def _every_row_has_one(table: pa.Table) -> bool:
    """Whether no row is without any value: a line that says null looks like it."""
    empty: Any = None
    for column in sorted(table.columns, key=lambda column: column.null_count):
        if not column.null_count:
            return True
        empty = column.is_null() if empty is None else pc.and_(empty, column.is_null())
    return empty is not None and not pc.any(empty).as_py()
