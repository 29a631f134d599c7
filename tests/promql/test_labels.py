"""Label sets column by column: groups, order, joining, and who agrees with whom."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowkit.metric.promql.labels import Column, Labels, numbered, signatures, stacked


def labels(**columns):
    size = len(next(iter(columns.values())))
    return Labels(size, {name: Column.of(list(texts)) for name, texts in columns.items()})


def texts(of):
    return {name: column.values.tolist() for name, column in of.columns.items()}


ABC = labels(a=["x", "y", "x"], b=["1", "", "1"])


def test_missing_texts_are_empty_and_an_absent_column_is_empty_throughout():
    assert Column.of(["x", None, np.nan]).values.tolist() == ["x", "", ""]
    assert ABC.column("nope").values.tolist() == ["", "", ""]


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (ABC.take(np.array([2, 1])), {"a": ["x", "y"], "b": ["1", ""]}),
        (ABC.take(np.array([False, True, False])), {"a": ["y"], "b": [""]}),
        (ABC.without(["a", "nope"]), {"b": ["1", "", "1"]}),
        (ABC.only(["a", "nope"]), {"a": ["x", "y", "x"]}),
        (ABC.having("b", Column.constant("z", 3)), {"a": ["x", "y", "x"], "b": ["z", "z", "z"]}),
        (stacked([ABC, labels(c=["n"])]), {"a": ["x", "y", "x", ""], "b": ["1", "", "1", ""], "c": ["", "", "", "n"]}),
    ],
)
def test_a_change_gives_other_label_sets(found, expected):
    assert texts(found) == expected


def test_groups_are_numbered_in_order_of_appearance():
    group, first = ABC.groups()
    assert (group.tolist(), first.tolist()) == ([0, 1, 0], [0, 1])
    group, first = Labels.none(2).groups()
    assert (group.tolist(), first.tolist()) == ([0, 0], [0])


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 2)), max_size=20))
def test_numbers_are_those_of_pandas(rows):
    keys = [np.array([row[at] for row in rows], dtype=np.int64) for at in range(3)]
    group, first = numbered(keys, len(rows))
    expected, distinct = pd.factorize(pd.Series(rows, dtype=object))
    assert group.tolist() == expected.tolist()
    assert [rows[at] for at in first] == list(distinct)


def test_more_combinations_than_fit_in_an_integer_are_told_apart():
    keys = [np.array([0, 2**40, 0, 2**40]), np.array([2**40, 1, 2**40, 2])]
    assert numbered(keys, 4)[0].tolist() == [0, 1, 0, 2]


def test_series_are_sorted_by_label_names_then_texts():
    assert labels(b=["1", "2", "1"], a=["y", "x", "x"]).order().tolist() == [2, 1, 0]


def test_signatures_agree_where_the_named_labels_do():
    left, right = signatures(ABC, labels(a=["x", "q"], b=["9", ""]), ["a"])
    assert (left[0] == right[0], left[1] in right, left[0] == left[2]) == (True, False, True)


def test_a_label_set_is_described_without_what_it_lacks():
    assert [ABC.described(at) for at in (0, 1)] == ['{a="x", b="1"}', '{a="y"}']
