"""The one embedded database that all files are read through: opening one for each costs more than most files do."""

from __future__ import annotations

import os
import tempfile
from functools import cache
from pathlib import Path

import duckdb

_CONFIG = {"autoinstall_known_extensions": False, "python_enable_replacements": False}


def cursor() -> duckdb.DuckDBPyConnection:
    """A connection with temporary tables and registered names of its own; use it as a context, which drops them.

    >>> with cursor() as connection:
    ...     connection.sql("SELECT 1").fetchall()
    [(1,)]
    """
    try:
        return _silent(_database(os.getpid()).cursor())
    except duckdb.FatalException:  # an error inside DuckDB closes a database for good, here one without anything in it
        _database.cache_clear()
        return _silent(_database(os.getpid()).cursor())


def _silent(connection: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    connection.execute("SET enable_progress_bar = false")
    return connection


@cache
def _database(process: int) -> duckdb.DuckDBPyConnection:
    """The database of a process: its threads do not live on in a fork."""
    folder = Path(tempfile.gettempdir()) / f"flowkit-read-{process}"
    return duckdb.connect(config={**_CONFIG, "temp_directory": str(folder)})
