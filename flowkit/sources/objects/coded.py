"""Columns of JSON objects in their compact form: coded in Arrow batch by batch, and put together once as pandas.

Text becomes numbers of a dictionary, so that what repeats is held, and later looked at, once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from flowkit.contract import FIELDS, Field, conform
from flowkit.sources.lists import lists
from flowkit.sources.losses import EXAMPLES, Loss, example
from flowkit.sources.objects.database import cursor
from flowkit.sources.objects.numerals import SQL_TYPES, number_sql

EXACT = 2**53  # below it a float is the whole number that was written

Column: TypeAlias = tuple["pd.Series[Any]", list[str]]


def coded(table: pa.Table) -> tuple[pa.Table, list[Loss]]:
    """The same columns, text as dictionaries and numbers in their field's type, and what is not of that type.

    Numbers come as text, or as floats that are less than `EXACT`.

    >>> coded(pa.table({"DstPort": ["443", "70000"]}))[0].column("DstPort").to_pylist()
    [443, None]
    """
    found = {name: _coded(table.column(name), FIELDS.get(name)) for name in table.column_names}
    losses = [spoiled_values(name, spoiled) for name, (_, spoiled) in found.items()]
    return pa.table({name: column for name, (column, _) in found.items()}), losses


def spoiled_values(name: str, spoiled: Sequence[str]) -> Loss:
    """Values of a field that had to be left out, as a loss."""
    return Loss(
        f"values of {name} that are not its type",
        len(spoiled),
        tuple(example("", text) for text in spoiled[:EXAMPLES]),
    )


def flows_of(batches: Sequence[pa.Table], names: Sequence[str]) -> tuple[pd.DataFrame, list[Loss]]:
    """Coded batches under each other as columns of pandas, in the order of `names`."""
    flows: dict[str, pd.Series[Any]] = {}
    losses = []
    for name in names:
        columns = [batch.column(name) for batch in batches]
        chunks = pa.chunked_array([chunk for column in columns for chunk in column.chunks], columns[0].type)
        flows[name], spoiled = series(chunks, FIELDS.get(name))
        losses.append(spoiled_values(name, spoiled))
    return pd.DataFrame(flows), losses


def series(column: pa.ChunkedArray, known: Field | None) -> Column:
    """One coded column in its field's own form, and texts that had to be left out because they are no list of its kind."""
    if known is not None and known.type in SQL_TYPES:
        dtype = pd.api.types.pandas_dtype(known.dtype)
        return column.to_pandas(types_mapper=lambda _: dtype), []
    whole = column.unify_dictionaries().to_pandas()
    if known is not None and known.is_list:
        return _flags(whole) if known.type == "flags" else lists(whole, known.type)
    return whole, []


def _flags(whole: pd.Series[Any]) -> Column:
    """Flags as the bit set where every text is one, each distinct text looked at once; as what they say otherwise."""
    distinct, spoiled = lists(pd.Series(whole.cat.categories, dtype=object), "flags")
    bits = conform(pd.DataFrame({"Flags": distinct}))["Flags"]
    if spoiled or bits.dtype == object or bits.isna().any():
        return lists(whole, "flags")
    return pd.Series(pd.array([*bits, None], dtype="UInt16").take(whole.cat.codes.to_numpy())), []


def _coded(column: pa.ChunkedArray, known: Field | None) -> tuple[pa.ChunkedArray, list[str]]:
    if known is None or known.type not in SQL_TYPES:
        return column.dictionary_encode(), []
    if pa.types.is_floating(column.type):
        return _whole(column, known)
    plain = _plain(column, known)
    return (plain, []) if plain is not None else _by_sql(column, known)


def _whole(column: pa.ChunkedArray, known: Field) -> tuple[pa.ChunkedArray, list[str]]:
    """Floats as whole numbers."""
    target = pa.type_for_alias(known.dtype.lower())
    try:
        return pc.cast(column, target), []
    except pa.ArrowInvalid:
        limits = np.iinfo(known.dtype.lower())
        fits = pc.and_(pc.equal(pc.floor(column), column), pc.greater_equal(column, float(limits.min)))
        fits = pc.and_(fits, pc.less_equal(column, float(limits.max)))
    kept = pc.cast(pc.if_else(fits, column, pa.scalar(None, column.type)), target)
    return kept, [
        np.format_float_positional(value, trim="-") for value in pc.filter(column, pc.invert(fits)).to_pylist()
    ]


def _plain(column: pa.ChunkedArray, known: Field) -> Any:
    """What Arrow makes of a column where every text is a plain whole number in range; None otherwise."""
    if known.type == "bool" or pc.any(pc.match_substring(column, "x")).as_py():  # 0x10 would be one to Arrow
        return None
    try:
        return pc.cast(column, pa.type_for_alias(known.dtype.lower()))
    except pa.ArrowInvalid:
        return None


def _by_sql(column: pa.ChunkedArray, known: Field) -> tuple[pa.ChunkedArray, list[str]]:
    with cursor() as connection:
        connection.register("given", pa.table({"texts": column}))
        number, spoiled = number_sql("texts", known.type)
        table = connection.sql(f"SELECT {number} AS value, {spoiled} AS spoiled FROM given").to_arrow_table()  # noqa: S608 - fixed texts
    return table.column("value"), pc.drop_null(table.column("spoiled")).to_pylist()
