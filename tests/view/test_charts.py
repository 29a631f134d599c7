"""A FlowMetric's charts: queries, legends, units and top N, the same from flows and from a real Prometheus."""

import shutil

import pandas as pd
import pytest

from flowkit.errors import ContractError
from flowkit.manifests import Chart, ChartQuery, FlowMetricSpec
from flowkit.metric import FlowMetric, exposition
from flowkit.view.plot import charts
from tests.promql.server import prometheus

START = 1_700_000_000
QUERY = ChartQuery("sum by (port) (rate($METRIC[1m]))", "port {{port}}", top=2)
SPEC = FlowMetricSpec(
    "bytes",
    "Counter",
    labels=("DstPort",),
    remap={"DstPort": "port"},
    value_field="Bytes",
    charts=(
        Chart("Traffic <b>", "StackArea", unit="Bps", queries=(QUERY,)),
        Chart("All", "SingleStat", unit="bytes", queries=(ChartQuery("sum($METRIC)", ""),)),
        Chart("None", "Line", queries=(ChartQuery("nowhere", ""),)),
    ),
)
METRIC = FlowMetric(SPEC)
FLOWS = pd.DataFrame(
    {
        "DstPort": [443, 53, 8080] * 60,
        "Bytes": [300, 20, 1000] * 60,
        "TimeFlowEndMs": [START * 1000 + 5_000 * (place // 3) for place in range(180)],
    }
)
LAST_SCRAPE = (START + 240) // 15 * 15_000
WHEN = {"start": START + 60, "end": START + 240, "step": "30s"}


def test_each_chart_is_a_figure_with_legend_unit_and_top():
    area, stat, none = charts(METRIC, FLOWS, **WHEN)
    assert sorted(trace.name for trace in area.data) == ["port 443", "port 8080"]
    assert {trace.stackgroup for trace in area.data} == {"all"}
    assert (area.layout.yaxis.title.text, area.layout.title.text) == ("bytes/s", "Traffic &lt;b&gt;")
    assert stat.data[0].value == FLOWS[FLOWS["TimeFlowEndMs"] <= LAST_SCRAPE]["Bytes"].sum()
    assert none.layout.title.text == "None: no data"


@pytest.mark.server
@pytest.mark.skipif(not shutil.which("prometheus"), reason="prometheus (Debian package prometheus) is missing")
def test_a_server_that_holds_the_metric_gives_the_same_figures(tmp_path):
    text = exposition(METRIC, METRIC.apply(FLOWS, step="15s"), format="openmetrics")
    with prometheus(tmp_path, text) as server:
        theirs = charts(METRIC, server=server, **WHEN)
    for one, other in zip(charts(METRIC, FLOWS, rules=2, **WHEN), theirs, strict=True):
        assert [trace.name for trace in one.data] == [trace.name for trace in other.data]
        for mine, its in zip(one.data, other.data, strict=True):
            if mine.type == "indicator":
                assert mine.value == its.value
            else:
                assert list(mine.x) == list(its.x)
                assert list(mine.y) == pytest.approx(list(its.y))


def test_what_cannot_be_drawn_is_said():
    with pytest.raises(ContractError, match="give one of them"):
        charts(METRIC, **WHEN)
