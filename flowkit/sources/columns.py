"""Arrow columns as pandas columns, where Arrow's own conversion would cost much or lose the form."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

Codes = npt.NDArray[np.int64]


def ends(numbers: Any, labels: Any) -> pd.Series[Any]:
    """One label of the end that each row's number stands for, as a categorical of those labels that occur.

    >>> ends(pa.array([2, 1, 2]), pa.array([None, "Pods", "Services"])).tolist()
    ['Services', 'Pods', 'Services']
    """
    places = numbers.to_numpy().astype(np.int64)
    occurs = np.zeros(len(labels), dtype=bool)
    occurs[places] = True
    texts = [text if there else None for text, there in zip(labels.to_pylist(), occurs, strict=True)]
    categories = sorted({text for text in texts if text is not None})
    code = {text: at for at, text in enumerate(categories)}
    codes = np.array([-1 if text is None else code[text] for text in texts], dtype=np.int32)
    return pd.Series(pd.Categorical.from_codes(codes[places], categories=pd.Index(categories, dtype="str")))


def lists(column: Any) -> pd.Series[Any]:
    """A column of lists as Python lists, equal ones being one object; maps in them as dicts, missing values left out.

    >>> lists(pa.chunked_array([[["eth0"], None, []]])).tolist()
    [['eth0'], None, []]
    """
    whole = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if pa.types.is_nested(whole.type.value_type):
        return pd.Series(
            [None if row is None else [_dict(item) for item in row] for row in whole.to_pylist()], dtype=object
        )
    items = whole.flatten().dictionary_encode()
    codes = pc.fill_null(items.indices, -1).to_numpy(zero_copy_only=False).astype(np.int64)
    return _shared(_lengths(whole), codes, items.dictionary.to_pylist())


def _dict(item: Any) -> Any:
    pairs = item.items() if isinstance(item, dict) else item
    return None if item is None else {key: value for key, value in pairs if value is not None}


def _lengths(whole: Any) -> Codes:
    return np.asarray(pc.fill_null(pc.list_value_length(whole), -1).to_numpy(zero_copy_only=False), dtype=np.int64)


def _shared(lengths: Codes, codes: Codes, values: list[Any]) -> pd.Series[Any]:
    """One list a distinct row of codes: rows of one length together, so that each is a table of numbers."""
    starts = np.cumsum(np.maximum(lengths, 0)) - np.maximum(lengths, 0)
    found = np.full(len(lengths), None, dtype=object)
    for length in np.unique(lengths[lengths >= 0]):
        rows = np.flatnonzero(lengths == length)
        same: Codes = np.zeros(len(rows), dtype=np.int64)
        for place in range(length):
            same = pd.factorize(same * (len(values) + 1) + codes[starts[rows] + place] + 1)[0]
        _, heads = np.unique(same, return_index=True)
        distinct = np.empty(len(heads), dtype=object)
        for at, head in enumerate(starts[rows[heads]]):
            distinct[at] = [None if code < 0 else values[code] for code in codes[head : head + length]]
        found[rows] = distinct[same]
    return pd.Series(found, dtype=object)
