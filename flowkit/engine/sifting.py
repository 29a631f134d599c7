"""Rows that a test of the flags throws away, thrown away before an engine reads what else they hold."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeVar

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pandas.api.types import is_integer_dtype

from flowkit.engine.flagset import chosen, empty_passes
from flowkit.engine.kinds import is_flags
from flowkit.engine.query import Align, Carry, Filter, HasPart, Plan, Predicate, Scan, conjuncts, fields_of

Table = TypeVar("Table", pd.DataFrame, pa.Table)

_WORTH = 2  # a copy of the rows that stay pays where at most one in so many does


def sifted(plan: Plan, table: Table, sql_names: dict[str, str]) -> Table:
    """Leave out rows of which `plan` would see nothing, as far as its tests of a bit set tell; the plan tests again.

    >>> from flowkit.engine.query import Condition
    >>> plan = Filter(Scan(), HasPart("Flags", Condition("Flags", "SYN")))
    >>> sifted(plan, pa.table({"Flags": [2, 16, None, 18, 0]}), {"Flags": "Flags"})["Flags"].to_pylist()
    [2, 18]
    """
    for field, mask in _masks(plan):
        bits = _bits(table, sql_names.get(field, ""))
        if bits is not None:
            table = _with_some(table, bits, mask)
    return table


def _bits(table: pd.DataFrame | pa.Table, name: str) -> Any:
    """The column as numbers in a type of its own size, 0 where missing; None where it holds no integers."""
    if isinstance(table, pd.DataFrame):
        if name not in table.columns or not is_integer_dtype(table[name].dtype):
            return None
        dtype: Any = table[name].dtype
        return table[name].to_numpy(getattr(dtype, "numpy_dtype", dtype), na_value=0)
    is_whole = name in table.column_names and pa.types.is_integer(table[name].type)
    return pc.fill_null(table[name], 0).to_numpy() if is_whole else None


def _masks(plan: Plan) -> Iterator[tuple[str, int]]:
    for test in _row_tests(plan):
        if isinstance(test, HasPart) and is_flags(test.field) and not empty_passes(test.test):
            yield test.field, chosen(test.field, test.test)


def _row_tests(plan: Plan) -> list[Predicate]:
    """What must hold of a row as it was scanned for any step to see it."""
    tests: list[Predicate] = []
    while not isinstance(plan, Scan):
        match plan:
            case Filter(_, test):
                tests.extend(conjuncts(test))
            case Carry(_, names):
                tests = [test for test in tests if fields_of(test).isdisjoint(new for new, _ in names)]
            case Align(_, name, _, _):
                tests = [test for test in tests if name not in fields_of(test)]
            case _:
                tests = []
        plan = plan.source
    return tests


def _with_some(table: Table, bits: Any, mask: int) -> Table:
    # As SQL does it: a type in which the mask has no place gives way to a wider one.
    kept = (bits if mask <= np.iinfo(bits.dtype).max else bits.astype(np.int64)) & mask != 0
    if np.count_nonzero(kept) * _WORTH > len(kept):
        return table
    return table.filter(pa.array(kept)) if isinstance(table, pa.Table) else table.take(np.flatnonzero(kept))
