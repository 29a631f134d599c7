"""Sound JSON of flows straight into Arrow columns, without a detour over JSON values: lines, and arrays.

DuckDB is told the keys, so it parses each object once; what it does not tell is a key nobody named. Every key of compact JSON
ends in ``":``, so their number in the bytes must be the number of values found: then no key was left out. Whatever does
not come out even (damage, unknown keys, wrappings) is for the careful way, `flowkit.sources.objects.values`.

Fields whose values are numbers in a sample are read as floats, which costs half of text and still shows fractions; only a
boolean would look like a number, so there they must be none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from flowkit.contract import FIELDS
from flowkit.sources.objects.coded import EXACT
from flowkit.sources.objects.database import cursor
from flowkit.sources.objects.envelopes import ENVELOPES
from flowkit.sources.objects.sampled import sampled

T = TypeVar("T")

_PIECE = 1 << 18
_ROWS = 250_000
_INSIDE = "keys inside"
_KEY = b'":'
_ENDS_KEY = np.uint16(int.from_bytes(_KEY, "little"))
# ":t" and ":f" differ in two bits; ":d" and ":v" look the same without these, but JSON has no such value.
_WORD = np.uint16(0xFFFF ^ int.from_bytes(b"\0\x12", "little"))
_TRUE_OR_FALSE = np.uint16(int.from_bytes(b":t", "little")) & _WORD
_NULL = b'":null'
_MOST_KEYS = 200

Form = Literal["newline_delimited", "array"]


@dataclass(frozen=True)
class Sound(Generic[T]):
    """What was made of all objects, batch by batch, and the keys that have values, the most frequent first."""

    batches: tuple[T, ...]
    keys: tuple[str, ...]


@dataclass(frozen=True)
class _Written:
    """How often a key stands in a file, and how often a boolean follows it."""

    keys: int
    booleans: int


def sound_objects(path: Path, form: Form, keys: set[str], use: Callable[[pa.Table], T]) -> Sound[T] | None:
    """Give the objects of a file to `use`, batch by batch, as one column a key; None unless all of the file is sound.

    Columns are text, or floats below `EXACT`. `keys` are those seen so far; the file's own are added.
    """
    seen = sampled(path, form)
    if seen is None:
        return None
    keys |= seen.keys
    written = _written(path)
    for names, numbers in ((keys, seen.numbers if not written.booleans else frozenset()), (keys | set(FIELDS), set())):
        if not names or len(names) > _MOST_KEYS or _is_wrapping(names) or _confusable(names):
            return None
        found = _read(path, form, {name: "DOUBLE" if name in numbers else "VARCHAR" for name in sorted(names)}, use)
        if found is None and not numbers:
            return None
        batches, counts = found or ([], Counter())
        if found and ((values := counts.total()) == written.keys or values + _nulls(path) == written.keys):
            known = [name for name in names if counts[name] or name in seen.keys]
            keys.update(known)
            return Sound(tuple(batches), tuple(sorted(known, key=lambda name: (-counts[name], name))))
    return None


def _is_wrapping(keys: set[str]) -> bool:
    own = keys - FIELDS.keys()
    return any(envelope.keys and own.issuperset(envelope.keys) for envelope in ENVELOPES) or "error" in own


def _confusable(keys: set[str]) -> bool:
    """Whether DuckDB could take one key for another, or would not take it at all."""
    return len({key.lower() for key in keys}) < len(keys) or any("\0" in key or not key for key in keys)


def _read(
    path: Path, form: Form, types: dict[str, str], use: Callable[[pa.Table], T]
) -> tuple[list[T], Counter[str]] | None:
    """What `use` makes of each batch, and how often each key has a value, keys inside network events as one of their own."""
    objects = "FROM read_json($path, format = $form, columns = $columns)"
    given = {"path": str(path), "form": form, "columns": types}
    batches, counts = [], Counter[str]()
    try:
        with cursor() as connection:
            for table in _tables(connection.sql(objects, params=given).to_arrow_reader(_ROWS)):
                if not _every_row_has_one(table) or not _is_exact(table):
                    return None
                counts.update(dict(_values(table)))
                batches.append(use(table))
    except (duckdb.Error, UnicodeError, OSError):  # Arrow calls an error of DuckDB an OSError
        return None
    return batches, counts


def _is_exact(table: pa.Table) -> bool:
    """Whether no float is so large that it may be another than was written."""
    floats = (column for column in table.columns if pa.types.is_floating(column.type))
    edges = [edge for column in floats for edge in pc.min_max(column).as_py().values()]
    return all(edge is None or abs(edge) < EXACT for edge in edges)


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


def _written(path: Path) -> _Written:
    """Count ``":``, and ``":t`` and ``":f``: pairs of bytes compared as one number, at even places and at odd ones."""
    keys, booleans, buffer, shifted = 0, 0, bytearray(_PIECE + 2), np.empty(_PIECE + 2, dtype=np.uint8)
    block = np.frombuffer(buffer, dtype=np.uint8)
    with path.open("rb", buffering=0) as stream:
        while length := stream.readinto(memoryview(buffer)[2:]):
            # The last two bytes before stand in front, so that nothing is missed between two pieces, or counted twice.
            shifted[: length + 1] = block[1 : length + 2]
            odd, even = (part.view(np.uint16) for part in (shifted[: (length + 1) & ~1], block[2 : 2 + (length & ~1)]))
            ends_odd, ends_even = odd == _ENDS_KEY, even == _ENDS_KEY
            keys += int(np.count_nonzero(ends_odd)) + int(np.count_nonzero(ends_even))
            booleans += _followed(ends_odd, even) + _followed(ends_even, odd[1:])
            booleans += int(block[:2].tobytes() == _KEY and (odd[:1] & _WORD == _TRUE_OR_FALSE).any())
            buffer[:2] = buffer[length : length + 2]
    return _Written(keys, booleans)


def _followed(ends: Any, pairs: Any) -> int:
    """How many of the ends of keys have a boolean after them; `pairs` begin with the ends' second byte."""
    words = (pairs & _WORD) == _TRUE_OR_FALSE
    shared = min(len(ends), len(words))
    return int(np.count_nonzero(ends[:shared] & words[:shared]))


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
