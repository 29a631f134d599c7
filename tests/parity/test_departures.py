"""Each line of "Where flowkit departs from upstream" in docs/flowmetric.md, shown: the docs name nothing that is not tested here.

A case cites the section of the FlowMetric specification whose rule it departs from (`time`, `text`: of the exposition's and
the filter language's).
"""

from __future__ import annotations

import re

import pandas as pd
import pytest

import flowkit as fk
from flowkit.errors import FlowkitError, SpecError
from flowkit.metric import cumulative, exposition
from tests.parity.cases import ACK, FIN, NE, SYN, TWO, F, f, spec
from tests.parity.running import WAYS, answer, conforms, metric, raw, same

VALUED = "TimeFlowStartMs"  # a number that may be negative
BUCKETS = {"type": "Histogram", "valueField": "TimeFlowRttNs"}
UNION = [f(F, SYN), f(F, FIN)]
BOTH = [f(F, SYN), f(F, ACK), f("Interfaces", "br"), f("Interfaces", "eth0")]
IN = [f("FlowDirection", "1"), f("FlowDirection", "2")]

# (the docs' subject, the rule, definition, flows, rows)
ROWS = [
    ("several filters on one field", "1.4", spec([F], UNION, [F]), [{F: [SYN, FIN, ACK]}], [(FIN, 1), (SYN, 1)]),
    (
        "several filters on two flattened fields",
        "1.4",
        spec([F, "Interfaces"], BOTH, [F, "Interfaces"]),
        TWO,
        [(ACK, "br", 1), (ACK, "eth0", 1), (SYN, "br", 1), (SYN, "eth0", 1)],
    ),
    (
        "`direction`",
        "1.3",
        spec(["FlowDirection"], IN, direction="Ingress"),
        [{"FlowDirection": 0}, {"FlowDirection": 1}, {"FlowDirection": 2}, {}],
        [("2", 1)],
    ),
    ("`direction`", "1.3", spec([], direction="Egress"), [{"Proto": 6}], [(1,)]),
    (
        "maps from JSON",
        "1.4",
        spec([f"{NE}>Name"], [f(f"{NE}>Feature", "acl")], [NE]),
        [{NE: [{"Feature": "acl", "Name": "deny"}, {"Feature": "x", "Name": "y"}]}],
        [("deny", 1)],
    ),
    (
        "`IfDirections` (in process)",
        "1.4",
        spec(["IfDirections"], flatten=["IfDirections"]),
        [{"IfDirections": [0, 1]}],
        [("0", 1), ("1", 1)],
    ),
    ("Flags as a number", "1.5", spec([F], flatten=[F]), [{F: 18}, {F: 0}], [("", 1), (ACK, 1), (SYN, 1)]),
    ("Flags as a number", "1.5", spec([F], [f(F, SYN)], [F]), [{F: 18}, {F: 16}], [(SYN, 1)]),
    (
        "null item in a list",
        "1.4",
        spec(["Interfaces"], flatten=["Interfaces"]),
        [{"Interfaces": [None, "eth0"]}],
        [("", 1), ("eth0", 1)],
    ),
    (
        "histogram buckets",
        "1.4",
        spec([], **BUCKETS, buckets=["2", "30"]),
        [{"TimeFlowRttNs": 2}, {"TimeFlowRttNs": 20}],
        [("_bucket", "2", 1), ("_bucket", "30", 2), ("_bucket", "+Inf", 2), ("_sum", "", 22), ("_count", "", 2)],
    ),
    (
        "histogram buckets",
        "1.4",
        spec([], **BUCKETS),
        [{"TimeFlowRttNs": 2}],
        [
            *(("_bucket", le, 0) for le in ("0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1")),
            *(("_bucket", le, 1) for le in ("2.5", "5", "10", "+Inf")),
            ("_sum", "", 2),
            ("_count", "", 1),
        ],
    ),
    (
        "Gauge",
        "1.4",
        spec([], type="Gauge", valueField="Bytes"),
        [{"Bytes": 7, "TimeFlowEndMs": 9}, {"Bytes": 8, "TimeFlowEndMs": 9}, {"Bytes": 99, "TimeFlowEndMs": 8}],
        [(8,)],
    ),
    ("negative Counter value", "1.4", spec([], valueField=VALUED), [{VALUED: -1}, {VALUED: 3}], [(3,)]),
    (
        "NaN, infinite or unreadable value",
        "1.4",
        spec([], valueField=VALUED),
        [{VALUED: float("nan")}, {VALUED: float("inf")}, {VALUED: 3.0}],
        [(3.0,)],
    ),
    (
        "NaN, infinite or unreadable value",
        "1.4",
        spec([], valueField=VALUED),
        [{VALUED: "many"}, {VALUED: "3"}],
        [(3.0,)],
    ),
    (
        "text of floats",
        "1.4",
        spec(["Bytes"], [f("Bytes", "0"), f("Bytes", "1000000000000000000000"), f("Bytes", "0.5")]),
        [{"Bytes": -0.0}, {"Bytes": 1e21}, {"Bytes": 0.5}],
        [("0", 1), ("0.5", 1), ("1000000000000000000000", 1)],
    ),
    (
        "order of labels and rows",
        "1.4",
        spec(["Proto", F], flatten=[F]),
        [{"Proto": 6, F: [SYN]}, {"Proto": 17, F: [ACK]}, {"Proto": 6, F: [ACK]}],
        [("17", ACK, 1), ("6", ACK, 1), ("6", SYN, 1)],
    ),
]

NAMED = spec(["Proto"], remap={"Proto": "time"})
# (the docs' subject, the rule, definition, what the message says)
REFUSED = [
    ("invalid regex", "1.4", spec([], [f("Proto", "(6", "MatchRegex")]), "spec.filters[0].value: "),
    (
        "duplicate label (also after remap, or once `>` is `_`)",
        "1.4",
        spec(["SrcPort", "DstPort"], remap={"SrcPort": "port", "DstPort": "port"}),
        "'port'",
    ),
    ("duplicate label (also after remap, or once `>` is `_`)", "1.4", spec(["Proto", "Proto"]), "stands twice"),
    (
        "duplicate label (also after remap, or once `>` is `_`)",
        "1.2",
        spec([f"{NE}>Name", "Proto"], flatten=[NE], remap={"Proto": f"{NE}_Name"}),
        f"{NE}_Name",
    ),
    ("divider that is no number or negative", "1.1", spec([], divider="1k"), "spec.divider: '1k'"),
    ("divider that is no number or negative", "1.1", spec([], divider="-1"), "spec.divider: '-1'"),
    ("buckets that do not increase", "1.1", spec([], **BUCKETS, buckets=["2", "1"]), "spec.buckets: bounds must incr"),
    (
        "labels `value`, `__…`; in histograms `le`, `series`",
        "1.1",
        spec(["Proto"], remap={"Proto": "value"}),
        "'value'",
    ),
    ("labels `value`, `__…`; in histograms `le`, `series`", "1.1", spec(["Proto"], remap={"Proto": "__a"}), "'__a'"),
    (
        "labels `value`, `__…`; in histograms `le`, `series`",
        "1.1",
        spec(["Proto"], **BUCKETS, remap={"Proto": "le"}),
        "'le'",
    ),
    (
        "labels `value`, `__…`; in histograms `le`, `series`",
        "1.1",
        spec(["Proto"], **BUCKETS, remap={"Proto": "series"}),
        "'series'",
    ),
    ("unknown `$(Field)`", "1.4", spec([], [f("SrcK8S_Zone", "$(DstK8S_Zon)")]), "Did you mean 'DstK8S_Zone'?"),
    ("unknown flatten field without labels", "1.1", spec([], flatten=["Flag"]), "spec.flatten[0]: no field 'Flag'"),
    ("a field twice in flatten, or a nested name in flatten", "1.4", spec([F], flatten=[F, F]), "stands twice"),
    ("a field twice in flatten, or a nested name in flatten", "1.4", spec([], flatten=[f"{NE}>Name"]), "its parent"),
    ("unknown keys in spec", "1.1", spec([], filter=[]), "spec.filter: no such key. Did you mean 'filters'?"),
]

LISTS = [{F: [SYN, ACK]}, {F: [SYN]}, {F: [ACK]}, {F: []}]
PORTS = [{"DstPort": 53, "Bytes": 1}, {"DstPort": 443, "Bytes": 3}]
# (the docs' subject, the rule, filter text, flows, the rows that stay)
TEXTS = [
    ('filter text: `Flags="SYN"` on a list', "1.6", 'Flags="SYN"', LISTS, [0, 1]),
    ('filter text: `Flags="SYN"` on a list', "1.6", 'Flags="[SYN ACK]"', LISTS, [0]),
    ('filter text: `Flags=~"^SYN$"`', "1.6", 'Flags=~"^SYN$"', LISTS, [0, 1]),
    ('filter text: `Flags=~"^SYN$"`', "1.6", r"Flags=~`^\[ACK`", LISTS, [2]),
    ("filter text: `Flags=18` on names", "1.6", "Flags=18", LISTS, [0]),
    ('filter text: `DstPort="53"`', "1.6", 'DstPort="53"', PORTS, [0]),
    ("filter text: `not`, decimals, negative numbers", "1.6", "not DstPort=53", PORTS, [1]),
    ("filter text: `not`, decimals, negative numbers", "1.6", "Bytes>2.5 and Bytes>-1", PORTS, [1]),
]

LATER = [{"TimeFlowEndMs": 1_000 * at, "Proto": 6} for at in (10, 10, 3_600)]


def numbered(cases):
    return [pytest.param(*case, id=f"{case[1]} {case[0]} {place}") for place, case in enumerate(cases)]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("subject", "rule", "definition", "flows", "expected"), numbered(ROWS))
def test_rows(way, subject, rule, definition, flows, expected):
    # A form of the contract's that would lose what the case is about is no way to show it.
    same(answer(way if "conformed" not in way or conforms(flows) else "naive", definition, flows), expected)


@pytest.mark.parametrize(("subject", "rule", "definition", "message"), numbered(REFUSED))
def test_refused_with_the_key(subject, rule, definition, message):
    with pytest.raises(SpecError, match=re.escape(message)):
        metric(definition)


@pytest.mark.parametrize(("subject", "rule", "text", "flows", "stay"), numbered(TEXTS))
def test_filter_text(subject, rule, text, flows, stay):
    assert fk.filter(raw(flows), text).index.tolist() == stay


def test_a_text_names_an_unknown_field_with_its_place():
    with pytest.raises(FlowkitError, match="character 1, .*no field 'DstPrt'. Did you mean 'DstPort'"):
        fk.filter(raw(PORTS), "DstPrt=5")


def test_a_series_stays_and_its_steps_are_exact():
    table = metric(spec(["Proto"])).apply(raw(LATER), step="1m")
    assert table["value"].tolist() == [2, 1]
    assert cumulative(table)["value"].tolist() == [2, 3]


def test_a_flow_without_a_time_is_in_no_step_and_counted():
    table = metric(spec(["Proto"])).apply(raw([*LATER, {"Proto": 6}]), step="1m")
    assert table["value"].sum() == 3
    assert fk.provenance(table).losses == {"flows without TimeFlowEndMs": 1}


def test_a_counter_keeps_its_name_in_openmetrics_and_says_of_which_metric_it_helps():
    flows = pd.DataFrame({"Proto": [6]})
    text = exposition(metric(spec(["Proto"])), metric(spec(["Proto"])).apply(flows), "openmetrics")
    assert text == (
        "# HELP netobserv_m FlowMetric m\n# TYPE netobserv_m unknown\n" + 'netobserv_m{Proto="6"} 1\n# EOF\n'
    )


def test_a_label_called_time_leaves_no_name_for_the_time():
    assert metric(NAMED).apply(raw(LATER)).columns.tolist() == ["time", "value"]
    with pytest.raises(SpecError, match="remap it"):
        metric(NAMED).apply(raw(LATER), step="1m")


OTHERS = {
    "filter text: unknown field": test_a_text_names_an_unknown_field_with_its_place,
    "time series": test_a_series_stays_and_its_steps_are_exact,
    "flow without TimeFlowEndMs": test_a_flow_without_a_time_is_in_no_step_and_counted,
    "OpenMetrics counter": test_a_counter_keeps_its_name_in_openmetrics_and_says_of_which_metric_it_helps,
    "label `time` with a step": test_a_label_called_time_leaves_no_name_for_the_time,
    "HELP without `spec.help`": test_a_counter_keeps_its_name_in_openmetrics_and_says_of_which_metric_it_helps,
}


def test_every_departure_in_the_docs_is_shown_here_and_no_other(root):
    text = (root / "docs" / "flowmetric.md").read_text()
    table = text.split("## Where flowkit departs from upstream\n\n")[1].split("\n\n")[0]
    written = [line.split("|")[1].strip() for line in table.splitlines()[2:]]
    shown = {subject for cases in (ROWS, REFUSED, TEXTS) for subject, *_ in cases} | OTHERS.keys()
    assert sorted(written) == sorted(shown)


def test_every_case_cites_its_rule():
    rules = {rule for cases in (ROWS, REFUSED, TEXTS) for _, rule, *_ in cases}
    assert rules <= {"1.1", "1.2", "1.3", "1.4", "1.5", "1.6"}
