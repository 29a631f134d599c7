"""What a query asks: metrics over flows, a rollup's, a table, laid out once or each time."""

import shutil
import warnings

import numpy as np
import pandas as pd
import pytest

import flowkit as fk
from flowkit.errors import ContractError, NothingMatched
from flowkit.matrix.rollup import rollup
from tests.parity.running import metric
from tests.promql.test_against_prometheus import assert_equal, by_series

HOUR = 3_600_000
KINDS = {
    "syn": {
        "type": "Counter",
        "labels": ["DstK8S_OwnerName", "DstPort"],
        "filters": [{"field": "Proto", "value": "6"}],
    },
    "bytes": {"type": "Counter", "labels": [], "valueField": "Bytes"},
    "last": {"type": "Gauge", "labels": ["DstPort"], "valueField": "Bytes"},
    "sizes": {"type": "Histogram", "labels": ["DstPort"], "valueField": "Bytes", "buckets": ["150", "2000"]},
}
METRICS = [metric({"metricName": name, **spec}) for name, spec in KINDS.items()]
QUERIES = [
    "netobserv_syn",
    "increase(netobserv_syn[3h])",
    "sum by (DstPort) (rate(netobserv_syn[2h]))",
    "netobserv_bytes - netobserv_bytes offset 2h",
    "netobserv_last",
    "max_over_time(netobserv_last[4h])",
    "histogram_quantile(0.5, netobserv_sizes_bucket)",
    "netobserv_sizes_sum / netobserv_sizes_count",
    '{__name__=~"netobserv_.*"}',
]


def flows(size=300):
    """Flows over eight hours, some of them ending on a border to the millisecond."""
    dice = np.random.default_rng(5)
    ends = np.sort(dice.integers(0, 8 * HOUR, size))
    ends[::20] = ends[::20] // HOUR * HOUR
    return pd.DataFrame(
        {
            "SrcAddr": "10.0.0.1",
            "DstAddr": "10.0.0.2",
            "SrcPort": dice.integers(40_000, 60_000, size),
            "DstPort": dice.choice([53, 443, 8080], size),
            "Proto": dice.choice([6, 17], size),
            "DstK8S_OwnerName": dice.choice(["web", "db"], size),
            "Bytes": dice.integers(40, 5000, size),
            "TimeFlowStartMs": np.sort(ends) - 1,
            "TimeFlowEndMs": np.sort(ends),
        }
    )


@pytest.fixture(scope="module")
def hours(tmp_path_factory):
    place = tmp_path_factory.mktemp("rollup")
    fk.write(flows(), place / "flows" / "flows.parquet")
    rollup(place / "flows", place / "hours", METRICS, finish=True)
    shutil.rmtree(place / "flows")
    return place / "hours"


@pytest.mark.parametrize("query", QUERIES)
def test_a_rollup_answers_as_its_flows_scraped_at_the_end_of_each_period(hours, query):
    # A period is from its start to before its end, a scrape sees what ended up to it: a millisecond's difference.
    shifted = flows().assign(TimeFlowEndMs=lambda table: table["TimeFlowEndMs"] + 1)
    found = fk.promql(query, rollup=hours, step="1h")
    assert len(found)
    pd.testing.assert_frame_equal(found, fk.promql(query, METRICS, shifted, scrape="1h", step="1h"))


def test_a_flow_that_ends_on_a_border_is_in_the_next_period(tmp_path):
    flow = flows(1).assign(TimeFlowEndMs=HOUR, TimeFlowStartMs=HOUR - 5)
    fk.write(flow, tmp_path / "flows" / "flows.parquet")
    rollup(tmp_path / "flows", tmp_path / "hours", METRICS[1:2], finish=True)
    assert fk.promql("netobserv_bytes", rollup=tmp_path / "hours")["time"].tolist() == [
        pd.Timestamp(2 * HOUR, unit="ms", tz="UTC")
    ]


def test_metrics_beside_a_rollup_are_those_to_ask(hours):
    found = fk.promql("count by (__name__) ({__name__!=''})", METRICS[:2], rollup=hours)
    assert found["__name__"].tolist() == ["netobserv_bytes", "netobserv_syn"]
    with pytest.raises(ContractError, match="lacks 'netobserv_new' in 8 of 8 periods"):
        fk.promql("netobserv_new", metric({"metricName": "new", "type": "Counter", "labels": []}), rollup=hours)


def test_what_a_rollup_left_out_is_said_of_its_answers(tmp_path):
    fk.write(flows(), tmp_path / "flows" / "flows.parquet")
    (tmp_path / "flows" / "bad.parquet").write_bytes(b"PAR1 cut")
    rollup(tmp_path / "flows", tmp_path / "hours", METRICS[1:2], reading=rollup_reading(), finish=True)
    found = fk.promql("netobserv_bytes", rollup=tmp_path / "hours")
    assert fk.provenance(found).losses == {"damaged files": 1}


def rollup_reading():
    from flowkit.matrix.rollup_flows import Reading

    return Reading(damaged="skip")


def test_a_folder_that_is_no_rollup_or_an_empty_one_is_refused(tmp_path):
    with pytest.raises(ContractError, match="is no rollup: make it with flowkit rollup"):
        fk.promql("x", rollup=tmp_path)
    (tmp_path / "flows").mkdir()
    rollup(tmp_path / "flows", tmp_path / "hours", METRICS)
    with pytest.raises(ContractError, match="holds no such periods yet"):
        fk.promql("netobserv_syn", METRICS, rollup=tmp_path / "hours")


@pytest.mark.parametrize("query", QUERIES)
def test_samples_laid_out_once_answer_as_each_time(query):
    options = {"start": 0, "end": 8 * HOUR / 1000, "step": "10m"}
    once = fk.scrape(METRICS, flows(), every="10m")
    each_time = fk.promql(query, METRICS, flows(), scrape="10m", **options)
    # All metrics' labels are columns of the one, those of the metrics asked of the other.
    assert_equal(by_series(fk.promql(query, table=once, **options)), by_series(each_time))


def test_a_table_that_is_laid_out_may_change_afterwards():
    table = pd.DataFrame({"__name__": "x", "time": pd.to_datetime([0, 60], unit="s", utc=True), "value": [1.0, 2.0]})
    once = fk.scrape(table=table)
    table.loc[:, "value"] = 9.0
    assert fk.promql("x", table=once)["value"].tolist() == [2.0]
    assert repr(once) == "Scraped(1 series, 2 samples)"


def test_a_name_that_is_nearly_right_is_met_with_those_of_all_metrics(hours):
    for asked in ({"metrics": METRICS, "flows": flows()}, {"rollup": hours}):
        with pytest.warns(NothingMatched, match="no series 'netobserv_sin': there are netobserv_syn"):
            fk.promql("netobserv_sin", **asked)


def test_a_metric_that_matches_no_flow_is_empty_and_says_so():
    udp = flows().assign(Proto=17)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        assert fk.promql("netobserv_syn", METRICS[0], udp).empty
    assert [str(one.message) for one in said] == ["no series 'netobserv_syn'"]


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"flows": flows(1)},
        {"metrics": METRICS},
        {"metrics": METRICS, "flows": flows(1), "rollup": "hours"},
        {"table": flows(1), "rollup": "hours"},
    ],
)
def test_contradictions_are_refused(asked):
    with pytest.raises(ContractError, match="ask either metrics= over flows=, or a rollup=, or a table= of samples"):
        fk.promql("x", **asked)
