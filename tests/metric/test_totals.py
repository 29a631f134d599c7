"""Adding flows bit by bit is adding them at once: Counter, Gauge, Histogram; and series that nothing touches end."""

import pandas as pd
import pytest

from flowkit.manifests import FlowMetricSpec
from flowkit.metric import FlowMetric
from flowkit.metric.totals import Totals

FLOWS = pd.DataFrame(
    {
        "DstPort": [443, 53, 443, 8080, 53, 443],
        "Bytes": [1, 2, 3, 2**62, 5, 6],
        "TimeFlowEndMs": [10, 20, 60, 40, 30, 50],
    }
)
SPECS = [
    FlowMetricSpec("flows", "Counter", labels=("DstPort",)),
    FlowMetricSpec("bytes", "Counter", labels=("DstPort",), value_field="Bytes"),
    FlowMetricSpec("all", "Counter"),
    FlowMetricSpec("last", "Gauge", labels=("DstPort",), value_field="Bytes"),
    FlowMetricSpec("any", "Gauge", value_field="Bytes"),
    FlowMetricSpec("sizes", "Histogram", labels=("DstPort",), value_field="Bytes", buckets=(2.0, 5.0)),
]


def rows(table):
    return sorted(map(tuple, table.astype(object).to_numpy().tolist()))


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
@pytest.mark.parametrize("cut", [1, 3, 5])
def test_parts_in_any_cut_add_up_to_the_whole(spec, cut):
    metric = FlowMetric(spec)
    totals = Totals(metric).adding(FLOWS[:cut], 1.0).adding(FLOWS[cut:].reset_index(drop=True), 2.0)
    assert rows(totals.table) == rows(metric.apply(FLOWS))
    assert list(totals.table.columns) == list(metric.apply(FLOWS).columns)


def test_sums_beyond_64_bits_are_exact():
    metric = FlowMetric(SPECS[1])
    totals = Totals(metric)
    for _ in range(5):
        totals = totals.adding(FLOWS, 1.0)
    assert dict(rows(totals.table))["8080"] == 5 * 2**62


def test_a_series_ends_when_nothing_touches_it_and_begins_anew():
    totals = Totals(FlowMetric(SPECS[0])).adding(FLOWS, 1.0).adding(FLOWS[FLOWS["DstPort"] == 53], 100.0)
    assert rows(totals.without_old(50.0).table) == [("53", 4)]
    assert rows(totals.without_old(50.0).adding(FLOWS[:1], 101.0).table) == [("443", 1), ("53", 4)]
    assert totals.without_old(1.0) is totals


def test_flows_that_do_not_match_change_nothing():
    totals = Totals(FlowMetric(SPECS[3]))
    with pytest.warns(UserWarning, match="matched nothing"):
        assert totals.adding(FLOWS.drop(columns="Bytes"), 1.0) is totals
