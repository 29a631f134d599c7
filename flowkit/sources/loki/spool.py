"""What was read of Loki so far, in a folder: ``entries.jsonl`` in logcli's form, and ``cursor.json`` that says how far.

The cursor is replaced after the entries are on disk, so a read that was cut goes on without losing or doubling an entry.
It holds the question, and nothing that opens a door.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from flowkit.errors import SourceError
from flowkit.sources.loki.paging import Entry, Page, Period


@dataclass(frozen=True)
class Cursor:
    """The question (`url`, `tenant`, `query`, `start`, `end`) and the state: go on at `following`; `size` bytes are good."""

    url: str
    tenant: str
    query: str
    start: int
    end: int
    following: int
    size: int = 0
    entries: int = 0
    twice: int = 0

    def rest(self, limit: int) -> Period:
        """What is still to be asked, `limit` entries at once."""
        return Period(self.query, self.following, self.end, limit)


def resumed(folder: Path, asked: Cursor) -> Cursor:
    """Where an earlier read of the same question stopped, or `asked` for a new one.

    Raises `SourceError` for a folder that belongs to another question or is damaged.
    """
    place = folder / "cursor.json"
    if not place.exists():
        return asked
    try:
        known = Cursor(**json.loads(place.read_text(encoding="utf-8")))
        size = (folder / "entries.jsonl").stat().st_size
    except (OSError, ValueError, TypeError) as error:
        raise SourceError(f"cannot go on from '{folder}': its cursor is damaged; remove the folder") from error
    if replace(known, following=0, size=0, entries=0, twice=0) != replace(asked, following=0) or size < known.size:
        raise SourceError(f"cannot go on from '{folder}': it holds another question's entries; name another folder")
    return known


def spooled(folder: Path, cursor: Cursor, pages: Iterator[Page]) -> Iterator[Cursor]:
    """Write pages to `folder` behind what `cursor` says is good, and yield the cursor after each."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "entries.jsonl").open("ab") as stream:
        stream.truncate(cursor.size)
        for page in pages:
            text = "".join(map(_line, page.entries)).encode("utf-8", "replace")
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
            cursor = replace(
                cursor,
                following=page.following,
                size=cursor.size + len(text),
                entries=cursor.entries + len(page.entries),
                twice=cursor.twice + page.twice,
            )
            _save(folder, cursor)
            yield cursor


def _line(entry: Entry) -> str:
    return json.dumps({"timestamp": entry.time, "labels": dict(entry.labels), "line": entry.line}) + "\n"


def _save(folder: Path, cursor: Cursor) -> None:
    part = folder / "cursor.json.part"
    part.write_text(json.dumps(vars(cursor)), encoding="utf-8")
    part.replace(folder / "cursor.json")
