"""The seed's two definitions as whole tables, every input a metric takes, and what it says when something is off."""

import json
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from flowkit.contract import Provenance, conform, provenance, with_provenance
from flowkit.errors import SourceError, SpecError
from flowkit.manifests import load_objects
from flowkit.metric import FlowMetric, NothingMatched
from flowkit.metric.plan import plan
from flowkit.transform import Condition, aggregate, filter, flatten, remap  # noqa: A004
from tests.parity import reference
from tests.parity.running import rows, same

DATA = Path(__file__).parent.parent.parent / "data" / "metrics"
SAMPLES = Path(__file__).parents[2] / "../shared/upstream/flowmetric_samples"
API = {"apiVersion": "flows.netobserv.io/v1alpha1", "kind": "FlowMetric"}


def end(side, namespace=None, name=None, kind=None, label=None):
    parts = {"K8S_Namespace": namespace, "K8S_OwnerName": name, "K8S_OwnerType": kind, "SubnetLabel": label}
    return {side + field: value for field, value in parts.items() if value is not None}


def story():
    """The seed's story in ten flows: NetObserv's own traffic, both ways, as node agents report it."""
    flp = ("netobserv", "flowlogs-pipeline", "DaemonSet", "Pods")
    gateway = ("netobserv-loki", "loki-gateway", "Deployment", "Pods")
    node = (None, "worker-1", "Node", "Machines")
    outside = (None, None, None, "EXT:s3")
    return [
        {
            **end("Src", *flp),
            **end("Dst", *gateway),
            "DstPort": 8080,
            "SrcPort": 40000,
            "Flags": ["SYN", "ACK", "FIN"],
            "Bytes": 700,
        },
        {
            **end("Src", *flp),
            **end("Dst", *gateway),
            "DstPort": 8080,
            "SrcPort": 40001,
            "Flags": ["SYN", "ACK"],
            "Bytes": 300,
        },
        {
            **end("Src", *gateway),
            **end("Dst", *flp),
            "DstPort": 40000,
            "SrcPort": 8080,
            "Flags": ["SYN_ACK", "ACK"],
            "Bytes": 900,
        },
        {**end("Src", *node), **end("Dst", *flp), "DstPort": 2055, "SrcPort": 3000, "Flags": ["SYN"], "Bytes": 60},
        {**end("Src", *node), **end("Dst", *flp), "DstPort": 8080, "SrcPort": 3001, "Flags": ["SYN"], "Bytes": 60},
        {
            **end("Src", *flp),
            **end("Dst", *outside),
            "DstPort": 443,
            "SrcPort": 40002,
            "Flags": ["SYN", "ACK"],
            "Bytes": 10,
        },
        {**end("Src", *flp), **end("Dst"), "DstPort": 443, "SrcPort": 40003, "Flags": ["SYN"], "Bytes": 10},
        {**end("Src", *flp), **end("Dst", *gateway), "DstPort": 53, "SrcPort": 40004, "Bytes": 80},
        {**end("Src", *flp), **end("Dst", *gateway), "DstPort": 8080, "SrcPort": 39000, "Flags": ["ACK"], "Bytes": 80},
        {**end("Src", *flp), **end("Dst", *gateway), "DstPort": 8080, "SrcPort": 39000, "Flags": [], "Bytes": 80},
    ]


def table(flows):
    return (
        pd.DataFrame(flows)
        .astype(object)
        .where(lambda frame: frame.map(lambda value: not isinstance(value, float)), None)
    )


FLOWS = table(story())


def definition(name):
    return FlowMetric.load(DATA / f"{name}.yaml")


def metric(**spec):
    return FlowMetric.load({**API, "metadata": {"name": "m"}, "spec": {"type": "Counter", **spec}})


def test_the_seeds_incoming_metric_as_a_whole_table():
    columns = (
        "from_subnet_label from_namespace from_workload from_kind subnet_label namespace workload kind port Flags value"
    )
    expected = [
        ("Machines", "", "worker-1", "Node", "Pods", "netobserv", "flowlogs-pipeline", "DaemonSet", "2055", "SYN", 1),
        ("Machines", "", "worker-1", "Node", "Pods", "netobserv", "flowlogs-pipeline", "DaemonSet", "8080", "SYN", 1),
        ("Pods", "netobserv", "flowlogs-pipeline", "DaemonSet", "", "", "", "", "443", "SYN", 1),
        ("Pods", "netobserv", "flowlogs-pipeline", "DaemonSet", "EXT:s3", "", "", "", "443", "SYN", 1),
        (
            "Pods",
            "netobserv",
            "flowlogs-pipeline",
            "DaemonSet",
            "Pods",
            "netobserv-loki",
            "loki-gateway",
            "Deployment",
            "8080",
            "SYN",
            2,
        ),
    ]
    found = definition("workload-syn-in").apply(conform(FLOWS))
    pd.testing.assert_frame_equal(found, pd.DataFrame(expected, columns=columns.split()))


def test_the_seeds_outgoing_query_is_a_groupby_of_the_table():
    found = definition("workload-syn-out").apply(conform(FLOWS))
    by = ["workload", "kind", "port", "to_kind", "to_namespace", "to_subnet_label", "to_workload"]
    talks = found[found["namespace"] == "netobserv"].groupby(by)["value"].sum()
    assert talks.to_dict() == {
        ("flowlogs-pipeline", "DaemonSet", "443", "", "", "", ""): 1,
        ("flowlogs-pipeline", "DaemonSet", "443", "", "", "EXT:s3", ""): 1,
        ("flowlogs-pipeline", "DaemonSet", "8080", "Deployment", "netobserv-loki", "Pods", "loki-gateway"): 2,
    }


@pytest.mark.parametrize("name", ["workload-syn-in", "workload-syn-out"])
def test_the_seeds_metrics_equal_the_reference_row_for_row(name):
    spec = load_objects(DATA / f"{name}.yaml")[0].body["spec"]
    for flows in (FLOWS, conform(FLOWS)):
        same(rows(definition(name).apply(flows)), reference.flowmetric(spec, story()))


def test_a_metric_is_the_four_verbs_in_a_row():
    found = definition("workload-syn-in")
    by_hand = (
        conform(FLOWS)
        .pipe(flatten, ["Flags"])
        .pipe(filter, [Condition("Flags", "SYN")])
        .pipe(remap, found.spec.remap)
        .pipe(aggregate, found.spec.targets)
    )
    pd.testing.assert_frame_equal(found.apply(conform(FLOWS)), by_hand)


def test_names_and_how_they_print():
    assert definition("workload-syn-in").name == "netobserv_workload_syn_in"
    assert definition("workload-syn-in") == definition("workload-syn-in")


def test_arrow_parquet_files_folders_and_globs_give_what_a_frame_gives(tmp_path):
    expected = definition("workload-syn-in").apply(conform(FLOWS))
    folder = tmp_path / 'it\'s a "folder" [1]'
    folder.mkdir()
    arrow = pa.Table.from_pandas(conform(FLOWS), preserve_index=False)
    for name, part in (("a.parquet", conform(FLOWS)[:4]), ("b'; DROP.parquet", conform(FLOWS)[4:])):
        part.to_parquet(folder / name)
    for flows in (arrow, folder, [folder / "a.parquet", str(folder / "b'; DROP.parquet")]):
        pd.testing.assert_frame_equal(definition("workload-syn-in").apply(flows), expected)
    plain = tmp_path / "plain"
    plain.mkdir()
    conform(FLOWS).to_parquet(plain / "x.parquet")
    pd.testing.assert_frame_equal(definition("workload-syn-in").apply(f"{plain}/*.parquet"), expected)
    assert provenance(definition("workload-syn-in").apply(plain)).sources == (str(plain),)


def test_a_column_may_appear_in_later_files_only(tmp_path):
    pd.DataFrame({"Proto": [6]}).to_parquet(tmp_path / "a.parquet")
    pd.DataFrame({"Proto": [6], "SrcK8S_Zone": ["z"]}).to_parquet(tmp_path / "b.parquet")
    assert rows(metric(labels=["Proto", "SrcK8S_Zone"]).apply(tmp_path)) == [("6", "", 1), ("6", "z", 1)]


def test_nested_events_in_parquet_as_structs_and_as_maps(tmp_path):
    events = [[{"Name": "allow"}, {"Name": "deny"}], None]
    maps = pa.array([[[("Name", "allow")], [("Name", "deny")]], None], pa.list_(pa.map_(pa.string(), pa.string())))
    found = metric(labels=["NetworkEvents>Name"], flatten=["NetworkEvents"])
    for flows in (
        pa.table({"NetworkEvents": events}),
        pa.table({"NetworkEvents": maps}),
        pd.DataFrame({"NetworkEvents": events}),
    ):
        assert rows(found.apply(flows)) == [("", 1), ("allow", 1), ("deny", 1)]


def test_files_that_cannot_be_read_are_named(tmp_path):
    (tmp_path / "text.parquet").write_text("no parquet")
    for path in (tmp_path / "text.parquet", tmp_path / "none.parquet", tmp_path / "none*.parquet"):
        with pytest.raises(SourceError, match=path.name.replace("*", r"\*")):
            metric().apply(path)


def test_a_metric_that_matched_nothing_says_why():
    found = metric(
        labels=["DstPort"], filters=[{"field": "Proto", "value": "6"}], valueField="Bytes", direction="Egress"
    )
    flows = with_provenance(
        pd.DataFrame({"Proto": [6, 6, 17], "FlowDirection": [0, 0, 1], "DstPort": [1, 2, 3], "Bytes": [1, 2, 3]}),
        Provenance(("x.json",), losses={"broken lines": 2}),
    )
    with pytest.warns(NothingMatched, match="netobserv_m matched nothing: 3 all flows; 2 Proto"):
        table = found.apply(flows)
    assert (table.columns.tolist(), len(table)) == (["DstPort", "value"], 0)
    assert table.dtypes.astype(str).tolist() == ["str", "int64"]
    assert provenance(table).notes == (
        'netobserv_m matched nothing: 3 all flows; 2 Proto Equal "6"; 0 direction Egress: FlowDirection NotEqual "0";'
        " 0 Bytes is a number from 0 up",
    )
    assert (provenance(table).sources, provenance(table).losses) == (("x.json",), {"broken lines": 2})


def test_explain_counts_flows_step_by_step():
    found = metric(
        labels=["Flags"],
        flatten=["Flags"],
        filters=[
            {"field": "Flags", "value": "SYN"},
            {"field": "Flags", "value": "FIN"},
            {"field": "DstPort", "value": "8080"},
        ],
    )
    expected = pd.DataFrame(
        {
            "step": ["all flows", 'Flags Equal "SYN" or Flags Equal "FIN"', 'DstPort Equal "8080"'],
            "flows": pd.array([10, 6, 3], dtype="Int64"),
        }
    )
    for flows in (FLOWS, conform(FLOWS)):
        pd.testing.assert_frame_equal(found.explain(flows), expected)
    assert found.explain(FLOWS.head(0))["flows"].tolist() == [0, 0, 0]


def test_cardinality_is_noted():
    notes = provenance(metric(labels=["SrcAddr", "Proto"]).apply(pd.DataFrame({"Proto": [6]}))).notes
    assert notes == ("label 'SrcAddr' can take very many values: upstream advises against it",)


def test_the_query_can_be_read():
    sql = definition("workload-syn-in").to_sql()
    assert '"Flags" & 2' in sql
    assert "UNNEST" not in sql
    assert "FROM flows" in sql
    assert "EXPLODE" in metric(labels=["Flags"], flatten=["Flags"]).to_sql("spark")


def test_the_flows_are_not_changed():
    flows = conform(FLOWS)
    before = flows.copy(deep=True)
    definition("workload-syn-in").apply(flows)
    pd.testing.assert_frame_equal(flows, before)


def test_load_wants_one_and_load_all_takes_several(tmp_path):
    one = {**API, "metadata": {"name": "a"}, "spec": {"type": "Counter"}}
    several = tmp_path / "several.json"
    several.write_text(
        json.dumps({"kind": "List", "items": [one, {"kind": "Pod"}, {**one, "metadata": {"name": "b"}}]})
    )
    assert [found.name for found in FlowMetric.load_all(several)] == ["netobserv_a", "netobserv_b"]
    with pytest.raises(SpecError, match=r"several\.json: holds 2 FlowMetrics \(a, b\): use FlowMetric\.load_all"):
        FlowMetric.load(several)
    with pytest.raises(SpecError, match="dict: holds no object of kind FlowMetric"):
        FlowMetric.load({"kind": "Pod"})
    assert [found.name for found in FlowMetric.load_all(DATA)] == [
        "netobserv_workload_syn_in",
        "netobserv_workload_syn_out",
    ]


HOSTILE = ["' OR '1'='1", "x' --", '"', "\\", "'); DROP TABLE flows; --", "$(", "\x00", "]"]


@pytest.mark.parametrize("text", HOSTILE)
def test_no_value_of_a_definition_becomes_sql(text):
    flows = pd.DataFrame({"SrcK8S_Zone": ["a", text], "Flags": [["SYN"], [text]]})
    assert rows(metric(labels=["SrcK8S_Zone"], filters=[{"field": "SrcK8S_Zone", "value": text}]).apply(flows)) == [
        (text, 1)
    ]
    parts = metric(labels=["Flags"], flatten=["Flags"], filters=[{"field": "Flags", "value": text}])
    assert rows(parts.apply(flows)) == [(text, 1)]
    child = f"NetworkEvents>{text}"
    nested = metric(labels=[child], flatten=["NetworkEvents"], filters=[{"field": child, "matchType": "Presence"}])
    assert rows(nested.apply(pd.DataFrame({"NetworkEvents": [[{text: "x"}, {"y": "z"}]]}))) == [("x", 1)]


@pytest.mark.filterwarnings("ignore::flowkit.metric.NothingMatched")
@pytest.mark.skipif(not SAMPLES.is_dir(), reason="upstream's samples are not beside the repository")
def test_upstreams_samples_load_and_run_and_equal_the_reference():
    found = FlowMetric.load_all(SAMPLES)
    assert len(found) == 24
    bodies = {one.body["metadata"]["name"]: one.body["spec"] for one in load_objects(SAMPLES)}
    for one in found:
        for flows in (FLOWS, conform(FLOWS)):
            same(rows(one.apply(flows)), reference.flowmetric(bodies[one.spec.name], story()))
        assert one.to_sql()
        assert plan(one.spec) == plan(one.spec)
