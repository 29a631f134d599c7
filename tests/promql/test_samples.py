"""Samples laid out: any order of rows, times in common or not, the same look-ups."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowkit.errors import QueryError
from flowkit.metric.promql.labels import Labels
from flowkit.metric.promql.samples import Rules, Samples, gathered, samples_of
from flowkit.metric.promql.values import Vector
from tests.promql.test_labels import labels, texts


def table(*rows):
    frame = pd.DataFrame(rows, columns=["a", "time", "value"])
    return frame.assign(time=pd.to_datetime(frame["time"], unit="ms", utc=True), value=frame["value"].astype(float))


def listed(samples):
    bounds = zip(samples.offsets[:-1], samples.offsets[1:], strict=True)
    parts = [list(zip(samples.times[i:j].tolist(), samples.values[i:j].tolist(), strict=True)) for i, j in bounds]
    return dict(zip(samples.labels.column("a").values.tolist(), parts, strict=True))


ROWS = [("x", 2, 20), ("y", 1, 5), ("x", 1, 10), ("x", 2, 21), ("y", 3, 6)]
LAID = {"x": [(1, 10.0), (2, 21.0)], "y": [(1, 5.0), (3, 6.0)]}


def test_rows_in_any_order_are_sorted_and_the_last_of_two_at_a_moment_counts():
    assert listed(samples_of(table(*ROWS))) == LAID
    assert listed(samples_of(table(*ROWS).astype({"a": "category"}))) == LAID


def test_rows_in_order_are_taken_as_they_are():
    ordered = table(("x", 1, 10), ("x", 2, 21), ("y", 1, 5), ("y", 3, 6))
    found = samples_of(ordered)
    assert listed(found) == LAID
    assert np.shares_memory(found.values, ordered["value"].to_numpy())


def test_categories_may_be_missing_unused_or_twice_the_same_text():
    odd = table((None, 1, 1), ("b", 1, 2)).astype({"a": pd.CategoricalDtype(["unused", "b", ""])})
    assert listed(samples_of(odd)) == {"": [(1, 1.0)], "b": [(1, 2.0)]}


def test_several_tables_are_gathered():
    assert listed(gathered([samples_of(table(*ROWS[:2])), samples_of(table(*ROWS[2:]))])) == LAID
    assert gathered([]).labels.size == 0


def test_a_part_has_its_own_samples():
    found = samples_of(table(*ROWS))
    assert listed(found.at(np.array([1]))) == {"y": LAID["y"]}
    assert found.at(np.array([0, 1])) is found


def test_a_vector_becomes_samples_where_it_is_there():
    vector = Vector(labels(a=["x", "y"]), np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[True, False], [True, True]]))
    assert listed(Samples.of_vector(vector, np.array([7, 9]))) == {"x": [(7, 1.0)], "y": [(7, 3.0), (9, 4.0)]}


@pytest.mark.parametrize(
    ("rows", "shared", "begins"),
    [
        ([("x", 1, 0), ("x", 2, 0), ("y", 1, 0), ("y", 2, 0)], [1, 2], [0, 0]),
        ([("x", 1, 0), ("x", 2, 0), ("y", 2, 0)], None, [0, 1]),
        ([("x", 1, 0), ("x", 3, 0), ("y", 2, 0)], None, None),
    ],
)
def test_whether_times_are_in_common(rows, shared, begins):
    found = samples_of(table(*rows))
    assert (None if found.shared is None else found.shared.tolist()) == shared
    assert (None if found.runs is None else found.runs[1].tolist()) == begins


def naive(samples, moments, rules):
    """The newest sample of each series at each moment that is fresh, one after the other."""
    found = {}
    for name, series in listed(samples).items():
        upto = [[one for one in series if one[0] <= moment] for moment in moments]
        found[name] = [
            past[-1][1] if past and rules.fresh(moment - past[-1][0]) else None
            for moment, past in zip(moments, upto, strict=True)
        ]
    return found


rows = st.lists(st.tuples(st.sampled_from("xyz"), st.integers(0, 12), st.integers(0, 99)), min_size=1, max_size=30)
grids = st.tuples(st.sets(st.integers(0, 12), min_size=1), st.integers(0, 2)).map(
    lambda both: [
        (name, time, 7 * time + at)
        for at, name in enumerate("xyz")
        for time in sorted(both[0])[min(at * both[1], len(both[0]) - 1) :]
    ]
)


@given(st.one_of(rows, grids), st.lists(st.integers(-2, 20), min_size=1, max_size=6), st.sampled_from([2, 3]))
def test_an_instant_is_the_newest_fresh_sample_however_they_lie(listed_rows, moments, version):
    samples, rules = samples_of(table(*listed_rows)), Rules(version, look_back=4)
    vector, when = samples.instant(np.array(moments), rules)
    names = vector.labels.column("a").values.tolist()
    ours = {
        name: [value if there else None for value, there in zip(*both, strict=True)]
        for name, both in zip(names, zip(vector.values.tolist(), vector.present.tolist(), strict=True), strict=True)
    }
    assert ours == naive(samples, moments, rules)
    assert (when[vector.present] <= np.broadcast_to(moments, when.shape)[vector.present]).all()


def test_resets_are_found_within_series_alone():
    found = samples_of(table(("x", 1, 5), ("x", 2, 3), ("y", 1, 1), ("y", 2, 2), ("z", 1, 0))).lost
    assert (found[0].tolist(), found[1].tolist()) == ([0, 5, 0, 0, 0, 0], [0])
    assert samples_of(table(("x", 1, 1), ("x", 2, 2))).lost is None


def test_what_would_not_fit_in_memory_is_refused():
    samples = Samples.of(Labels.none(1), np.array([1]), np.array([0]), np.array([1.0]))
    with pytest.raises(QueryError, match="take a longer step or fewer series"):
        samples.check(2**28 + 1)


def test_labels_of_numbers_are_their_text():
    frame = table(("x", 1, 1)).assign(a=443)
    assert texts(samples_of(frame).labels) == {"a": ["443"]}
