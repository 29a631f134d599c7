"""pandas tables on their way into an engine and results on their way out.

In: only the columns a plan mentions, without a copy; object columns (lists, maps, odd mixtures) become Arrow.
Out: exact integers, pandas' ``str`` for text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pandas.api.types import infer_dtype

from flowkit.contract import FLAG_BITS
from flowkit.contract.flags import flag_bits
from flowkit.engine.kinds import is_flags
from flowkit.engine.query import ROW
from flowkit.errors import ContractError

_FLOATING = ("floating", "mixed-integer-float", "empty")
_SHARED = 8  # rows to a distinct object from which objects are looked at once each
_SAMPLE = 4096  # rows at which it is first seen whether they share at all
_LARGE = 100_000  # rows from which compact columns are felt
_INT64, _UINT64 = range(-(2**63), 2**63), range(2**64)


def narrow(
    flows: pd.DataFrame | pa.Table, spelling: Mapping[str, str], lists: frozenset[str]
) -> pd.DataFrame | pa.Table:
    """The columns of `flows` that `spelling` names, under their SQL names; Arrow where pandas holds Python objects.

    `lists` are the columns that will be flattened. Raises `ContractError` when one of the columns stands twice.
    """
    found = pd.Index(flows.columns if isinstance(flows, pd.DataFrame) else flows.column_names)
    names = [name for name in spelling if name in found]
    twice = found[found.duplicated()].intersection(names)
    if len(twice):
        raise ContractError(f"column '{twice[0]}' stands twice in this table: rename or drop one")
    if not names:
        return pd.DataFrame({ROW: np.zeros(len(flows), dtype="int8")})
    spelled = [spelling[name] for name in names]
    if isinstance(flows, pa.Table):
        return flows.select(names).rename_columns(spelled)
    if all(_is_plain(flows[name]) for name in names):
        return flows[names].set_axis(spelled, axis=1)
    columns = [_listed(flows[name]) if name in lists else _arrow(flows[name]) for name in names]
    return pa.table(columns, names=spelled)


def plain_strings(flows: pd.DataFrame, names: Iterable[str]) -> list[str]:
    """A note on what makes queries on a large table slow: columns of text, or of flag names, in no compact form."""
    if len(flows) < _LARGE:
        return []
    slow = [str(name) for name in flows.columns if name in set(names) and _is_slow(flows[name])]
    if not slow:
        return []
    return [
        f"{', '.join(slow)}: plain strings work, only slower; flowkit.contract.conform(flows), once, makes them compact"
    ]


def _is_slow(column: pd.Series[Any]) -> bool:
    return isinstance(column.dtype, pd.StringDtype) or column.dtype == object


def _is_plain(column: pd.Series[Any]) -> bool:
    return column.dtype != object and not isinstance(column.dtype, pd.ArrowDtype)


def _arrow(column: pd.Series[Any]) -> Any:
    """A column as Arrow; an object column of odd mixtures as the text of its values."""
    if is_flags(str(column.name)):
        return _flags(column)
    found = _inferred(column)
    return pa.array(_each(column, go_text), pa.string()) if found is None else found


def _listed(column: pd.Series[Any]) -> Any:
    """A column that will be flattened; an object column of odd mixtures as lists of text or maps, scalars in it lost."""
    if is_flags(str(column.name)):
        return _flags(column)
    found = _inferred(column)
    if found is not None:
        return found
    if any(isinstance(item, Mapping) for value in column if _is_list(value) for item in value):
        return pa.array(_each(column, _map_list), pa.list_(pa.map_(pa.string(), pa.string())))
    return pa.array(_each(column, _text_list), pa.list_(pa.string()))


def _flags(column: pd.Series[Any]) -> Any:
    """Flags as bits or lists of names, whichever they are; only a mixture, or numbers as text, is read one by one."""
    if column.dtype == object:
        places, values = _shared(column) or (None, column.to_numpy())
        if (bits := _bits(values)) is not None:
            return bits if places is None else bits.take(places)
    found = _inferred(column)
    if found is None or pa.types.is_string(found.type) or pa.types.is_boolean(found.type):
        return pa.array(_each(column, _flag_list), pa.list_(pa.string()))
    return found


def _shared(column: pd.Series[Any]) -> tuple[Any, Any] | None:
    """The distinct objects of a column, and each row's place among them, where many rows hold one and the same object.

    Told by identity, which looks into no list. None where hardly any object is shared.
    """
    if column.dtype != object:
        return None
    values = column.to_numpy()
    identities = _identities(values)
    sample = identities[:: len(values) // _SAMPLE + 1]
    if len(np.unique(sample)) * 2 > len(sample):
        return None
    places, distinct = pd.factorize(identities)
    if len(distinct) * _SHARED > len(values):
        return None
    heads = np.empty(len(distinct), dtype=np.int64)
    heads[places[::-1]] = np.arange(len(values) - 1, -1, -1)
    return pa.array(places), values[heads]


def _identities(values: Any) -> Any:
    """The `id` of each object of an array: an array of objects holds nothing else."""
    return np.frombuffer(np.ascontiguousarray(values), np.intp)


class _Bits(dict[tuple[Any, ...], int]):
    """The bit set of each list of flag names met so far, which are few; `LookupError` for one that cannot be a set."""

    def __missing__(self, names: tuple[Any, ...]) -> int:
        bits = flag_bits(list(names))
        if bits is None:
            raise LookupError(names)
        self[names] = bits
        return bits


def _bits(values: Any) -> Any:
    """Lists of flag names as bit sets; None where one of them is something else, or cannot be one."""
    missing = _identities(values) == id(None)
    lists = values[~missing]
    if set(map(type, lists)) != {list}:
        missing = pd.isna(values)
        lists = values[~missing]
    if set(map(type, lists)) != {list}:
        return None
    bits = np.zeros(len(values), np.uint16)
    try:
        bits[~missing] = np.fromiter(map(_Bits().__getitem__, map(tuple, lists)), np.uint16, len(lists))
    except (LookupError, TypeError):  # a name that is unknown or stands twice; something that is no name
        return None
    return pa.array(bits, mask=missing)


def _inferred(column: pd.Series[Any]) -> Any:
    """What Arrow makes of a column; None where it cannot without loss."""
    shared = _shared(column)
    if shared is not None:
        found = _inferred_of(shared[1])
        return None if found is None else found.take(shared[0])
    return _inferred_of(column if column.dtype != object else column.to_numpy())


def _inferred_of(values: Any) -> Any:
    try:
        found = pa.array(values, from_pandas=True)
    except OverflowError:
        return _unsigned(values)
    except (pa.ArrowException, TypeError, ValueError):
        return None
    # Arrow reads [1.0, False] as numbers, of which False is none.
    is_mixed = pa.types.is_floating(found.type) and infer_dtype(values, skipna=True) not in _FLOATING
    return None if is_mixed or _unreadable(found.type) else found


def _unsigned(values: Any) -> Any:
    """Integers beyond the signed 64 bits, where Arrow does not look by itself."""
    try:
        return pa.array(values, pa.uint64(), from_pandas=True)
    except (pa.ArrowException, OverflowError, TypeError, ValueError):
        return None


def _unreadable(kind: Any) -> bool:
    """Types that would lose something: bytes, and structs without keys or with keys that differ only in case."""
    if pa.types.is_list(kind):
        return _unreadable(kind.value_type)
    if pa.types.is_struct(kind):
        keys = [field.name.lower() for field in kind]
        spellable = keys and len(set(keys)) == len(keys) and not any("\0" in key for key in keys)
        return not spellable or any(_unreadable(field.type) for field in kind)
    return bool(pa.types.is_binary(kind))


def _each(column: pd.Series[Any], convert: Callable[[Any], Any]) -> list[Any]:
    return [None if _is_missing(value) else convert(value) for value in column]


def _is_missing(value: Any) -> bool:
    return value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and value != value)


def _is_list(value: Any) -> bool:
    return isinstance(value, list | tuple | np.ndarray)


def _text_list(value: Any) -> list[str | None] | None:
    return [None if _is_missing(item) else go_text(item) for item in value] if _is_list(value) else None


def _map_list(value: Any) -> list[list[tuple[str, str]]] | None:
    return [_map_pairs(item) for item in value] if _is_list(value) else None


def _map_pairs(item: Any) -> list[tuple[str, str]]:
    pairs = item.items() if isinstance(item, Mapping) else ()
    return [(str(key), go_text(value)) for key, value in pairs if not _is_missing(value)]


def _flag_list(value: Any) -> list[str | None] | None:
    """Names as they are; a number, or its text, is a bit set and named."""
    if _is_list(value):
        return _text_list(value)
    try:
        bits = int(value)
    except (TypeError, ValueError):
        return None
    return [name for name, bit in FLAG_BITS.items() if bits & bit]


def go_text(value: Any) -> str:
    """A Python value as Go prints it: the text rule of FlowMetric for what no column type covers.

    >>> go_text([True, 443.0, {"b": 1, "a": None}])
    '[true 443 map[a:<nil> b:1]]'
    """
    if _is_list(value):
        return "[" + " ".join(go_text(item) for item in value) + "]"
    if isinstance(value, Mapping):
        return "map[" + " ".join(f"{key}:{go_text(value[key])}" for key in sorted(value)) + "]"
    if _is_missing(value):
        return "<nil>"
    if isinstance(value, bool | np.bool_):
        return str(bool(value)).lower()
    if isinstance(value, float):
        return np.format_float_positional(value + 0.0, trim="-") if np.isfinite(value) else _endless(value)
    return str(value).encode("utf-8", "replace").decode("utf-8")


def _endless(value: float) -> str:
    return "+Inf" if value > 0 else "-Inf"


def to_pandas(table: Any, names: list[str]) -> pd.DataFrame:
    """An engine's Arrow result as pandas, columns renamed to `names` in order."""
    columns = {name: _series(table.column(place)) for place, name in enumerate(names)}
    return pd.DataFrame(columns, columns=names)


def _series(column: Any) -> pd.Series[Any]:
    if pa.types.is_decimal(column.type):
        return _integers(column)
    if pa.types.is_string(column.type):
        return pd.Series(column.to_pandas(), dtype="str")
    return pd.Series(column.to_pandas())


def _integers(column: Any) -> pd.Series[Any]:
    """Sums arrive as wide decimals: the smallest of int64, uint64 and Python's own integers that holds them exactly."""
    if column.null_count == 0:
        low, high = (int(edge.as_py() or 0) for edge in _edges(column))
        for dtype, fits in (("int64", _INT64), ("uint64", _UINT64)):
            if low in fits and high in fits:
                narrow_type = pa.int64() if dtype == "int64" else pa.uint64()
                return pd.Series(column.cast(narrow_type).to_pandas(), dtype=dtype)
    return pd.Series([None if value is None else int(value) for value in column.to_pylist()], dtype=object)


def _edges(column: Any) -> tuple[Any, Any]:
    edges = pc.min_max(column)
    return edges["min"], edges["max"]
