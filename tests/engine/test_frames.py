import copy

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from flowkit.engine.frames import go_text, narrow, to_pandas
from flowkit.manifests import FlowMetricSpec
from flowkit.metric import FlowMetric

NOTHING = frozenset()


def test_plain_columns_are_not_copied():
    flows = pd.DataFrame({"a": np.arange(3), "b": [1, 2, 3]})
    taken = narrow(flows, {"a": "a"}, NOTHING)
    assert np.shares_memory(taken["a"].to_numpy(), flows["a"].to_numpy())
    assert taken.columns.tolist() == ["a"]


def test_a_table_of_no_wanted_column_keeps_its_rows():
    assert len(narrow(pd.DataFrame({"a": [1, 2]}), {"b": "b"}, NOTHING)) == 2


def test_objects_become_arrow_under_their_sql_names():
    taken = narrow(pd.DataFrame({"a": [["x"], None], "b": [1, 2]}), {"a": "a>1", "b": "b"}, frozenset(["a"]))
    assert taken.schema == pa.schema([("a>1", pa.list_(pa.string())), ("b", pa.int64())])


def test_scalars_among_lists_are_lost_when_flattened_and_text_when_not():
    mixed = pd.DataFrame({"a": pd.Series([["x", 1], "y", None], dtype=object)})
    assert narrow(mixed, {"a": "a"}, frozenset(["a"]))["a"].to_pylist() == [["x", "1"], None, None]
    assert narrow(mixed, {"a": "a"}, NOTHING)["a"].to_pylist() == ["[x 1]", "y", None]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1e21, "1000000000000000000000"),
        (0.1, "0.1"),
        (-0.5, "-0.5"),
        (float("inf"), "+Inf"),
        (np.float64(2), "2"),
        (None, "<nil>"),
    ],
)
def test_go_text(value, text):
    assert go_text(value) == text


def test_wide_sums_come_back_exact():
    table = pa.table({"n": pa.array([2**64], pa.decimal128(38, 0)), "s": ["x"]})
    assert to_pandas(table, ["value", "label"]).to_dict("list") == {"value": [2**64], "label": ["x"]}


def shared_and_not(values, rows=200):
    """The same column twice: equal values as one object each, and as an object a row."""
    shared = pd.Series([values[n % len(values)] for n in range(rows)], dtype=object, name="Flags")
    return shared, shared.map(copy.copy).astype(object)


@pytest.mark.parametrize(
    "values",
    [
        [["SYN", "ACK"], [], None],
        [["SYN", "SYN"], ["ACK"]],
        [["NEW"], None],
        [[1, 2], [3]],
        [None, None],
        [["SYN"], "SYN", 5],
        [["SYN", None], ["ACK"]],
    ],
)
def test_shared_objects_are_looked_at_once_and_mean_the_same(values):
    metric = FlowMetric(FlowMetricSpec("m", "Counter", labels=("Flags",), flatten=("Flags",)))
    one, other = (metric.apply(pd.DataFrame({"Flags": column})) for column in shared_and_not(values))
    pd.testing.assert_frame_equal(one, other)


def test_lists_that_share_nothing_become_bits_too():
    flows = pd.DataFrame({"Flags": pd.Series([["SYN", "ACK"], [], None, float("nan"), ["RST"]], dtype=object)})
    flags = narrow(flows, {"Flags": "Flags"}, NOTHING)["Flags"]
    assert (flags.type, flags.to_pylist()) == (pa.uint16(), [18, 0, None, None, 4])


@pytest.mark.parametrize("odd", [["SYN", "SYN"], ["NEW"], [None], [{"a": "b"}], {"SYN": 1}, ("SYN",), "SYN"])
def test_one_value_that_bits_cannot_hold_keeps_the_column_as_it_is(odd):
    flows = pd.DataFrame({"Flags": pd.Series([["ACK"], odd], dtype=object)})
    assert not pa.types.is_integer(narrow(flows, {"Flags": "Flags"}, NOTHING)["Flags"].type)
