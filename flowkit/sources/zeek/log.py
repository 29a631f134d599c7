"""Any Zeek log as columns of text: its own tab-separated form with a header, or JSON lines.

Source: https://docs.zeek.org/en/master/log-formats.html. Logs put behind one another (``cat``) have a header each, and each
header is minded; separator, empty and unset text are what the header says.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as csv

from flowkit.errors import SourceError
from flowkit.sources.foreign import json_objects, texts
from flowkit.sources.losses import EXAMPLES, Loss, example
from flowkit.sources.objects.unpacked import unpacked

_ESCAPE = re.compile(rb"\\x([0-9a-fA-F]{2})")
_HEADER_LINE = re.compile(rb"^#[^\n]*(?:\n|\Z)", re.MULTILINE)
_BAD_ROWS = "Zeek rows that have other columns than their header"
_NO_HEADER = "Zeek rows before any header"
_UNIT = b"\x1f"


@dataclass(frozen=True)
class Header:
    """What a log says of itself before its rows."""

    separator: bytes = b"\t"
    unset: str = "-"
    empty: str = "(empty)"
    sets: str = ","
    fields: tuple[str, ...] = ()

    def told(self, line: bytes) -> Header:
        """The same with what one more line of the header tells."""
        if line.startswith(b"#separator"):
            found = _ESCAPE.sub(lambda code: bytes([int(code[1], 16)]), line[len(b"#separator ") :])
            return Header(separator=found.strip(b" \r\n") or found[:1] or b"\t")
        key, *values = line.rstrip(b"\r\n").decode("utf-8", "replace").split(self.separator.decode("utf-8", "replace"))
        match key:
            case "#unset_field" if values:
                return replace(self, unset=values[0])
            case "#empty_field" if values:
                return replace(self, empty=values[0])
            case "#set_separator" if values and values[0]:
                return replace(self, sets=values[0])
            case "#fields":
                return replace(self, fields=tuple(values))
        return self


def is_log(head: bytes) -> bool:
    """Whether a file that begins so is a Zeek log.

    >>> is_log(b"#separator \\\\x09\\n#set_separator\\t,\\n"), is_log(b'{"ts":1.5,"uid":"C1","id.orig_h":"10.0.0.1"}')
    (True, True)
    """
    plain = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    is_json = plain[:1] in (b"{", b"[") and b'"id.orig_h"' in plain and b'"uid"' in plain
    return is_json or plain.startswith((b"#separator ", b"#fields"))


def read_log(path: Path, columns: Iterable[str]) -> tuple[Any, list[Loss]]:
    """The wanted columns of a log as texts, missing where it lacks them; and what could not be read.

    Empty text and empty sets are ``""``, unset ones missing.
    """
    with unpacked(path) as (plain, damage):
        content = plain.read_bytes()
    if content.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"{", b"["):
        return _json(path, tuple(columns))
    tables, losses = [], [*damage]
    for header, rows, line in _sections(content, path.name, losses):
        table, lost = _rows(header, rows, f"{path.name}:{line}")
        tables.append(_wanted(table, header, columns))
        losses += lost
    return pa.concat_tables(tables) if tables else _nothing(columns), losses


def _nothing(columns: Iterable[str]) -> Any:
    return pa.table({name: pa.array([], pa.string()) for name in columns})


def _json(path: Path, columns: tuple[str, ...]) -> tuple[Any, list[Loss]]:
    """JSON lines; a set is its items joined by commas, as in the other form."""
    places = ", ".join(f"'/{name}'" for name in columns)
    found = ", ".join(
        f"regexp_replace(found[{at}], '^\\[\"?|\"?\\]$|(\")(,)(\")', '\\2', 'g') AS \"{name}\""
        for at, name in enumerate(columns, start=1)
    )
    with json_objects(path) as (connection, losses):
        query = f"SELECT {found} FROM (SELECT json_extract_string(json, [{places}]) AS found FROM given)"  # noqa: S608 - fixed texts
        return texts(connection, query, columns), losses


def _sections(content: bytes, name: str, losses: list[Loss]) -> Iterator[tuple[Header, bytes, int]]:
    """Runs of rows with the header that holds for them and the number of their first line."""
    header, line, unknown = Header(), 1, 0
    for run in _runs(content.removeprefix(b"\xef\xbb\xbf")):
        if run.startswith(b"#"):
            header = header.told(run)
        elif header.fields:
            yield header, run, line
        else:
            unknown += sum(bool(row.strip()) for row in run.split(b"\n"))
        line += run.count(b"\n")
    losses.append(Loss(_NO_HEADER, unknown, (example(name, content[:60]),) if unknown else ()))


def _runs(content: bytes) -> Iterator[bytes]:
    """Lines of a header one by one, and everything between them."""
    place = 0
    for found in _HEADER_LINE.finditer(content):
        if content[place : found.start()].strip():
            yield content[place : found.start()]
        yield found.group()
        place = found.end()
    if content[place:].strip():
        yield content[place:]


def _rows(header: Header, rows: bytes, place: str) -> tuple[Any, list[Loss]]:
    names = [f"{at} {name}" for at, name in enumerate(header.fields)]
    separator = header.separator
    if len(separator) > 1 or separator in (b"\r", b"\n", b"\x00"):
        rows, separator = rows.replace(header.separator, _UNIT), _UNIT
    bad: list[str] = []

    def refused(row: Any) -> str:
        bad.append(row.text or "")
        return "skip"

    try:
        table = csv.read_csv(
            pa.BufferReader(rows.decode("utf-8", "replace").replace("\x00", "\ufffd").encode()),
            read_options=csv.ReadOptions(column_names=names, use_threads=False),
            parse_options=csv.ParseOptions(
                delimiter=separator.decode("latin-1"), quote_char=False, invalid_row_handler=refused
            ),
            convert_options=csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False
            ),
        )
    except (pa.ArrowException, ValueError) as error:
        raise SourceError(f"cannot read '{place.rpartition(':')[0]}': {str(error).splitlines()[0]}") from error
    return table, [Loss(_BAD_ROWS, len(bad), tuple(example(place, row) for row in bad[:EXAMPLES]))]


def _wanted(table: Any, header: Header, columns: Iterable[str]) -> Any:
    found: dict[str, Any] = {}
    for name in columns:
        if name not in header.fields:
            found[name] = pa.nulls(len(table), pa.string())
            continue
        column = table.column(header.fields.index(name)).combine_chunks()
        column = pc.if_else(pc.equal(column, header.unset), None, column)
        column = pc.if_else(pc.equal(column, header.empty), "", column)
        found[name] = column if header.sets == "," else pc.replace_substring(column, header.sets, ",")
    return pa.table(found, schema=pa.schema([(name, pa.string()) for name in found]))
