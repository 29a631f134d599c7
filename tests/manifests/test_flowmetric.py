import pytest

from flowkit.errors import SpecError
from flowkit.manifests import Chart, ChartQuery, FilterSpec, parse_flowmetric
from flowkit.manifests.documents import Manifest

API = "flows.netobserv.io/v1alpha1"


def parse(name="m", api=API, **spec):
    body = {"apiVersion": api, "kind": "FlowMetric", "metadata": {"name": name}, "spec": {"type": "Counter", **spec}}
    return parse_flowmetric(Manifest(body, "m.yaml", "FlowMetric"))


def test_every_field_of_the_api():
    read = parse(
        type="Histogram",
        metricName="rtt_seconds",
        help="Round trips",
        valueField="TimeFlowRttNs",
        labels=["SrcK8S_Namespace", "NetworkEvents>Name", "Flags"],
        flatten=["Flags", "NetworkEvents"],
        remap={"SrcK8S_Namespace": "namespace"},
        filters=[
            {"field": "Flags", "value": "SYN"},
            {"field": "SrcK8S_Zone", "value": "$(DstK8S_Zone)", "matchType": "NotEqual"},
        ],
        direction="Egress",
        buckets=[".001", "1", "+Inf"],
        divider="1000000000",
        charts=[
            {
                "title": "p99",
                "type": "Line",
                "unit": "seconds",
                "queries": [{"promQL": "rate($METRIC[2m])", "legend": "", "top": 3}],
            }
        ],
    )
    assert (read.series, read.help, read.value_field) == ("netobserv_rtt_seconds", "Round trips", "TimeFlowRttNs")
    assert read.targets == ("namespace", "NetworkEvents>Name", "Flags")
    assert read.filters == (FilterSpec("Flags", "SYN"), FilterSpec("SrcK8S_Zone", "$(DstK8S_Zone)", "NotEqual"))
    assert (read.direction, read.buckets, read.divider) == ("Egress", (0.001, 1.0), 1e9)
    assert read.charts == (Chart("p99", "Line", unit="seconds", queries=(ChartQuery("rate($METRIC[2m])", "", 3),)),)


def test_defaults():
    read = parse()
    assert (read.labels, read.flatten, read.filters, read.direction, read.divider) == ((), (), (), "Any", 1.0)


@pytest.mark.parametrize(
    ("name", "metric_name", "series"),
    [
        ("workload-syn-in", "", "netobserv_workload_syn_in"),
        ("a.b:c", "", "netobserv_a_b:c"),
        ("x", "bytes_total", "netobserv_bytes_total"),
    ],
)
def test_the_name_of_the_series(name, metric_name, series):
    assert parse(name, metricName=metric_name).series == series


def test_remap_of_what_is_no_label_is_let_through_only_without_labels():
    assert parse(remap={"DstPort": "port"}).targets == ()


REFUSED = [
    ("type", {"type": "Sum"}, "spec.type: 'Sum' is none of Counter, Gauge, Histogram."),
    ("type missing", {"type": None}, "spec.type: is required"),
    ("unknown key", {"filter": []}, "spec.filter: no such key. Did you mean 'filters'?"),
    ("metricName", {"metricName": "1x"}, "spec.metricName: '1x' must match"),
    ("metricName newline", {"metricName": "x\n"}, "spec.metricName"),
    ("unknown label", {"labels": ["DstPrt"]}, "spec.labels[0]: no field 'DstPrt'. Did you mean 'DstPort'?"),
    ("unknown parent", {"labels": ["NetworkEvent>Name"]}, "Did you mean 'NetworkEvents'?"),
    ("undeclared field", {"labels": ["Etype"]}, "spec.labels[0]: 'Etype' is no field NetObserv declares"),
    ("field of ours", {"labels": ["Client"]}, "spec.labels[0]: 'Client' is no field NetObserv declares"),
    ("label twice", {"labels": ["Proto", "Proto"]}, "spec.labels[1]: 'Proto' stands twice"),
    (
        "unknown filter field",
        {"filters": [{"field": "Flag"}]},
        "spec.filters[0].field: no field 'Flag'. Did you mean 'Flags'?",
    ),
    ("filter without field", {"filters": [{"value": "x"}]}, "spec.filters[0].field: is required"),
    ("filter key", {"filters": [{"field": "Proto", "match": "Equal"}]}, "spec.filters[0].match: no such key"),
    (
        "matchType",
        {"filters": [{"field": "Proto", "matchType": "MoreThan"}]},
        "spec.filters[0].matchType: 'MoreThan' is none of",
    ),
    (
        "number as value",
        {"filters": [{"field": "Proto", "value": 6}]},
        'must be text, not a number: write it in quotes, "6"',
    ),
    ("boolean as value", {"filters": [{"field": "Proto", "value": True}]}, 'a boolean: write it in quotes, "true"'),
    (
        "regex",
        {"filters": [{"field": "Proto", "matchType": "MatchRegex", "value": "("}]},
        "spec.filters[0].value: '(' is no regular",
    ),
    (
        "look-ahead",
        {"filters": [{"field": "Proto", "matchType": "NotMatchRegex", "value": "(?=a)"}]},
        "invalid perl operator",
    ),
    (
        "unknown reference",
        {"filters": [{"field": "Proto", "value": "$(Prot)"}]},
        "no field 'Prot'. Did you mean 'Proto'?",
    ),
    ("valueField unknown", {"valueField": "Byte"}, "spec.valueField: no field 'Byte'. Did you mean 'Bytes'?"),
    ("valueField is no number", {"valueField": "Flags"}, "spec.valueField: 'Flags' is no number"),
    ("valueField is a list", {"valueField": "IfDirections"}, "'IfDirections' is no number"),
    ("flatten unknown", {"flatten": ["Flag"]}, "spec.flatten[0]: no field 'Flag'"),
    ("flatten nested", {"flatten": ["NetworkEvents>Name"]}, "flatten its parent 'NetworkEvents' instead"),
    ("flatten twice", {"flatten": ["Flags", "Flags"]}, "spec.flatten[1]: 'Flags' stands twice"),
    ("flatten is no list", {"flatten": "Flags"}, "spec.flatten: must be a list, not a str"),
    (
        "remap of no label",
        {"labels": ["Proto"], "remap": {"DstPort": "p"}},
        "spec.remap.DstPort: no field 'DstPort' in spec.labels",
    ),
    ("remap target", {"labels": ["Proto"], "remap": {"Proto": "a-b"}}, "spec.remap.Proto: 'a-b' must match"),
    ("remap injects", {"labels": ["Proto"], "remap": {"Proto": 'p", 1 AS "x'}}, "must match"),
    ("remap newline", {"labels": ["Proto"], "remap": {"Proto": "p\n"}}, "must match"),
    (
        "duplicate target",
        {"labels": ["Proto", "Dscp"], "remap": {"Proto": "x", "Dscp": "x"}},
        "2 labels would be called 'x'",
    ),
    (
        "duplicate of a field",
        {"labels": ["Proto", "Dscp"], "remap": {"Proto": "Dscp"}},
        "2 labels would be called 'Dscp'",
    ),
    (
        "duplicate once exposed",
        {"labels": ["NetworkEvents>Name", "Proto"], "remap": {"Proto": "NetworkEvents_Name"}},
        "2 labels would be called 'NetworkEvents_Name'",
    ),
    ("label value", {"labels": ["Proto"], "remap": {"Proto": "value"}}, "a label cannot be called 'value'"),
    ("reserved label", {"labels": ["Proto"], "remap": {"Proto": "__name__"}}, "a label cannot be called '__name__'"),
    ("le", {"type": "Histogram", "labels": ["Proto"], "remap": {"Proto": "le"}}, "a label cannot be called 'le'"),
    ("direction", {"direction": "ingress"}, "'ingress' is none of Any, Ingress, Egress. Did you mean 'Ingress'?"),
    ("bucket", {"buckets": ["a"]}, "spec.buckets[0]: 'a' is no number"),
    ("bucket number", {"buckets": [0.1]}, 'write it in quotes, "0.1"'),
    ("buckets order", {"buckets": ["1", "1"]}, "spec.buckets: bounds must increase"),
    ("divider", {"divider": "1k"}, "spec.divider: '1k' is no positive number"),
    ("divider negative", {"divider": "-1"}, "spec.divider"),
    ("divider nan", {"divider": "nan"}, "spec.divider"),
    ("chart type", {"charts": [{"title": "t", "type": "Pie"}]}, "spec.charts[0].type: 'Pie' is none of"),
    ("chart title", {"charts": [{"type": "Line"}]}, "spec.charts[0].title: is required"),
    (
        "chart top",
        {"charts": [{"title": "t", "type": "Line", "queries": [{"promQL": "x", "legend": "", "top": 0}]}]},
        "spec.charts[0].queries[0].top: '0' is no whole number",
    ),
]


@pytest.mark.parametrize(("name", "spec", "message"), REFUSED, ids=[name for name, *_ in REFUSED])
def test_refused_with_file_key_and_way_out(name, spec, message):
    with pytest.raises(SpecError) as caught:
        parse(**spec)
    assert str(caught.value).startswith("m.yaml: spec")
    assert message in str(caught.value)
    assert caught.value.place == "m.yaml"


def test_other_versions_missing_spec_and_missing_name():
    with pytest.raises(SpecError, match="apiVersion: 'flows.netobserv.io/v1' is not"):
        parse(api="flows.netobserv.io/v1")
    with pytest.raises(SpecError, match="spec: is required"):
        parse_flowmetric(Manifest({"apiVersion": API}, "m.yaml", "FlowMetric"))
    with pytest.raises(SpecError, match=r"metadata\.name or spec\.metricName is required"):
        parse(name="")
