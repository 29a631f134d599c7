"""Folders of flowkit's own layout as one table: which are meant, their files and ends opened, damage found by file."""

from __future__ import annotations

import glob
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
from sqlglot import exp

from flowkit.contract import endpoint_table
from flowkit.contract.endpoint_table import NUMBER, SIDES, number_column
from flowkit.contract.layout import is_layout
from flowkit.engine.dialects import Expression, written
from flowkit.engine.duckdb import DuckDB
from flowkit.engine.expressions import column, number
from flowkit.engine.files import Files, is_url
from flowkit.errors import SourceError

STORED, ENDS, FILES = "stored", "ends", "[0-9]*.parquet"
_CONFIG: dict[str, Any] = {"autoinstall_known_extensions": False, "python_enable_replacements": False}


@dataclass(frozen=True)
class Stored:
    """Folders opened: a connection that knows their files as ``stored`` and their endpoint tables as ``ends``."""

    connection: Any
    columns: tuple[str, ...]
    ends: pa.Table


def layouts_of(flows: Any) -> tuple[Path, ...]:
    """The folders of flowkit's own layout that `flows` names, themselves, by a glob or by a folder above; none: ().

    Raises `SourceError` for such a folder beside other files, and for single files out of one, which mean nothing alone.

    >>> layouts_of("nowhere/*.parquet")
    ()
    """
    several = [flows] if isinstance(flows, str | Path) else flows
    if not isinstance(several, list | tuple) or not all(isinstance(each, str | Path) for each in several):
        return ()
    named = {str(each): _layouts(str(each)) for each in several}
    own = tuple(dict.fromkeys(folder for folders in named.values() for folder in folders))
    other = next((name for name, folders in named.items() if not folders), None)
    if own and other is not None:
        raise SourceError(f"'{own[0]}' is in flowkit's own layout and '{other}' is not: read one form at a time")
    return own


def _layouts(where: str) -> list[Path]:
    if is_url(where):
        return []
    paths = [Path(where)] if Path(where).exists() else sorted(map(Path, glob.glob(where, recursive=True)))
    for path in paths:
        if path.is_file() and is_layout(path.parent):
            raise SourceError(f"'{path}' is part of a folder in flowkit's own layout: name '{path.parent}' instead")
    return [folder for path in paths if path.is_dir() for folder in _below(path)]


def _below(path: Path) -> list[Path]:
    if is_layout(path):
        return [path]
    found = sorted(each.parent for each in path.rglob(endpoint_table.FILE) if not each.parent.name.startswith("."))
    if found:
        other = next((each for each in path.rglob("*.parquet") if not {*each.parents}.intersection(found)), None)
        if other is not None:
            raise SourceError(f"'{found[0]}' is in flowkit's own layout and '{other}' is not: read one form at a time")
    return found


@dataclass(frozen=True)
class Folder:
    """One folder: its files of flows and its endpoint table, whose numbers are raised by `raised` among several."""

    files: tuple[str, ...]
    ends: pa.Table
    raised: int


def folders_of(paths: Sequence[Path]) -> list[Folder]:
    """The folders that hold flows; raises `SourceError` for an endpoint table that cannot be read."""
    folders: list[Folder] = []
    for path in paths:
        files = tuple(str(file) for file in sorted(path.glob(FILES)))
        raised = sum(len(folder.ends) for folder in folders)
        if files:
            folders.append(Folder(files, _ends(path), raised))
    return folders


def _ends(path: Path) -> pa.Table:
    try:
        return endpoint_table.load(path)
    except (pa.ArrowException, OSError) as error:
        where = path / endpoint_table.FILE
        raise SourceError(f"cannot read '{where}': {str(error).splitlines()[0]}") from error


def without_damaged(
    folders: Sequence[Folder], engine: DuckDB, columns: Sequence[str], error: Exception
) -> tuple[list[Folder], list[str]]:
    """The folders with those files that can be read, and a sentence for each that cannot; raises as `DuckDB` does."""
    every = Files("Parquet", tuple(name for folder in folders for name in folder.files))
    rest, sentences = engine.without_damaged(every, columns, error)
    left = [replace(folder, files=tuple(n for n in folder.files if n in rest.names)) for folder in folders]
    return [folder for folder in left if folder.files], sentences


@contextmanager
def opened(folders: Sequence[Folder], memory: str | None) -> Iterator[Stored]:
    """A connection of its own in which all rows are called ``stored``, and all ends ``ends``."""
    limit = {"memory_limit": memory} if memory else {}
    ends = pa.concat_tables([folder.ends for folder in folders])
    ends = ends.set_column(0, NUMBER, pa.array(np.arange(len(ends)), pa.uint32()))
    with (
        tempfile.TemporaryDirectory(prefix="flowkit-") as spill,
        duckdb.connect(config={**_CONFIG, **limit, "temp_directory": spill}) as connection,
    ):
        relation = _relation(connection, folders)
        relation.create_view(STORED)
        connection.register(ENDS, ends)
        yield Stored(connection, tuple(relation.columns), ends)


def _relation(connection: Any, folders: Sequence[Folder]) -> Any:
    parts = [connection.read_parquet(list(map(glob.escape, folder.files)), union_by_name=True) for folder in folders]
    if len(parts) == 1:
        return parts[0]
    for place, part in enumerate(parts):
        part.create_view(f"part{place}")
    first, *rest = (_raised(folder.raised, f"part{place}") for place, folder in enumerate(folders))
    for other in rest:
        first = first.union(other, distinct=False, by_name=True)
    return connection.sql(written(first, "duckdb"))


def _raised(by: int, part: str) -> Expression:
    """A folder's rows, the numbers of their ends as they stand in the table of all ends."""
    ends = [
        exp.alias_(exp.Add(this=exp.cast(column(name), "uint"), expression=number(by)), name, quoted=True)
        for name in map(number_column, SIDES)
    ]
    return exp.select(exp.Star(replace=ends)).from_(part)
