"""A metric as time series: each step is the metric of the flows that end in it."""

from datetime import timedelta

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flowkit.contract import conform, provenance
from flowkit.contract.moments import milliseconds
from flowkit.errors import SpecError
from flowkit.manifests import FlowMetricSpec
from flowkit.metric import FlowMetric, NothingMatched, cumulative
from tests.parity import reference
from tests.parity.running import metric as definition
from tests.parity.running import raw, rows, same
from tests.parity.test_laws import flag_lists, flag_sets, flow, specs

FLOWS = pd.DataFrame(
    {
        "DstPort": [443, 53, 443, 443, 443, 1],
        "Bytes": [1, 2, 3, 4, 2**62, 5],
        "TimeFlowEndMs": pd.array([1, 60_000, 60_001, 900_000, 900_000, None], dtype="Int64"),
    }
)


def metric(**spec):
    return FlowMetric(
        FlowMetricSpec("m", **{"type": "Counter", "labels": ("DstPort",), "value_field": "Bytes", **spec})
    )


def minutes(table):
    return [(*labels, time.timestamp() / 60, value) for *labels, time, value in rows(table)]


def test_a_counter_a_step():
    table = metric().apply(FLOWS, step="1m")
    assert minutes(table) == [("443", 1, 1), ("443", 2, 3), ("443", 15, 2**62 + 4), ("53", 1, 2)]
    assert table.dtypes.astype(str).to_dict() == {"DstPort": "str", "time": "datetime64[ms, UTC]", "value": "int64"}


def test_flows_without_a_time_that_the_metric_would_count_are_a_loss():
    assert provenance(metric().apply(FLOWS, step="1m")).losses == {"flows without TimeFlowEndMs": 1}
    tcp = metric(value_field="TimeFlowRttNs")
    with pytest.warns(NothingMatched):
        assert provenance(tcp.apply(FLOWS, step="1m")).losses == {}
    with pytest.warns(NothingMatched):
        assert provenance(metric().apply(FLOWS[["DstPort", "Bytes"]], step="1m")).losses == {
            "flows without TimeFlowEndMs": 6
        }


def test_times_no_calendar_has_are_none():
    flows = pd.DataFrame({"TimeFlowEndMs": ["-1", "soon", "1e300", "253402300800000", "253402300799999", "1.5"]})
    table = metric(labels=(), value_field="").apply(flows, step="1ms")
    assert table["time"].astype("int64").tolist() == [2, 253402300799999]
    assert provenance(table).losses == {"flows without TimeFlowEndMs": 4}


def test_a_gauge_is_the_last_within_each_step_and_a_histogram_has_all_its_series():
    assert minutes(metric(type="Gauge", labels=()).apply(FLOWS, step="10m")) == [(10, 3), (20, 2**62)]
    table = metric(type="Histogram", labels=(), buckets=(2.0,)).apply(FLOWS[:4], step="1m")
    assert table.columns.tolist() == ["time", "series", "le", "value"]
    assert [(row[1:], row[0].timestamp()) for row in rows(table)] == [
        (("_bucket", "2", 2.0), 60),
        (("_bucket", "+Inf", 2.0), 60),
        (("_sum", "", 3.0), 60),
        (("_count", "", 2.0), 60),
        (("_bucket", "2", 0.0), 120),
        (("_bucket", "+Inf", 1.0), 120),
        (("_sum", "", 3.0), 120),
        (("_count", "", 1.0), 120),
        (("_bucket", "2", 0.0), 900),
        (("_bucket", "+Inf", 1.0), 900),
        (("_sum", "", 4.0), 900),
        (("_count", "", 1.0), 900),
    ]


def test_every_input_gives_the_same(tmp_path):
    expected = metric().apply(FLOWS, step="1m")
    conform(FLOWS).to_parquet(tmp_path / "flows.parquet")
    for flows in (conform(FLOWS), pa.Table.from_pandas(FLOWS), tmp_path / "flows.parquet"):
        pd.testing.assert_frame_equal(metric().apply(flows, step=timedelta(minutes=1)), expected)


def test_the_running_total_as_a_scraper_sees_it():
    table = cumulative(metric().apply(FLOWS, step="1m"))
    assert minutes(table) == [
        ("443", 1, 1),
        ("443", 2, 4),
        ("443", 15, 2**62 + 8),
        ("53", 1, 2),
        ("53", 2, 2),
        ("53", 15, 2),
    ]
    histogram = cumulative(metric(type="Histogram", buckets=(2.0,)).apply(FLOWS[:4], step="1m"))
    assert [row[3:] for row in rows(histogram)][8:12] == [("2", 1.0), ("+Inf", 3.0), ("", 8.0), ("", 3.0)]
    assert histogram["time"].dt.minute.tolist()[:12] == [1] * 4 + [2] * 4 + [15] * 4


def test_running_totals_beyond_64_bits_stay_exact():
    flows = pd.DataFrame({"Bytes": [2**63, 2**63, 1], "TimeFlowEndMs": [1, 1001, 2001]})
    table = cumulative(metric(labels=()).apply(flows, step="1s"))
    assert table["value"].tolist() == [2**63, 2**64, 2**64 + 1]


def test_nothing_is_an_empty_table_of_the_same_columns():
    with pytest.warns(NothingMatched):
        table = metric().apply(FLOWS[:0], step="1m")
    assert table.dtypes.astype(str).to_dict() == {"DstPort": "str", "time": "datetime64[ms, UTC]", "value": "int64"}
    assert cumulative(table).dtypes.equals(table.dtypes)


def test_labels_called_like_our_columns():
    named = metric(labels=("DstPort", "Proto"), remap={"DstPort": "series", "Proto": "le"})
    table = named.apply(FLOWS.assign(Proto=6), step="1m")
    assert cumulative(table)["series"].tolist() == ["443"] * 3 + ["53"] * 3
    with pytest.raises(SpecError, match="a label called 'time' leaves no name for the time: remap it"):
        metric(remap={"DstPort": "time"}).apply(FLOWS, step="1m")


@pytest.mark.parametrize("text", ["", "0s", "1", "m", "-1m", "1.5m", "1 m", "1m; DROP", "200y", "9" * 60 + "s"])
def test_what_is_no_step(text):
    with pytest.raises(SpecError, match="is no step: write it like 30s, 1m or 1h30m"):
        milliseconds(text)
    with pytest.raises(SpecError):
        milliseconds(timedelta(microseconds=1))


thorough = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def expected(spec, flows, step):
    """The reference's rows of each step, the time between labels and the rest."""
    found = []
    timed = [one for one in flows if "TimeFlowEndMs" in one]
    for end in sorted({-(-one["TimeFlowEndMs"] // step) * step for one in timed}):
        within = [one for one in timed if end - step < one["TimeFlowEndMs"] <= end]
        width = len(spec["labels"])
        found += [(*row[:width], end, *row[width:]) for row in reference.flowmetric(spec, within)]
    return sorted(
        found, key=lambda row: ([part.encode() for part in row[: len(spec["labels"])]], row[len(spec["labels"])])
    )


def series(spec, table):
    return rows(table.assign(time=table["time"].astype("int64")))


@pytest.mark.filterwarnings("ignore::flowkit.metric.NothingMatched")
@thorough
@given(specs(), st.lists(flow(flag_lists), max_size=8), st.sampled_from([1, 2, 10]))
def test_each_step_is_the_metric_of_its_flows(spec, flows, step):
    table = definition(spec).apply(raw(flows), step=timedelta(milliseconds=step))
    same(series(spec, table), expected(spec, flows, step))


@pytest.mark.filterwarnings("ignore::flowkit.metric.NothingMatched")
@thorough
@given(specs(), st.lists(flow(flag_sets), max_size=8))
def test_the_last_running_total_is_the_metric_itself(spec, flows):
    timed = [one for one in flows if "TimeFlowEndMs" in one]
    found = definition({**spec, "type": "Counter"})
    totals = cumulative(found.apply(conform(raw(timed)), step="2ms"))
    last = totals[totals["time"] == totals["time"].max()].drop(columns="time")
    same(rows(last), rows(found.apply(conform(raw(timed)))))
