import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowkit.errors import ContractError, FieldNotFound
from flowkit.transform import aggregate

FLOWS = pd.DataFrame(
    {
        "SrcK8S_Namespace": pd.Categorical(["shop", None, "", "shop"]),
        "DstPort": pd.array([443, 53, 53, 443], dtype="UInt16"),
        "Bytes": pd.array([10, 2, None, 5], dtype="UInt64"),
        "TimeFlowEndMs": [4, 3, 2, 1],
    }
)


def rows(table):
    return list(table.itertuples(index=False, name=None))


def test_a_counter_of_rows_and_of_bytes():
    expected = pd.DataFrame({"SrcK8S_Namespace": ["", "shop"], "DstPort": ["53", "443"], "value": [2, 2]})
    pd.testing.assert_frame_equal(aggregate(FLOWS, ["SrcK8S_Namespace", "DstPort"]), expected)
    assert rows(aggregate(FLOWS, ["DstPort"], value="Bytes")) == [("443", 15), ("53", 2)]
    assert rows(aggregate(FLOWS, [], value="Bytes", divider=1000)) == [(0.017,)]


def test_a_gauge_takes_the_last():
    assert rows(aggregate(FLOWS, ["DstPort"], value="Bytes", type="Gauge")) == [("443", 10), ("53", 2)]


def test_a_histogram_is_cumulative():
    table = aggregate(FLOWS, [], value="Bytes", type="Histogram", buckets=(4, 9.5))
    assert rows(table) == [
        ("_bucket", "4", 1),
        ("_bucket", "9.5", 2),
        ("_bucket", "+Inf", 3),
        ("_sum", "", 17),
        ("_count", "", 3),
    ]


@pytest.mark.parametrize("dtype", ["UInt64", "uint64"])
def test_sums_beyond_64_bits_are_exact_integers(dtype):
    flows = pd.DataFrame({"Bytes": pd.array([2**64 - 1, 2**64 - 1], dtype=dtype)})
    assert rows(aggregate(flows, [], value="Bytes")) == [(2**65 - 2,)]
    assert aggregate(flows.head(1), [], value="Bytes")["value"].dtype == "uint64"
    assert aggregate(flows.head(1).replace({"Bytes": {2**64 - 1: 1}}), [], value="Bytes")["value"].dtype == "int64"


def test_nothing_left_has_the_right_columns_and_dtypes():
    table = aggregate(FLOWS.head(0), ["DstPort"], value="Bytes")
    assert (table.columns.tolist(), len(table)) == (["DstPort", "value"], 0)
    assert (str(table["DstPort"].dtype), str(table["value"].dtype)) == ("str", "int64")


def test_negative_and_unreadable_values_do_not_count_in_a_counter():
    flows = pd.DataFrame({"Bytes": ["5", "x", "-1", "2.5", None, "nan"]})
    assert rows(aggregate(flows, [], value="Bytes")) == [(7.5,)]


def test_names_are_checked():
    with pytest.raises(FieldNotFound, match="Did you mean 'Bytes'?"):
        aggregate(FLOWS, ["DstPort"], value="Byte")
    with pytest.raises(ContractError, match="two columns would be called 'value'"):
        aggregate(FLOWS.rename(columns={"DstPort": "value"}), ["value"])
    with pytest.raises(ContractError, match="two columns would be called 'DstPort'"):
        aggregate(FLOWS, ["DstPort", "DstPort"])


flows = st.lists(st.tuples(st.sampled_from(["a", "b", None]), st.integers(0, 2**40)), min_size=1, max_size=12)


@settings(max_examples=40, deadline=None)
@given(flows, st.randoms(use_true_random=False))
def test_aggregate_loses_no_byte_ignores_order_and_merges(given_flows, random):
    table = pd.DataFrame(given_flows, columns=["SrcK8S_Zone", "Bytes"])
    whole = aggregate(table, ["SrcK8S_Zone"], value="Bytes")
    assert whole["value"].sum() == table["Bytes"].sum()
    shuffled = table.sample(frac=1, random_state=random.randrange(99))
    pd.testing.assert_frame_equal(aggregate(shuffled, ["SrcK8S_Zone"], value="Bytes"), whole)
    halves = [aggregate(half, ["SrcK8S_Zone"], value="Bytes") for half in (table[::2], table[1::2])]
    merged = aggregate(pd.concat(halves, ignore_index=True), ["SrcK8S_Zone"], value="value")
    pd.testing.assert_frame_equal(merged, whole)
