"""Both text forms, to the letter, and as Prometheus' own tool reads them."""

import re
import shutil
import subprocess

import pandas as pd
import pytest

from flowkit.errors import ContractError
from flowkit.manifests import FlowMetricSpec
from flowkit.metric import FlowMetric, NothingMatched, exposition

HOSTILE = ['a"b', "back\\slash", "two\nlines", "日本 é", "", '{x="1"} 5 # EOF', "\ttab"]
FLOWS = pd.DataFrame(
    {
        "SrcK8S_Zone": HOSTILE,
        "DstPort": range(7),
        "TimeFlowRttNs": [1, 2, 3, 4, 5, 6, 7],
        "TimeFlowEndMs": [999, 1000, 1001, 1500, 61_000, 61_000, 61_000],
    }
)
promtool = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="promtool (Debian package prometheus) is missing"
)


def metric(**spec):
    return FlowMetric(FlowMetricSpec("my-metric", **{"type": "Counter", **spec}))


def text(metric, form="prometheus", flows=FLOWS, step=None):
    return exposition(metric, metric.apply(flows, step=step), format=form)


def test_classic_histogram():
    found = metric(type="Histogram", value_field="TimeFlowRttNs", divider=2.0, buckets=(0.5, 2.0), help='a "b"\\\nc')
    assert text(found) == (
        '# HELP netobserv_my_metric a "b"\\\\\\nc\n'
        "# TYPE netobserv_my_metric histogram\n"
        'netobserv_my_metric_bucket{le="0.5"} 1\n'
        'netobserv_my_metric_bucket{le="2"} 4\n'
        'netobserv_my_metric_bucket{le="+Inf"} 7\n'
        "netobserv_my_metric_sum 14\n"
        "netobserv_my_metric_count 7\n"
    )


def test_openmetrics_counter_is_of_type_unknown_and_sums_up():
    assert text(metric(), "openmetrics", step="1s") == (
        "# HELP netobserv_my_metric FlowMetric my-metric\n"
        "# TYPE netobserv_my_metric unknown\n"
        "netobserv_my_metric 2 1.000\n"
        "netobserv_my_metric 4 2.000\n"
        "netobserv_my_metric 7 61.000\n"
        "# EOF\n"
    )


def test_openmetrics_bounds_are_floats_and_a_gauge_stays_as_it_is():
    found = metric(type="Histogram", value_field="TimeFlowRttNs", buckets=(0.5, 2.0))
    assert re.findall('le="([^"]*)"', text(found, "openmetrics")) == ["0.5", "2.0", "+Inf"]
    gauge = text(metric(type="Gauge", value_field="TimeFlowRttNs"), "openmetrics", step="1s")
    assert re.findall(r"(\d+) (\d+)\.000", gauge) == [("2", "1"), ("4", "2"), ("7", "61")]
    assert "# TYPE netobserv_my_metric gauge" in gauge


def test_label_values_are_escaped_and_nested_names_are_spelled_for_prometheus():
    found = metric(labels=("SrcK8S_Zone",))
    lines = text(found).splitlines()[2:]
    assert lines[1:4] == [
        'netobserv_my_metric{SrcK8S_Zone="\ttab"} 1',
        'netobserv_my_metric{SrcK8S_Zone="a\\"b"} 1',
        'netobserv_my_metric{SrcK8S_Zone="back\\\\slash"} 1',
    ]
    assert lines[0] == 'netobserv_my_metric{SrcK8S_Zone=""} 1'
    assert "netobserv_my_metric 1\n" in text(found, "openmetrics")
    events = pd.DataFrame({"NetworkEvents": [[{"Name": "allow"}]]})
    nested = metric(labels=("NetworkEvents>Name",), flatten=("NetworkEvents",))
    assert 'netobserv_my_metric{NetworkEvents_Name="allow"} 1' in text(nested, flows=events)


def test_a_table_without_rows_is_a_head_alone():
    with pytest.warns(NothingMatched):
        table = metric(value_field="Bytes").apply(FLOWS)
    assert exposition(metric(), table).count("\n") == 2
    assert exposition(metric(), table, format="openmetrics").endswith("unknown\n# EOF\n")


def test_the_classic_form_holds_no_time_series():
    with pytest.raises(ContractError, match="leave the step out, or use openmetrics"):
        text(metric(), step="1m")


TYPES = [
    {"labels": ("SrcK8S_Zone", "DstPort")},
    {"type": "Gauge", "labels": ("SrcK8S_Zone",), "value_field": "TimeFlowRttNs"},
    {"type": "Histogram", "labels": ("SrcK8S_Zone",), "value_field": "TimeFlowRttNs", "help": "x\\y\nz"},
]


@promtool
@pytest.mark.server
@pytest.mark.parametrize("spec", TYPES, ids=lambda spec: spec.get("type", "Counter"))
def test_promtool_finds_nothing_but_upstreams_own_names(spec):
    done = subprocess.run(
        ["promtool", "check", "metrics"], input=text(metric(**spec)), capture_output=True, text=True, check=False
    )
    complaints = [line for line in done.stderr.splitlines() if "_total" not in line and "camelCase" not in line]
    assert complaints == []
    assert done.returncode in (0, 3)
