"""Random flows and random metrics: optimised plan = naive plan = reference, on the bit set and on the list path."""

import warnings

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.parity import reference
from tests.parity.running import answer, metric, same

NAMES = reference.FLAG_NAMES
WORDS = st.sampled_from(["", "a", "b", "SYN", "é", "日本", "it's", '"q"', "a\\b", "$(x", "%_", "\x00n", "443", "[SYN]"])
PATTERNS = st.sampled_from(["", "a|b", "^SYN$", "SYN", "_ACK$", r"\d", r"\\", "[^a]", ".", "^$", "^4+3$", "é|日", "'"])
TEXTS = ["SrcK8S_Zone", "DstK8S_Zone", "SrcK8S_Namespace"]
NUMBERS = ["DstPort", "Proto", "FlowDirection"]
NESTED = ["NetworkEvents>Name", "NetworkEvents>Action"]
LISTS = ["Flags", "Interfaces", "NetworkEvents", "IfDirections"]
FIELDS = [*TEXTS, *NUMBERS, *NESTED, "Flags", "Interfaces", "IfDirections", "TLSVersion"]
MATCHES = ["Equal", "NotEqual", "Presence", "Absence", "MatchRegex", "NotMatchRegex"]


def optional(**fields):
    return st.fixed_dictionaries({}, optional=fields)


events = st.lists(optional(Name=WORDS, Action=st.sampled_from(["allow", "drop"])), max_size=2)
flag_sets = st.one_of(
    st.just([]), st.sets(st.sampled_from(NAMES), max_size=3).map(lambda s: sorted(s, key=NAMES.index))
)
flag_lists = st.lists(st.sampled_from([*NAMES[:3], "NEW", "it's"]), max_size=3)


def flow(flags):
    return optional(
        **dict.fromkeys(TEXTS, WORDS),
        DstPort=st.sampled_from([0, 7, 443, 65535]),
        Proto=st.sampled_from([6, 17]),
        FlowDirection=st.sampled_from([0, 1, 2]),
        Flags=flags,
        Interfaces=st.lists(st.sampled_from(["eth0", "br", "SYN"]), max_size=2),
        IfDirections=st.lists(st.sampled_from([0, 1, 3]), max_size=2),
        NetworkEvents=events,
        Bytes=st.integers(0, 2**63),
        TimeFlowRttNs=st.integers(0, 5000),
        TimeFlowEndMs=st.integers(0, 3),
    )


references = st.sampled_from(
    ["$(SrcK8S_Zone)", "$(DstPort)", "x$(Flags)$(Proto)", "$(Interfaces)", "$(NetworkEvents>Name)"]
)
values = st.one_of(WORDS, st.sampled_from(["SYN", "ACK", "6", "1", "07", "eth0", "allow", "[SYN ACK]"]), references)


@st.composite
def filters(draw):
    match = draw(st.sampled_from(MATCHES))
    value = draw(PATTERNS if match.endswith("Regex") else values)
    return {"field": draw(st.sampled_from(FIELDS)), "value": value, "matchType": match}


@st.composite
def specs(draw):
    labels = draw(st.lists(st.sampled_from(FIELDS), unique=True, max_size=4))
    return {
        "type": draw(st.sampled_from(["Counter", "Counter", "Gauge", "Histogram"])),
        "labels": labels,
        "flatten": draw(st.lists(st.sampled_from(LISTS), unique=True, max_size=2)),
        "filters": draw(st.lists(filters(), max_size=4)),
        "direction": draw(st.sampled_from(["Any", "Any", "Ingress", "Egress"])),
        "valueField": draw(st.sampled_from(["", "Bytes", "TimeFlowRttNs"])),
        "divider": draw(st.sampled_from(["", "", "1000"])),
        "buckets": draw(st.sampled_from([[], ["0.5", "1", "2000"]])),
        "remap": {label: f"to_{place}" for place, label in enumerate(labels) if draw(st.booleans())},
    }


thorough = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def check(way, spec, flows):
    same(answer(way, spec, flows), reference.flowmetric(spec, flows))


@thorough
@given(specs(), st.lists(flow(flag_sets), max_size=8))
def test_the_bit_set(spec, flows):
    check("conformed", spec, flows)
    check("conformed naive", spec, flows)


@thorough
@given(specs(), st.lists(flow(flag_lists), max_size=8))
def test_the_list_path(spec, flows):
    check("optimised", spec, flows)
    check("naive", spec, flows)


odd = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 5),
    st.floats(allow_nan=False),
    WORDS.filter(lambda w: w != "443"),
    st.just(["a", 1]),
)


@thorough
@given(st.lists(st.fixed_dictionaries({"SrcK8S_Zone": odd}), max_size=6))
def test_odd_types_have_the_text_go_prints(flows):
    present = [{key: found for key, found in one.items() if found is not None} for one in flows]
    check("optimised", {"type": "Counter", "labels": ["SrcK8S_Zone"]}, present)


@thorough
@given(st.lists(st.floats(allow_nan=False, allow_subnormal=False), max_size=6))
def test_floats_are_shortest_without_an_exponent(numbers):
    flows = [{"SrcK8S_Zone": number} for number in numbers]
    check("optimised", {"type": "Counter", "labels": ["SrcK8S_Zone"]}, flows)


@thorough
@given(specs(), st.lists(flow(flag_sets), max_size=6))
def test_the_funnel_never_grows_and_ends_with_the_flows_that_count(spec, flows):
    definition = metric(spec)
    from tests.parity.running import raw

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        funnel = definition.explain(raw(flows))["flows"]
    counts = funnel.dropna().tolist()
    assert counts[0] == len(flows)
    assert counts == sorted(counts, reverse=True)
    if not funnel.isna().any():
        kept = {id(one) for _, one, _ in reference.samples(spec, flows)}
        assert counts[-1] == len(kept)
