import threading

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from flowkit.contract import Provenance, conform, provenance, with_provenance
from flowkit.engine import All, Comparison, Condition, Either, Not, run
from flowkit.engine.duckdb import schema_of
from flowkit.engine.query import Aggregate, Filter, Measure, Scan, Sort
from flowkit.errors import ContractError

COUNT = (Measure("value", "sum"),)


def labels(column, name="SrcK8S_Zone"):
    """The label texts of one column."""
    table = run(Sort(Aggregate(Scan(), (name,), COUNT), (name,)), pd.DataFrame({name: column}))
    return table[name].tolist()


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (pd.Categorical(["b", None, "a"]), ["", "a", "b"]),
        (pd.Categorical([None, None]), [""]),
        (pd.array(["x", None], dtype="str"), ["", "x"]),
        (pd.array(["x", None], dtype="string[pyarrow]"), ["", "x"]),
        (pd.array([1, None], dtype="UInt8"), ["", "1"]),
        (pd.array([2**64 - 1, None], dtype="UInt64"), ["", "18446744073709551615"]),
        ([1.0, np.nan, 2.5], ["", "1", "2.5"]),
        ([1e21, -1e-7, 1.5e300, 123456789012345680.0], None),
        ([-0.0, 0.0], ["0"]),
        ([np.inf, -np.inf], ["+Inf", "-Inf"]),
        (pd.array([True, None], dtype="boolean"), ["", "true"]),
        ([None, None], [""]),
        (pd.array([1.0, None], dtype="float64[pyarrow]"), ["", "1"]),
        (pd.Series([["a", None], (), np.array(["b"])], dtype=object), ["[]", "[a <nil>]", "[b]"]),
        (pd.Series([{"b": 1, "a": "x"}, None], dtype=object), ["", "map[a:x b:1]"]),
        (pd.Series([[{"b": 1}], []], dtype=object), ["[]", "[map[b:1]]"]),
        (pd.Series([1, "a", 2.5, True, ["x"], None], dtype=object), ["", "1", "2.5", "[x]", "a", "true"]),
        (pd.Series([2**70, 1], dtype=object), ["1", "1180591620717411303424"]),
        (pd.Series(["\ud800", "a"], dtype=object), ["?", "a"]),
    ],
)
def test_the_text_of_every_dtype(column, expected):
    expected = expected or sorted([format(1e21, ".0f"), "-0.0000001", "15" + "0" * 299, "123456789012345680"])
    assert labels(column) == expected


def test_maps_have_the_text_go_prints():
    maps = pa.array([[("k", "v"), ("b", None)], None, []], pa.map_(pa.string(), pa.string()))
    nested = pa.array([[[("z", 1), ("b", 2)]]], pa.list_(pa.map_(pa.string(), pa.int64())))
    count = Aggregate(Scan(), ("x",), COUNT)
    assert run(Sort(count, ("x",)), pa.table({"x": maps}))["x"].tolist() == ["", "map[]", "map[b:<nil> k:v]"]
    assert run(count, pa.table({"x": nested}))["x"].tolist() == ["[map[b:2 z:1]]"]


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (pd.array([18, 0, None], dtype="UInt16"), ["", "[SYN ACK]", "[]"]),
        ([18.0, 0.0, np.nan], ["", "[SYN ACK]", "[]"]),
        (pd.Series([["SYN", "ACK"], [], None], dtype=object), ["", "[SYN ACK]", "[]"]),
        (pd.Series([18, "0", None, "x"], dtype=object), ["", "[SYN ACK]", "[]"]),
    ],
)
def test_flags_are_names_whether_bits_numbers_or_lists(column, expected):
    assert labels(column, "Flags") == expected


def test_kinds_of_columns_are_found_and_empty_columns_left_out():
    flows = pd.DataFrame({"Flags": [2], "Proto": pd.Categorical(["6"]), "Dscp": [None], "x": [1.5], "y": [True]})
    kinds = schema_of(flows, Scan(("Flags", "Proto", "Dscp", "x", "y")))
    assert {name: kind.name for name, kind in kinds.items()} == {
        "Flags": "flags",
        "Proto": "text",
        "x": "float",
        "y": "boolean",
    }


def test_columns_that_differ_only_in_case_are_two():
    flows = pd.DataFrame({"Proto": [1, 2], "proto": [2, 2]})
    test = Filter(Scan(("Proto", "proto")), All((Condition("Proto", "1"), Condition("proto", "2"))))
    for table in (flows, flows.astype(object), pa.Table.from_pandas(flows)):
        assert run(test, table).astype(int).to_dict("list") == {"Proto": [1], "proto": [2]}


def test_a_column_that_stands_twice_is_an_error_only_when_asked_for():
    flows = pd.DataFrame([[1, 2, 3]], columns=["a", "a", "b"])
    assert run(Filter(Scan(), Condition("b", "3")), flows)["b"].tolist() == [3]
    with pytest.raises(ContractError, match="column 'a' stands twice"):
        run(Filter(Scan(), Condition("a", "1")), flows)


def test_missing_values_never_decide_a_negation():
    flows = pd.DataFrame({"a": ["x", None], "n": [1.0, None], "row": [0, 1]})
    tests = [
        (Not(Condition("a", "x")), [1]),
        (Not(Not(Condition("a", "x"))), [0]),
        (Not(Comparison("n", ">", 5)), [0, 1]),
        (Not(Either((Condition("a", "x"), Comparison("n", ">", 5)))), [1]),
        (Not(Condition("a", "x", "MatchRegex")), [1]),
        (Not(Condition("absent", "", "Presence")), [0, 1]),
        (Either(()), []),
        (All(()), [0, 1]),
    ]
    for test, expected in tests:
        assert run(Filter(Scan(("row",)), test), flows)["row"].tolist() == expected, test


def test_rows_keep_their_order_and_threads_do_not_see_each_other():
    found = {}

    def ask(number):
        flows = pd.DataFrame({"Proto": [number] * 1000, "row": range(1000)})
        found[number] = run(Filter(Scan(("row",)), Condition("Proto", str(number))), flows)["row"].tolist()

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(found[number] == list(range(1000)) for number in range(8))


def test_a_python_variable_of_that_name_is_never_read():
    flows = pd.DataFrame({"Proto": [6]})  # noqa: F841 (DuckDB would find it by name if nothing were registered)
    assert run(Filter(Scan(), Condition("Proto", "17")), pd.DataFrame({"Proto": [17]}))["Proto"].tolist() == [17]


def test_plain_strings_on_a_large_table_are_noted_once():
    flows = pd.DataFrame({"SrcK8S_Zone": ["a"] * 100_000, "Flags": [["SYN"]] * 100_000, "Proto": [6] * 100_000})
    plan = Aggregate(Scan(), ("SrcK8S_Zone", "Flags", "Proto"), COUNT)
    found = run(plan, flows)
    (note,) = provenance(found).notes
    assert note.startswith("SrcK8S_Zone, Flags: plain strings work, only slower")
    assert provenance(run(plan, conform(flows))).notes == ()
    assert provenance(run(plan, flows[:10])).notes == ()


def test_the_answer_carries_the_provenance_of_its_table():
    flows = with_provenance(pd.DataFrame({"Proto": [6]}), Provenance(("x.pcap",), losses={"cut packets": 2}))
    found = run(Filter(Scan(), Condition("Proto", "6")), flows)
    assert provenance(found) == provenance(flows)
