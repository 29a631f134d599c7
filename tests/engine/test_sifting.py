import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowkit.engine.query import Align, Carry, Condition, Filter, Flatten, HasPart, Scan, Sort
from flowkit.engine.sifting import sifted
from flowkit.manifests import FlowMetricSpec
from flowkit.manifests.flowmetric import FilterSpec
from flowkit.metric import FlowMetric

SYN = HasPart("Flags", Condition("Flags", "SYN"))
NAMES = {"Flags": "Flags", "copy": "copy"}
BITS = [2, 16, None, 18, 0, 1, 1]


def left(plan, bits=BITS, kind="uint16"):
    return sifted(plan, pa.table({"Flags": pa.array(bits, kind)}), NAMES)["Flags"].to_pylist()


@pytest.mark.parametrize("kind", ["int8", "uint16", "uint64", "int64"])
def test_rows_without_the_bit_are_left_out_below_whatever_the_plan_does(kind):
    assert left(Sort(Flatten(Filter(Scan(), SYN), ("Flags",)), ("Flags",)), kind=kind) == [2, 18]
    assert left(Filter(Carry(Align(Scan(), "step", "T", 1), (("copy", "Flags"),)), SYN), kind=kind) == [2, 18]


@pytest.mark.parametrize(
    "plan",
    [
        Filter(Flatten(Scan(), ("Flags",)), Condition("Flags", "SYN")),
        Filter(Flatten(Scan(), ("Flags",)), SYN),
        Filter(Scan(), HasPart("Flags", Condition("Flags", "SYN", "NotEqual"))),
        Filter(Scan(), HasPart("NetworkEvents", Condition("NetworkEvents>Name", "SYN"))),
        Filter(Carry(Scan(), (("Flags", "copy"),)), SYN),
    ],
)
def test_all_rows_stay_where_a_test_asks_something_else(plan):
    assert left(plan) == BITS


def test_most_rows_are_not_copied_for_the_sake_of_a_few():
    assert left(Filter(Scan(), SYN), [2, 2, 2, 16]) == [2, 2, 2, 16]


def test_lists_and_absent_flags_are_the_engines_affair():
    table = pa.table({"Flags": [["SYN"], None]})
    assert sifted(Filter(Scan(), SYN), table, NAMES).num_rows == 2
    assert sifted(Filter(Scan(), SYN), pa.table({"Proto": [6]}), NAMES).num_rows == 1


filters = st.builds(
    FilterSpec, st.just("Flags"), st.sampled_from(["SYN", "ACK", "^(SYN|RST)", "NEW"]),
    st.sampled_from(["Equal", "NotEqual", "MatchRegex", "NotMatchRegex", "Presence", "Absence"]),
)  # fmt: skip


@pytest.mark.filterwarnings("ignore::flowkit.metric.flowmetric.NothingMatched")
@given(
    bits=st.lists(st.none() | st.integers(0, 2047), min_size=1, max_size=12),
    tests=st.lists(filters, max_size=3),
    value=st.sampled_from(["", "Bytes"]),
    step=st.sampled_from([None, "1s"]),
)
def test_arrow_which_is_sifted_gives_what_pandas_gives_which_is_not(bits, tests, value, step):
    spec = FlowMetricSpec(
        "m", "Counter", value_field=value, labels=("Flags",), flatten=("Flags",), filters=tuple(tests)
    )
    columns = {"Flags": pd.array(bits, "UInt16"), "Bytes": range(len(bits)), "TimeFlowEndMs": 1000}
    flows = pd.DataFrame(columns)
    found = FlowMetric(spec).apply(pa.Table.from_pandas(flows), step=step)
    pd.testing.assert_frame_equal(found, FlowMetric(spec).apply(flows, step=step))


@pytest.mark.parametrize("dtype", ["UInt16", "Int8", "int64", "uint8"])
def test_a_pandas_table_is_sifted_as_an_arrow_one(dtype):
    bits = [2, 16, 18, 0, 1, 1] if dtype.islower() else BITS
    table = pd.DataFrame({"Flags": pd.Series(bits, dtype=dtype)}).set_axis(range(7, 7 + len(bits)))
    assert sifted(Filter(Scan(), SYN), table, NAMES)["Flags"].tolist() == [2, 18]
    either = HasPart("Flags", Condition("Flags", "SYN_ACK|RST", "MatchRegex"))
    assert sifted(Filter(Scan(), either), table, NAMES)["Flags"].tolist() == []
    assert sifted(Filter(Scan(), SYN), table.astype("float64"), NAMES)["Flags"].size == len(bits)
