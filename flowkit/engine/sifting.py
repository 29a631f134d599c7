"""Rows that a test of the flags throws away, thrown away before an engine reads what else they hold."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from flowkit.engine.flagset import chosen, empty_passes
from flowkit.engine.kinds import is_flags
from flowkit.engine.query import Align, Carry, Filter, HasPart, Plan, Predicate, Scan, conjuncts, fields_of

_WORTH = 2  # a copy of the rows that stay pays where at most one in so many does


def sifted(plan: Plan, table: pa.Table, sql_names: dict[str, str]) -> pa.Table:
    """Leave out rows of which `plan` would see nothing, as far as its tests of a bit set tell; the plan tests again.

    >>> from flowkit.engine.query import Condition
    >>> plan = Filter(Scan(), HasPart("Flags", Condition("Flags", "SYN")))
    >>> sifted(plan, pa.table({"Flags": [2, 16, None, 18, 0]}), {"Flags": "Flags"})["Flags"].to_pylist()
    [2, 18]
    """
    for field, mask in _masks(plan):
        bits = table[sql_names[field]] if sql_names.get(field) in table.column_names else None
        if bits is not None and pa.types.is_integer(bits.type):
            table = _with_some(table, bits, mask)
    return table


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


def _with_some(table: pa.Table, bits: Any, mask: int) -> pa.Table:
    kept = pc.not_equal(pc.bit_wise_and(pc.cast(bits, pa.int64(), safe=False), mask), 0)
    return table.filter(kept) if (pc.sum(kept).as_py() or 0) * _WORTH <= len(table) else table
