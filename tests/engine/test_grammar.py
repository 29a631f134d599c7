"""The filter language: what it reads, what it refuses and how it says so, and that text and predicate are one."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from flowkit.engine.grammar import parse, written
from flowkit.engine.query import All, Comparison, Condition, Either, HasPart, Measurable, Not
from flowkit.errors import SpecError

A, B, C = Condition("SrcK8S_Zone", "a"), Condition("DstK8S_Zone", "b"), Condition("SrcK8S_Name", "c")
MEANS = {
    'SrcK8S_Zone="a"': A,
    'SrcK8S_Zone != "a"': Condition("SrcK8S_Zone", "a", "NotEqual"),
    'SrcK8S_Zone=~"^a|b$"': Condition("SrcK8S_Zone", "^a|b$", "MatchRegex"),
    'SrcK8S_Zone!~"a"': Condition("SrcK8S_Zone", "a", "NotMatchRegex"),
    "with(DnsId)": Condition("DnsId", "", "Presence"),
    "WITHOUT ( DnsId )": Condition("DnsId", "", "Absence"),
    "Bytes>15": Comparison("Bytes", ">", 15),
    "Bytes <= -2.5e1": Comparison("Bytes", "<=", -25.0),
    "Bytes<18446744073709551615": Comparison("Bytes", "<", 2**64 - 1),
    "Bytes=7": All((Comparison("Bytes", ">=", 7), Comparison("Bytes", "<=", 7))),
    "Bytes!=7": Either((Comparison("Bytes", "<", 7), Comparison("Bytes", ">", 7))),
    'SrcK8S_Zone="$(DstK8S_Zone)"': Condition("SrcK8S_Zone", "$(DstK8S_Zone)"),
    r'SrcK8S_Zone="\"\\\x41\u00e9\101\n"': Condition("SrcK8S_Zone", '"\\AéA\n'),
    r"SrcK8S_Zone=~`\d+`": Condition("SrcK8S_Zone", r"\d+", "MatchRegex"),
    'Flags="SYN"': Either((Condition("Flags", "SYN"), HasPart("Flags", Condition("Flags", "SYN")))),
    'Flags!="SYN"': Not(Either((Condition("Flags", "SYN"), HasPart("Flags", Condition("Flags", "SYN"))))),
    'NetworkEvents>Name="x"': Either(
        (Condition("NetworkEvents>Name", "x"), HasPart("NetworkEvents", Condition("NetworkEvents>Name", "x")))
    ),
}


@pytest.mark.parametrize("text", MEANS)
def test_one_test(text):
    assert parse(text) == MEANS[text]


a, b, c = 'SrcK8S_Zone="a"', 'DstK8S_Zone="b"', 'SrcK8S_Name="c"'


@pytest.mark.parametrize(
    ("text", "means"),
    [
        (f"{a} or {b} and {c}", Either((A, All((B, C))))),
        (f"({a} OR {b}) And {c}", All((Either((A, B)), C))),
        (f"not {a} and {b}", All((Not(A), B))),
        (f"not({a} and {b})", Not(All((A, B)))),
        (f"not not {a}", Not(Not(A))),
        (f"{a}and({b})\nand\t{c}", All((A, B, C))),
        (f"(({a}))", A),
    ],
)
def test_and_binds_tighter_than_or_and_not_tightest(text, means):
    assert parse(text) == means


REFUSED = {
    "": "at its end: expected a field, 'not', 'with(field)', 'without(field)' or '('",
    "DstPrt=5": "character 1, near 'DstPrt=5': no field 'DstPrt'. Did you mean 'DstPort'?",
    "Proto=6 or DstPrt=5": "character 12, near 'DstPrt=5': no field 'DstPrt'. Did you mean 'DstPort'?",
    "with(DnsIt)": "character 6, near 'DnsIt)': no field 'DnsIt'. Did you mean 'DnsId'?",
    'SrcK8S_Zone!="$(DstK8S_Zon)"': "Did you mean 'DstK8S_Zone'?",
    "DstPort='5'": "character 9, near ''5'': a text stands in double quotes",
    'DstPort="5': "a text that is not closed",
    "DstPort=5 and": "at its end: expected a field",
    "(DstPort=5": "at its end: expected ')'",
    "DstPort=5)": "character 10, near ')': expected 'and', 'or' or the end",
    "DstPort=5 Proto=6": "character 11, near 'Proto=6': expected 'and', 'or' or the end",
    "DstPort": "at its end: expected a comparison after 'DstPort': = != =~ !~ > >= < <=",
    "DstPort==5": "expected a number, or a text in double quotes, after '='",
    "SrcK8S_Zone=a": "expected a number, or a text in double quotes, after '='",
    "Bytes>Packets": "'Bytes' has no 'Packets': compare it with a number, or with a text in double quotes",
    'Bytes>"5"': "character 7, near '\"5\"': '>' compares numbers: write the number without quotes",
    "DstPort=~5": "'=~' wants a regular expression in double quotes",
    'SrcAddr=~"(?=a)"': "no regular expression of RE2: invalid perl operator: (?=",
    r'SrcAddr="\d"': r"'\d' is no escape: write the backslash twice, or the text in backquotes",
    r'SrcAddr="\ud800"': "is no escape",
    "Flags>5": 'Flags has names: write Flags="SYN"',
    "Flags=4096": 'Flags has names: write Flags="SYN"',
    "Bytes=1e999": "a number too large",
    "Bytes=5x": "'5' has no meaning here",
    "Proto=6; DROP TABLE flows": "character 8, near '; DROP TABLE flows': ';' has no meaning here",
    "and=5": "expected a field",
    "with DnsId": "character 6, near 'DnsId': expected '('",
    "(" * 60: "more than 50 levels deep",
    "not " * 60 + "Proto=6": "more than 50 levels deep",
    "Proto=6 or " * 10_000: "longer than 100,000 characters",
    'SrcAddr="\ud800"': "not valid Unicode",
}


@pytest.mark.parametrize("text", REFUSED, ids=lambda text: ascii(text[:30]))
def test_what_is_wrong_is_said_with_its_place(text):
    with pytest.raises(SpecError) as error:
        parse(text)
    assert str(error.value).startswith("filter: ")
    assert REFUSED[text] in str(error.value)


def test_columns_of_a_table_may_be_named_too():
    assert parse('colour="red"', ["colour"]) == Condition("colour", "red")
    assert parse('parts>first="x"', ["parts"]) == Condition("parts>first", "x")


WORDS = st.one_of(st.text(max_size=8), st.sampled_from(['"', "\\", "\n", "`", "$(DstPort)", "it's", "a and b", "é日"]))
NAMES = st.sampled_from(["SrcAddr", "SrcK8S_Zone", "Bytes", "_RecordType", "NotDeclared"])
LISTS = st.sampled_from(["Flags", "Interfaces", "IfDirections", "NetworkEvents>Name"])
numbers = st.one_of(st.integers(-(2**63), 2**64 - 1), st.floats(allow_nan=False, allow_infinity=False))
texts = st.builds(Condition, NAMES, WORDS, st.sampled_from(["Equal", "NotEqual"]))
patterns = st.builds(
    Condition,
    NAMES,
    st.sampled_from(["", "^a|b$", r"\d+", '"', "[^x]"]),
    st.sampled_from(["MatchRegex", "NotMatchRegex"]),
)
present = st.builds(Condition, NAMES, st.just(""), st.sampled_from(["Presence", "Absence"]))
compared = st.builds(Comparison, NAMES, st.sampled_from(["<", "<=", ">", ">="]), numbers)
items = st.builds(Condition, LISTS, WORDS.filter(lambda word: "$(" not in word)).map(
    lambda one: Either((one, HasPart(one.field.split(">")[0], one)))
)
predicates = st.recursive(
    st.one_of(texts, patterns, present, compared, items),
    lambda inner: st.one_of(
        st.builds(Not, inner),
        st.builds(lambda of: All(tuple(of)), st.lists(inner, min_size=2, max_size=4)),
        st.builds(lambda of: Either(tuple(of)), st.lists(inner, min_size=2, max_size=4)),
    ),
    max_leaves=8,
)


@given(predicates)
def test_a_predicate_written_and_parsed_is_the_same(test):
    known = {"NotDeclared", "SrcAddr", "SrcK8S_Zone", "Bytes", "_RecordType", "DstPort"}
    assert parse(written(test), {*known, "Flags", "Interfaces", "IfDirections", "NetworkEvents"}) == test


@pytest.mark.parametrize("text", MEANS)
def test_a_text_parsed_and_written_means_the_same(text):
    assert parse(written(parse(text))) == parse(text)


@pytest.mark.parametrize(
    "test",
    [
        All(()),
        Either((A,)),
        Measurable("Bytes"),
        Condition("a name", "x"),
        Condition("and", "x"),
        Condition("Flags", "SYN"),  # the language means an item, this is the whole list's text only
        HasPart("Flags", Condition("Flags", "SYN")),
        Comparison("Bytes", ">", float("inf")),
    ],
)
def test_what_has_no_words_is_refused(test):
    with pytest.raises(SpecError):
        written(test)


PIECES = st.sampled_from(
    '( ) and or not with without = != =~ !~ > < >= Proto Flags DstPort NetworkEvents>Name 6 -1 1e5 "SYN" " ` \\ \' ; $( é'.split()  # noqa: SIM905
)


@given(st.one_of(st.text(), st.lists(PIECES, max_size=12).map(" ".join), st.lists(PIECES, max_size=12).map("".join)))
@example('Proto="\x00"')
def test_any_text_is_a_predicate_or_a_refusal(text):
    try:
        found = parse(text)
    except SpecError:
        return
    assert parse(written(found)) == found
