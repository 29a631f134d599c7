import pandas as pd
import pytest

from flowkit.contract import conform, provenance
from flowkit.engine import to_sql
from flowkit.engine.grammar import parse, written
from flowkit.engine.kinds import INTEGER, TEXT
from flowkit.engine.query import Filter, Scan
from flowkit.errors import FieldNotFound, SpecError
from flowkit.transform import All, Comparison, Condition, Either, Not, filter, flatten  # noqa: A004

FLOWS = pd.DataFrame(
    {
        "SrcK8S_Namespace": pd.Categorical(["shop", None, "data", "shop"]),
        "DstPort": pd.array([443, 53, None, 80], dtype="UInt16"),
        "Bytes": [10.5, 2.0, None, 7.0],
    },
    index=list("abcd"),
)


def kept(test):
    return filter(FLOWS, test).index.tolist()


def test_dtypes_index_and_order_stay():
    pd.testing.assert_frame_equal(filter(FLOWS, [Condition("DstPort", "443")]), FLOWS.loc[["a"]])


def test_one_field_is_alternatives_several_are_all():
    assert kept([Condition("DstPort", "443"), Condition("DstPort", "80"), Condition("SrcK8S_Namespace", "shop")]) == [
        "a",
        "d",
    ]


def test_no_condition_keeps_all():
    assert kept([]) == list("abcd")


def test_predicates_and_not_with_missing_fields():
    assert kept(Not(Condition("SrcK8S_Namespace", "shop"))) == ["b", "c"]
    assert kept(Not(Either((Condition("DstPort", "443"), Condition("SrcK8S_Namespace", "", "Absence"))))) == ["c", "d"]
    assert kept(Comparison("Bytes", ">=", 7)) == ["a", "d"]
    assert kept(Not(Comparison("Bytes", ">=", 7))) == ["b", "c"]
    assert kept(All((Comparison("DstPort", "<", 100), Not(Condition("DstPort", "53"))))) == ["d"]


def test_floats_compare_as_go_prints_them():
    assert kept([Condition("Bytes", "2")]) == ["b"]
    assert kept([Condition("Bytes", "10.5")]) == ["a"]


def test_filter_twice_is_filter_once():
    once = filter(FLOWS, [Condition("SrcK8S_Namespace", "shop")])
    pd.testing.assert_frame_equal(filter(once, [Condition("SrcK8S_Namespace", "shop")]), once)


def test_flattened_parts_by_pipe():
    flows = pd.DataFrame({"Flags": [18, 16]})
    assert flows.pipe(flatten, ["Flags"]).pipe(filter, [Condition("Flags", "SYN")])["Flags"].tolist() == ["SYN"]


def test_an_item_compared_with_an_unopened_list_is_noted():
    notes = provenance(filter(pd.DataFrame({"Flags": [18, 16]}), [Condition("Flags", "SYN")])).notes
    assert notes == ("Flags is a list, whose text is like [SYN ACK]: flatten it to compare single items",)


def test_an_unknown_field_is_an_error_with_a_hint_also_in_a_reference():
    with pytest.raises(FieldNotFound, match="Did you mean 'DstPort'?"):
        filter(FLOWS, [Condition("DstPrt", "443")])
    with pytest.raises(FieldNotFound, match="no field 'Nope'"):
        filter(FLOWS, [Condition("DstPort", "$(Nope)")])


HOSTILE = ["'", "''", "' OR 1=1 --", '"', "\\", "\\'", "$$", "%", "_", ";DROP TABLE flows", "\x00", "a\nb", "{}", "?"]


@pytest.mark.parametrize("text", HOSTILE)
def test_values_and_column_names_never_become_sql(text):
    flows = pd.DataFrame({text: ["x", text], "Proto": [6, 17]})
    assert filter(flows, [Condition(text, text)])["Proto"].tolist() == [17]
    assert filter(flows, [Condition(text, text, "NotEqual")])["Proto"].tolist() == [6]


@pytest.mark.parametrize("pattern", ["'", "' OR 1=1 --", "\\\\", "a'b", "%"])
def test_patterns_never_become_sql(pattern):
    flows = pd.DataFrame({"Proto": [pattern.replace("\\\\", "\\"), "x"]})
    assert filter(flows, [Condition("Proto", pattern, "MatchRegex")]).index.tolist() == [0]


FLAGS = pd.DataFrame(
    {
        "Flags": [["SYN", "ACK"], ["ACK"], [], None],
        "DstPort": [443, 53, 80, None],
        "NetworkEvents": [[{"Name": "a"}], [], None, [{"Name": "b"}, {"Action": "c"}]],
        "Bytes": ["7", "x", "07", None],
    }
)


@pytest.mark.parametrize("flows", [FLAGS, conform(FLAGS)], ids=["as given", "conformed"])
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('Flags="SYN"', [0]),
        ('Flags!="SYN"', [1, 2, 3]),
        ('Flags=~"^A"', [0, 1]),
        ('Flags!~"^A"', [2, 3]),
        ('Flags="[SYN ACK]"', [0]),
        ("Flags=18", [0]),
        ("Flags!=18", [1, 2]),
        ("Flags=0", [2]),
        ("with(Flags)", [0, 1, 2]),
        ("without(Flags)", [3]),
        ('NetworkEvents>Name="b"', [3]),
        ("with(NetworkEvents>Action)", [3]),
        ("without(NetworkEvents>Name)", [1, 2]),
        ("DstPort=53", [1]),
        ('DstPort="53"', [1]),
        ("DstPort!=53", [0, 2]),
        ('DstPort!="53"', [0, 2, 3]),
        ("DstPort>60 or without(DstPort)", [0, 2, 3]),
        ("not (DstPort>60)", [1, 3]),
        ("Bytes=7", [0, 2]),
    ],
)
def test_the_filter_language(flows, text, expected):
    assert filter(flows, text).index.tolist() == expected


def test_a_list_that_is_flattened_already_is_its_items():
    parts = flatten(FLAGS, ["Flags"])
    assert filter(parts, 'Flags="ACK"').index.tolist() == [0, 1]
    assert filter(parts, 'Flags!="ACK"').index.tolist() == [0, 2, 3]


def test_a_text_filter_is_noted_and_its_mistakes_are_refused():
    assert provenance(filter(FLAGS, "DstPort=53\n  or Proto=6")).notes == ("only flows where DstPort=53 or Proto=6",)
    with pytest.raises(SpecError, match="no field 'DstPrt'. Did you mean 'DstPort'?"):
        filter(FLAGS, "DstPrt=53")


@pytest.mark.parametrize("text", ["' OR '1'='1", "x' --", "'); DROP TABLE flows; --", "\x00", "$(", "\\", '"'])
def test_no_text_of_a_filter_becomes_sql(text):
    flows = pd.DataFrame({"SrcK8S_Zone": ["a", text], "Interfaces": [["x"], ["y", text]]})
    for field in flows.columns:
        assert filter(flows, written(parse(f"{field}=`{text}`"))).index.tolist() == [1]


@pytest.mark.parametrize(
    ("alternative", "count"), [('SrcAddr="10.0.0.{}"', 4_000), ("DstPort={}", 4_000), ('Flags="F{}"', 2_000)]
)
def test_thousands_of_alternatives(alternative, count):
    flows = pd.DataFrame(
        {"SrcAddr": ["10.0.0.7", "x"], "DstPort": [7, 9_999], "Flags": pd.Series([["F7"], ["SYN"]], dtype=object)}
    )
    text = " or ".join(map(alternative.format, range(count)))
    assert filter(flows, text)["DstPort"].tolist() == [7]
    assert filter(flows, f"not ({text})")["DstPort"].tolist() == [9_999]


def test_alternatives_of_one_column_are_one_list():
    test = parse('SrcAddr="a" or DstPort=1 or SrcAddr="b" or DstPort=2 or Bytes>5')
    sql = to_sql(Filter(Scan(), test), {"SrcAddr": TEXT, "DstPort": INTEGER, "Bytes": INTEGER})
    assert "\"SrcAddr\" IN ('a', 'b')" in sql
    assert '"DstPort" IN (1, 2)' in sql
