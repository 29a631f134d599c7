"""Queries on flowkit's own layout give what they give on plain columns: samples, hard cases, random metrics."""

from __future__ import annotations

import warnings

import duckdb
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flowkit.contract import conform, provenance
from flowkit.contract.layout import write_layout
from flowkit.engine import DuckDB, optimise, run
from flowkit.engine.layout import _cut, plain_view, run_on_layout
from flowkit.engine.layout_files import layouts_of
from flowkit.errors import FlowkitError, SourceError
from flowkit.metric import FlowMetric
from flowkit.metric.plan import funnel, plan
from tests.flows import exchange, flow, pod, service, table
from tests.parity import reference
from tests.parity.running import metric, raw, rows, same
from tests.parity.test_laws import flag_lists, flag_sets, specs
from tests.parity.test_laws import flow as random_flow

SHOP = {**pod("Src", "web"), "SrcK8S_Zone": "a", "SrcSubnetLabel": "Pods"}
FLOWS = table(
    *exchange("10.0.0.1:50000", "10.0.0.2:80", **SHOP, **pod("Dst", "api"), DstK8S_Zone="b", DstSubnetLabel="Pods"),
    *exchange("10.0.0.1:50001", "10.0.0.2:80", **SHOP, **pod("Dst", "api", "bank"), DstK8S_Zone="a"),
    *exchange("10.0.0.1:50002", "172.30.0.1:443", **SHOP, **service("Dst", "api"), FlowDirection=1),
    flow("10.0.0.9:53", "10.0.0.2:53", proto=17, FlowDirection=0, DnsLatencyMs=7, DstSubnetLabel=""),
    flow("10.0.0.9:1", "10.0.0.3:9", "RST", Interfaces=["eth0", "br-ex"], **pod("Dst", "db", "bank")),
)
SIDES = ["SrcK8S_Namespace", "DstK8S_Namespace", "DstK8S_OwnerName", "DstSubnetLabel"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    where = tmp_path_factory.mktemp("layout")
    half = len(FLOWS) // 2
    for part in (FLOWS.iloc[half:], FLOWS.iloc[:half]):
        write_layout(part, where)
    return where


CASES = {
    "no labels": {"labels": []},
    "no label of an end": {"labels": ["DstPort", "Proto"]},
    "one end": {"labels": ["DstK8S_Namespace", "DstPort"]},
    "both ends": {"labels": SIDES},
    "an end and its address": {"labels": ["SrcAddr", "SrcK8S_OwnerName"]},
    "a label nothing carries": {"labels": ["SrcK8S_NetworkName", "DstK8S_Zone"]},
    "bytes": {"labels": SIDES, "valueField": "Bytes"},
    "a divider": {"labels": SIDES, "valueField": "Bytes", "divider": "1000"},
    "a gauge": {"labels": ["DstK8S_Namespace"], "type": "Gauge", "valueField": "Bytes"},
    "a histogram": {"labels": SIDES, "type": "Histogram", "valueField": "Bytes", "buckets": ["50", "100"]},
    "a filter on one end": {"labels": SIDES, "filters": [{"field": "DstK8S_Namespace", "value": "shop"}]},
    "a filter that no end passes": {"labels": SIDES, "filters": [{"field": "DstK8S_Namespace", "value": "none"}]},
    "a filter that all ends pass": {
        "labels": SIDES,
        "filters": [{"field": "DstK8S_Namespace", "value": "none", "matchType": "NotEqual"}],
    },
    "alternatives": {"filters": [{"field": "DstK8S_Namespace", "value": one} for one in ("shop", "bank")]},
    "a regex": {
        "labels": SIDES,
        "filters": [{"field": "DstK8S_OwnerName", "value": "^a|b$", "matchType": "MatchRegex"}],
    },
    "no such regex": {
        "labels": SIDES,
        "filters": [{"field": "DstK8S_OwnerName", "value": "^a", "matchType": "NotMatchRegex"}],
    },
    "presence": {"labels": SIDES, "filters": [{"field": "SrcK8S_Zone", "matchType": "Presence"}]},
    "absence": {"labels": SIDES, "filters": [{"field": "DstSubnetLabel", "matchType": "Absence"}]},
    "two ends compared": {
        "labels": SIDES,
        "filters": [{"field": "SrcK8S_Zone", "value": "$(DstK8S_Zone)", "matchType": "NotEqual"}],
    },
    "one end compared with itself": {
        "labels": SIDES,
        "filters": [{"field": "DstK8S_OwnerName", "value": "$(DstK8S_Name)", "matchType": "NotEqual"}],
    },
    "flags and an end": {
        "labels": ["Flags", *SIDES],
        "flatten": ["Flags"],
        "filters": [{"field": "Flags", "value": "SYN"}, {"field": "DstK8S_Namespace", "value": "bank"}],
    },
    "a filter on an end above two flattened lists": {
        "labels": ["Flags", "Interfaces", "DstK8S_Namespace"],
        "flatten": ["Flags", "Interfaces"],
        "filters": [{"field": "Flags", "value": "$(Interfaces)", "matchType": "NotEqual"}],
    },
    "a direction": {"labels": SIDES, "direction": "Egress"},
    "renamed": {
        "labels": ["SrcK8S_Zone", "DstK8S_Zone"],
        "remap": {"SrcK8S_Zone": "DstK8S_Zone2", "DstK8S_Zone": "zone"},
    },
    "swapped": {
        "labels": ["SrcK8S_Zone", "DstK8S_Zone"],
        "remap": {"SrcK8S_Zone": "DstK8S_Zone", "DstK8S_Zone": "SrcK8S_Zone"},
    },
}


@pytest.mark.parametrize("name", CASES)
def test_the_same_table_as_on_plain_columns(folder, name):
    definition = plan(metric({"type": "Counter", "labels": [], **CASES[name]}).spec)
    pd.testing.assert_frame_equal(run_on_layout(definition, folder), run(definition, FLOWS))


@pytest.mark.parametrize("name", ["alternatives", "two ends compared", "flags and an end"])
def test_the_funnel_too(folder, name):
    _, counting = funnel(metric({"type": "Counter", "labels": [], **CASES[name]}).spec)
    pd.testing.assert_frame_equal(run_on_layout(counting, folder), run(counting, FLOWS))


def test_the_seeds_metrics_on_the_recorded_cluster(root, tmp_path):
    import flowkit as fk

    recorded = sorted((root / "data" / "cluster").glob("*.pcap.gz"))
    if not recorded:
        pytest.skip("no recorded cluster")
    folder = root / "data" / "cluster"
    flows = fk.enrich(fk.read(recorded), cluster=folder / "cluster.json", subnets=folder / "flowcollector.yaml")
    write_layout(flows, tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for definition in FlowMetric.load_all(root / "data" / "metrics"):
            found = run_on_layout(plan(definition.spec), tmp_path)
            pd.testing.assert_frame_equal(found, run(plan(definition.spec), flows))
            assert len(found)


def test_the_seeds_metric_never_reads_a_label_once_a_flow(root):
    definition = FlowMetric.load(root / "data" / "metrics" / "workload-syn-in.yaml")
    _, group = _cut(optimise(plan(definition.spec)))
    assert group is not None


thorough = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@thorough
@given(specs(), st.lists(random_flow(st.one_of(flag_sets, flag_lists)), min_size=1, max_size=8), st.integers(0, 8))
def test_random_metrics_over_random_flows_in_two_files(tmp_path_factory, spec, flows, cut):
    where = tmp_path_factory.mktemp("random")
    # As one table first: a list that bits cannot hold keeps the whole column a list, and the reference sees that.
    for part in filter(len, (flows[:cut], flows[cut:])):
        write_layout(conform(raw(part)), where)
    same(rows(run_on_layout(plan(metric(spec).spec), where)), reference.flowmetric(spec, flows))


def test_the_view_has_the_plain_columns(folder):
    with duckdb.connect() as connection:
        plain_view(connection, folder, "mine")
        found = connection.sql("SELECT DstK8S_Namespace n, sum(Bytes) FROM mine GROUP BY n ORDER BY n").fetchall()
    assert found == [("bank", 200), ("shop", 500), (None, 100)]


def test_flags_in_the_view_are_names_where_bits_cannot_hold_them(tmp_path):
    write_layout(table(flow("10.0.0.1:1", "10.0.0.2:2", "SYN ACK")), tmp_path)
    write_layout(conform(pd.DataFrame({"SrcAddr": ["b"], "Flags": [["SYN", "NEW"]]})), tmp_path)
    with duckdb.connect() as connection:
        plain_view(connection, tmp_path)
        assert sorted(connection.sql("SELECT Flags FROM flows").fetchall()) == [(["SYN", "ACK"],), (["SYN", "NEW"],)]


def test_a_folder_without_flows_is_an_empty_table(tmp_path):
    write_layout(pd.DataFrame({"SrcK8S_Zone": []}), tmp_path)
    assert run_on_layout(plan(metric({"type": "Counter", "labels": ["DstPort"]}).spec), tmp_path).empty


def test_a_damaged_file_is_named(tmp_path):
    write_layout(FLOWS, tmp_path)
    (path,) = tmp_path.glob("1970*")
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(SourceError, match=path.name.split("-", maxsplit=1)[0]):
        run_on_layout(plan(metric({"type": "Counter", "labels": ["DstPort"]}).spec), tmp_path)


SKIPPED = plan(metric({"type": "Counter", "labels": ["DstPort", "DstK8S_OwnerName"], "valueField": "Bytes"}).spec)


@pytest.mark.parametrize("where", ["its end", "its flows"])
def test_a_damaged_file_is_left_out_on_request_and_said(tmp_path, where):
    write_layout(FLOWS, tmp_path)
    (path,) = tmp_path.glob("1970*")
    whole = path.read_bytes()
    damaged = path.with_name("19700102T000000.000Z-0.parquet")
    damaged.write_bytes(
        whole[:-20] if where == "its end" else whole[:4] + bytes(len(whole) // 2) + whole[4 + len(whole) // 2 :]
    )
    with pytest.raises(SourceError, match=f"cannot read '.*{damaged.name}'"):
        run(SKIPPED, tmp_path)
    found = run(SKIPPED, tmp_path, DuckDB(damaged="skip"))
    pd.testing.assert_frame_equal(found, run(SKIPPED, FLOWS))
    assert provenance(found).losses == {"damaged files": 1}
    assert damaged.name in provenance(found).notes[0]


def test_a_damaged_endpoint_table_is_named(tmp_path):
    write_layout(FLOWS, tmp_path)
    (tmp_path / "endpoints.parquet").write_bytes(b"PAR1")
    with pytest.raises(SourceError, match="cannot read '.*endpoints.parquet'"):
        run(SKIPPED, tmp_path, DuckDB(damaged="skip"))


@pytest.mark.parametrize("name", CASES)
def test_several_folders_are_one_table(several, name):
    definition = plan(metric({"type": "Counter", "labels": [], **CASES[name]}).spec)
    found = run(definition, [several / "one", several / "two"])
    pd.testing.assert_frame_equal(found, run(definition, FLOWS))
    pd.testing.assert_frame_equal(run(definition, several), found)


@pytest.fixture(scope="module")
def several(tmp_path_factory):
    """Two folders that number their ends differently, one of them with lists of flags, and one without flows."""
    where = tmp_path_factory.mktemp("several")
    write_layout(FLOWS.iloc[3:], where / "one")
    write_layout(FLOWS.iloc[:3], where / "two")
    write_layout(FLOWS.iloc[:0], where / "three")
    return where


def test_bits_and_lists_in_two_folders(tmp_path):
    lists = conform(pd.DataFrame({"SrcAddr": ["b"], "Flags": [["SYN", "NEW"]]}))
    write_layout(table(flow("10.0.0.1:1", "10.0.0.2:2", "SYN ACK")), tmp_path / "bits")
    write_layout(lists, tmp_path / "lists")
    definition = metric({"type": "Counter", "labels": ["Flags"], "flatten": ["Flags"]})
    assert rows(definition.apply(tmp_path)) == [("ACK", 1), ("NEW", 1), ("SYN", 2)]


def test_memory_has_a_limit_and_what_does_not_fit_is_spilled(tmp_path):
    ports = np.arange(400_000)
    many = {"SrcAddr": pd.Series(ports).map("10.0.0.0/{}".format), "DstPort": ports % 65536, "SrcPort": ports // 7}
    write_layout(pd.DataFrame(many), tmp_path)
    definition = metric({"type": "Counter", "labels": ["SrcAddr", "DstPort", "SrcPort"]})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert len(definition.apply(tmp_path, engine=DuckDB(memory="120MB"))) == 400_000
        with pytest.raises(FlowkitError, match="memory='8MB' does not suffice"):
            definition.apply(tmp_path, engine=DuckDB(memory="8MB"))


def test_which_folders_are_meant(folder, several, tmp_path):
    assert layouts_of(folder) == layouts_of([str(folder)]) == (folder,)
    assert layouts_of(tmp_path) == layouts_of(FLOWS) == layouts_of("s3://bucket/flows") == ()
    assert [each.name for each in layouts_of(several / "t*")] == ["three", "two"]
    assert layouts_of(several) == (several / "one", several / "three", several / "two")
    FLOWS.to_parquet(tmp_path / "plain.parquet")
    for mixed in ([folder, tmp_path / "plain.parquet"], [tmp_path, folder]):
        with pytest.raises(SourceError, match="read one form at a time"):
            layouts_of(mixed)
    write_layout(FLOWS, tmp_path / "own")
    with pytest.raises(SourceError, match="plain.parquet' is not: read one form at a time"):
        layouts_of(tmp_path)
    with pytest.raises(SourceError, match=f"name '{folder}' instead"):
        layouts_of(f"{folder}/1970*.parquet")
