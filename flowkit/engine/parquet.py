"""Parquet files as one table that DuckDB streams: columns united by name, Hive partitions as text, damage found by file."""

from __future__ import annotations

import glob
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import duckdb
from sqlglot import exp

from flowkit.engine.dialects import Expression, written
from flowkit.engine.expressions import Operand, column, flag_list
from flowkit.engine.files import Files, is_url
from flowkit.engine.kinds import FLAGS, is_flags

# A partition's key is text as its folder spells it: DuckDB would make 7 of "007".
_READ = "FROM read_parquet($files, union_by_name = true, hive_types_autocast = false)"
_FORMS = """
    SELECT file_name, bool_or(name = $field AND num_children = 1), bool_or(name = $field AND num_children IS NULL)
    FROM parquet_schema($files) GROUP BY file_name ORDER BY file_name
"""


def open_parquet(connection: Any, files: Files, spelling: Mapping[str, str], name: str) -> None:
    """Make the view `name` over the files; a column that a file lacks is missing in its rows.

    Where some files hold a flag set as bits and others as a list of names, lists are made of the bits.
    """
    for field in filter(is_flags, spelling):
        lists, bits = _forms(connection, files, field)
        if lists and bits:
            _view(connection, lists, "lists")
            _view(connection, bits, "bits")
            connection.sql(written(_united(field), "duckdb")).create_view(name)
            return
    _view(connection, files.patterns, name)


def _view(connection: Any, patterns: list[str], name: str) -> None:
    connection.sql(_READ, params={"files": patterns}).create_view(name)


def _forms(connection: Any, files: Files, field: str) -> tuple[list[str], list[str]]:
    """The files in which `field` is a list, and all others if it is a number in one of them."""
    if len(files.names) == 1 and not is_url(files.names[0]):
        return [], []
    forms = connection.execute(_FORMS, {"files": files.patterns, "field": field}).fetchall()
    lists = [glob.escape(name) for name, is_list, _ in forms if is_list]
    bits = [glob.escape(name) for name, is_list, _ in forms if not is_list]
    return lists, bits if any(is_number for *_, is_number in forms) else []


def _united(field: str) -> Expression:
    names = exp.alias_(flag_list(Operand(column(field), FLAGS)), exp.to_identifier(field, quoted=True))
    bits = exp.select(exp.Star(replace=[names])).from_("bits")
    lists: Expression = exp.select("*").from_("lists")
    return lists.union(bits, distinct=False, by_name=True)


def damaged_among(connection: Any, files: Files, columns: Iterable[str]) -> dict[str, str]:
    """Those files that cannot be read to the end in these columns, each with what DuckDB says.

    >>> damaged_among(duckdb.connect(), Files("Parquet", ("/dev/null",)), ["Proto"])
    {'/dev/null': "Invalid Input Error: File '/dev/null' too small to be a Parquet file"}
    """
    wanted = list(columns)
    found = {name: _complaint(connection, replace(files, names=(name,)), wanted) for name in files.names}
    return {name: complaint for name, complaint in found.items() if complaint}


def _complaint(connection: Any, file: Files, columns: list[str]) -> str:
    """What is wrong with one file: every value of the columns is decoded to see."""
    read = _READ if file.form == "Parquet" else "FROM read_ndjson_objects($files, ignore_errors = true)"
    try:
        table = connection.sql(read, params={"files": file.patterns})
        asked = [name for name in table.columns if file.form == "JSON lines" or name in columns]
        hashes: list[Expression] = [exp.Max(this=exp.func("hash", column(name))) for name in asked] or [
            exp.Count(this=exp.Star())
        ]
        table.aggregate(", ".join(written(one, "duckdb") for one in hashes)).fetchall()
    except duckdb.Error as error:
        return str(error).strip().splitlines()[0]
    return ""
