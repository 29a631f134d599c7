"""Bring a table into the contract's form, and put conformed tables together without losing dtypes.

Bad values never stop a table: what does not fit its field becomes missing and is counted by field.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.types import is_bool_dtype, is_integer_dtype, pandas_dtype, union_categoricals

from flowkit.contract.fields import FIELDS, Field
from flowkit.contract.flags import flag_bits
from flowkit.contract.provenance import merge, provenance, with_provenance
from flowkit.errors import ContractError

# Above this share of distinct values a categorical costs more than it saves.
_NEARLY_UNIQUE = 0.5
_SMALL = 100_000


def conform(flows: pd.DataFrame) -> pd.DataFrame:
    """Return `flows` with every known field in its contract dtype; unknown columns stay as they are.

    Text becomes categorical (or ``str`` when nearly unique), numbers the smallest exact nullable integer, ``Flags``
    (bit set, list of names, or text of a number) the agent's bit set; a Flags column with a list the bit set cannot hold
    (repeated or unknown name) stays a list column. Values that do not fit are missing afterwards and counted in the
    provenance as "values of FIELD that are not its type".

    Raises `ContractError` when a column name stands twice.

    >>> conform(pd.DataFrame({"DstPort": ["443", None], "Flags": [["SYN"], []]})).dtypes.astype(str).to_dict()
    {'DstPort': 'UInt16', 'Flags': 'UInt16'}
    """
    twice = flows.columns[flows.columns.duplicated()]
    if len(twice):
        raise ContractError(f"column '{twice[0]}' stands twice in this table: rename or drop one")
    known: dict[str, pd.Series[Any]] = {}
    spoiled: dict[str, int] = {}
    for name in (name for name in flows.columns if name in FIELDS):
        given = flows[name]
        column = _conform_column(given, FIELDS[name])
        if column is not given:
            known[name] = column
            spoiled[f"values of {name} that are not its type"] = int(column.isna().sum() - given.isna().sum())
    return with_provenance(flows.assign(**known), provenance(flows).losing(spoiled))


def _conform_column(column: pd.Series[Any], field: Field) -> pd.Series[Any]:
    if field.type == "flags":
        return _flags(column)
    if field.is_text:
        return _text(column)
    if field.type == "bool":
        return column.astype("boolean") if is_bool_dtype(column) else _boolean(column)
    return _integer(column, field.dtype) if field.is_number else column


def _text(column: pd.Series[Any]) -> pd.Series[Any]:
    if isinstance(column.dtype, pd.CategoricalDtype):
        return column
    text = column.astype("str") if column.dtype != "str" else column
    text = text.where(column.notna())
    if len(text) > _SMALL and text.nunique() > _NEARLY_UNIQUE * len(text):
        return text
    return text.astype("category")


def _boolean(column: pd.Series[Any]) -> pd.Series[Any]:
    words = {"true": True, "false": False, "1": True, "0": False}
    return column.map(lambda value: words.get(str(value).lower()), na_action="ignore").astype("boolean")


def _integer(column: pd.Series[Any], dtype: str) -> pd.Series[Any]:
    if str(column.dtype) == dtype:
        return column
    target = pandas_dtype(dtype)
    numbers: pd.Series[Any] = pd.to_numeric(column, errors="coerce", dtype_backend="numpy_nullable")
    limits = np.iinfo(dtype.lower())
    # As a float the largest 64-bit integers round up to the next power of two, which no longer fits.
    below = numbers <= limits.max if is_integer_dtype(numbers) else numbers < float(limits.max + 1)
    fits = numbers.notna() & (numbers >= limits.min) & below & (numbers % 1 == 0)
    return numbers.where(fits.fillna(value=False)).astype(target)


def _flags(column: pd.Series[Any]) -> pd.Series[Any]:
    if column.dtype != object:
        return _integer(column, "UInt16")
    codes, distinct = pd.factorize(column.map(_hashable, na_action="ignore"))
    bits = [flag_bits(list(item)) if isinstance(item, tuple) else _number(item) for item in distinct]
    if any(isinstance(item, tuple) and value is None for item, value in zip(distinct, bits, strict=True)):
        return column
    values = pd.array([*bits, None], dtype="UInt16")
    return pd.Series(values.take(codes), index=column.index, name=column.name)


def _hashable(value: Any) -> Any:
    return value if isinstance(value, str | int | float) else tuple(value)


def _number(value: Any) -> int | None:
    try:
        number = int(value)
    except (TypeError, ValueError):
        return None
    return number if 0 <= number < 1 << 16 else None


def stack(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Put conformed tables under each other: columns united, categories united, provenance merged, rows numbered anew.

    >>> stack([conform(pd.DataFrame({"SrcAddr": ["10.0.0.1"]})), conform(pd.DataFrame({"Proto": [6]}))]).shape
    (2, 2)
    """
    if not tables:
        return pd.DataFrame()
    if len(tables) == 1:
        return tables[0].reset_index(drop=True)
    names = list(dict.fromkeys(name for table in tables for name in table.columns))
    columns = {name: _stack_column([_column(table, name, tables) for table in tables]) for name in names}
    whole = pd.DataFrame(columns)
    for table in tables:
        whole.attrs = _merged(whole.attrs, table.attrs)
    return with_provenance(whole, merge(provenance(table) for table in tables))


def _merged(one: dict[Any, Any], other: dict[Any, Any]) -> dict[Any, Any]:
    """Two tables' attrs as one: dicts are united key by key, of anything else the later stands."""
    both = {**one, **other}
    for key in one.keys() & other.keys():
        if isinstance(one[key], dict) and isinstance(other[key], dict):
            both[key] = _merged(one[key], other[key])
    return both


def _column(table: pd.DataFrame, name: str, tables: Sequence[pd.DataFrame]) -> pd.Series[Any]:
    if name in table.columns:
        return table[name]
    dtype = next(other[name].dtype for other in tables if name in other.columns)
    return pd.Series([pd.NA] * len(table), dtype=dtype, name=name)


def _stack_column(parts: list[pd.Series[Any]]) -> pd.Series[Any]:
    if all(isinstance(part.dtype, pd.CategoricalDtype) for part in parts):
        return pd.Series(union_categoricals([part.array for part in parts], sort_categories=False))
    return pd.concat(parts, ignore_index=True)
