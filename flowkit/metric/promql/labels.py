"""Label sets of many series, column by column: each distinct text stands once, series carry numbers.

An absent label and an empty one are the same thing, as in Prometheus; here both are "".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

NAME = "__name__"
_LARGEST = 2**62

Ints = npt.NDArray[np.int64]
Texts = npt.NDArray[np.object_]


@dataclass(frozen=True)
class Column:
    """One label of all series: `codes` by series into the distinct `texts`."""

    codes: Ints
    texts: Texts

    @classmethod
    def of(cls, values: Any) -> Column:
        """A column of one text a series; what is missing is ""."""
        codes, texts = pd.factorize(pd.Series(values, dtype="object").fillna(""))
        return cls(codes.astype(np.int64), np.asarray(texts, dtype=object).astype(str).astype(object))

    @classmethod
    def constant(cls, text: str, size: int) -> Column:
        """The same text for every series."""
        return cls(np.zeros(size, np.int64), np.array([text], dtype=object))

    @property
    def values(self) -> Texts:
        """The text of each series."""
        return self.texts[self.codes]


@dataclass(frozen=True)
class Labels:
    """The label sets of `size` series; a name without a column is absent from all of them."""

    size: int
    columns: Mapping[str, Column]

    @classmethod
    def none(cls, size: int = 1) -> Labels:
        """Empty label sets."""
        return cls(size, {})

    def column(self, name: str) -> Column:
        """The column of a label, "" throughout where no series has it."""
        return self.columns.get(name) or Column.constant("", self.size)

    def take(self, rows: Ints | npt.NDArray[np.bool_]) -> Labels:
        """The label sets of these series, in this order."""
        taken = {name: Column(column.codes[rows], column.texts) for name, column in self.columns.items()}
        size = int(np.count_nonzero(rows)) if rows.dtype == bool else len(rows)
        return Labels(size, taken)

    def without(self, names: Iterable[str]) -> Labels:
        """The same less these labels."""
        gone = set(names)
        return Labels(self.size, {name: column for name, column in self.columns.items() if name not in gone})

    def only(self, names: Iterable[str]) -> Labels:
        """The same with these labels alone."""
        kept = set(names)
        return Labels(self.size, {name: column for name, column in self.columns.items() if name in kept})

    def having(self, name: str, column: Column) -> Labels:
        """The same with one label set, or replaced."""
        return Labels(self.size, {**self.columns, name: column})

    def groups(self) -> tuple[Ints, Ints]:
        """A number for each distinct label set, by series, and the first series of each number."""
        return numbered([column.codes for column in self.columns.values()], self.size)

    def order(self) -> Ints:
        """The places of the series sorted by their labels, names in the alphabet's order."""
        keys = []
        for name in sorted(self.columns, reverse=True):
            column = self.columns[name]
            rank = np.empty(len(column.texts), np.int64)
            rank[np.argsort(column.texts.astype(str), kind="stable")] = np.arange(len(column.texts))
            keys.append(rank[column.codes])
        return np.lexsort(keys).astype(np.int64) if keys else np.arange(self.size, dtype=np.int64)

    def described(self, series: int) -> str:
        """One label set as Prometheus writes it, for messages."""
        texts = {name: column.texts[column.codes[series]] for name, column in sorted(self.columns.items())}
        return "{" + ", ".join(f'{name}="{text}"' for name, text in texts.items() if text) + "}"


def numbered(keys: Sequence[Ints], size: int) -> tuple[Ints, Ints]:
    """A number for each distinct combination of `keys`, in order of appearance; and where each appears first.

    >>> numbered([np.array([5, 7, 5]), np.array([1, 1, 1])], 3)
    (array([0, 1, 0]), array([0, 1]))
    """
    found, most = np.zeros(size, np.int64), 1
    for key in keys:
        width = int(key.max(initial=0)) + 1
        if most * width >= _LARGEST:
            found, most = pd.factorize(found)[0].astype(np.int64), size
        found, most = found * width + key, most * width
    found = pd.factorize(found)[0].astype(np.int64)
    # Numbers are given in order of appearance, so each is first where it exceeds all before it.
    first = np.flatnonzero(np.diff(np.maximum.accumulate(found), prepend=-1)).astype(np.int64)
    return found, first


def signatures(left: Labels, right: Labels, names: Iterable[str]) -> tuple[Ints, Ints]:
    """Numbers that are equal where two series, of either side, agree in all of `names`."""
    keys = []
    for name in names:
        one, other = left.column(name), right.column(name)
        codes = pd.factorize(np.concatenate([one.texts, other.texts]))[0].astype(np.int64)
        keys.append(np.concatenate([codes[: len(one.texts)][one.codes], codes[len(one.texts) :][other.codes]]))
    both = numbered(keys, left.size + right.size)[0]
    return both[: left.size], both[left.size :]


def stacked(parts: Sequence[Labels]) -> Labels:
    """The label sets of several, one after the other."""
    size = sum(part.size for part in parts)
    names = dict.fromkeys(name for part in parts for name in part.columns)
    return Labels(size, {name: _joined([part.column(name) for part in parts]) for name in names})


def _joined(columns: Sequence[Column]) -> Column:
    texts = np.concatenate([column.texts for column in columns])
    shifts = np.cumsum([0, *(len(column.texts) for column in columns)])
    codes = np.concatenate([column.codes + shift for column, shift in zip(columns, shifts, strict=False)])
    into, distinct = pd.factorize(texts)
    return Column(into[codes].astype(np.int64), np.asarray(distinct, dtype=object))
