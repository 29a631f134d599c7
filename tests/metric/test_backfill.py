"""What openmetrics holds, filled into a real Prometheus and asked back over its API."""

import json
import urllib.parse
import urllib.request

import pandas as pd
import pytest

from flowkit.manifests import FlowMetricSpec
from flowkit.metric import FlowMetric, cumulative, exposition
from tests.promql.server import NEEDS_PROMETHEUS, prometheus

START = 1_700_000_000_000
FLOWS = pd.DataFrame(
    {
        "SrcK8S_Zone": ['a"b', "back\\slash", "two\nlines", "日本", "", None] * 20,
        "DstPort": [443, 53] * 60,
        "Bytes": range(120),
        "TimeFlowEndMs": [START + 7_919 * place for place in range(120)],
    }
)
SPECS = [
    FlowMetricSpec("flows", "Counter", labels=("SrcK8S_Zone", "DstPort"), remap={"DstPort": "port"}),
    FlowMetricSpec("bytes", "Counter", labels=("DstPort",), value_field="Bytes", divider=3.0),
    FlowMetricSpec("last", "Gauge", labels=("DstPort",), value_field="Bytes"),
    FlowMetricSpec("sizes", "Histogram", labels=("DstPort",), value_field="Bytes", buckets=(1.0, 50.5)),
]

pytestmark = NEEDS_PROMETHEUS


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A Prometheus on loopback that holds the four metrics and scrapes nothing; its address."""
    metrics = [FlowMetric(spec) for spec in SPECS]
    texts = [exposition(metric, metric.apply(FLOWS, step="1m"), format="openmetrics") for metric in metrics]
    with prometheus(tmp_path_factory.mktemp("prometheus"), *texts) as address:
        yield address


def asked(server, query, at):
    """Every series of an instant query: its labels without the empty ones, and its value."""
    arguments = urllib.parse.urlencode({"query": query, "time": f"{at.timestamp():.3f}"})
    with urllib.request.urlopen(f"{server}/api/v1/query?{arguments}", timeout=5) as answer:
        result = json.load(answer)["data"]["result"]
    return {frozenset(one["metric"].items()): float(one["value"][1]) for one in result}


def held(metric, table):
    """What a table holds of one time, in the same form."""
    found = {}
    for row in table.to_dict("records"):
        series = row.pop("series", "")
        value, le = row.pop("value"), row.pop("le", "")
        del row["time"]
        labels = {"__name__": metric.name + series, "le": f"{le}.0" if le.isdecimal() else le, **row}
        found[frozenset((name, text) for name, text in labels.items() if text)] = float(value)
    return found


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
def test_prometheus_holds_what_the_table_says_at_every_step(server, spec):
    metric = FlowMetric(spec)
    table = metric.apply(FLOWS, step="1m")
    seen = table if spec.type == "Gauge" else cumulative(table)
    assert seen["time"].nunique() == 17
    for at in seen["time"].unique():
        found = asked(server, f'{{__name__=~"{metric.name}.*"}}', at)
        expected = held(metric, seen[seen["time"] == at])
        # A gauge without a flow in this step is still seen, for five minutes, as it was.
        same_series = {series: found[series] for series in expected} if spec.type == "Gauge" else found
        assert same_series == pytest.approx(expected, rel=1e-15)


def test_rates_come_out_of_it(server):
    at = pd.Timestamp(START + 10 * 60_000, unit="ms", tz="UTC")
    per_second = asked(server, "sum(rate(netobserv_flows[5m]))", at)
    assert per_second[frozenset()] == pytest.approx(1 / 7.919, rel=0.1)
