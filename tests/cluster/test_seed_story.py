"""The article's story, line by line, from its own two definitions."""

from __future__ import annotations

import pytest
import yaml

import flowkit as fk
from tests.parity import reference


@pytest.fixture(scope="module")
def tables(flows, root):
    metrics = {way: fk.FlowMetric.load(root / "data" / "metrics" / f"workload-syn-{way}.yaml") for way in ("in", "out")}
    assert [metrics["in"].name, metrics["out"].name] == ["netobserv_workload_syn_in", "netobserv_workload_syn_out"]
    return {way: metric.apply(flows).query("namespace == 'netobserv'") for way, metric in metrics.items()}


def summed(table, *by):
    return set(table.groupby(list(by), observed=True)["value"].sum().index)


def test_the_metrics_are_rows_of_labels_and_a_count_of_openings(tables):
    table = tables["out"]
    assert set(table["Flags"]) == {"SYN"}
    assert (table["value"] > 0).all()


def test_egress(tables):
    """ "flowlogs-pipeline talks to kubernetes on 443 and nodes on 6443 … and to the Loki gateway on 8080; netobserv-plugin talks
    to the Loki gateway on 8080, Loki frontend on 3100, Thanos on 9091 and the API server on 443."
    """
    folded = tables["out"].assign(to=tables["out"]["to_workload"].mask(tables["out"]["to_kind"] == "Node", "(nodes)"))
    assert summed(folded, "workload", "to", "port") == {
        ("flowlogs-pipeline", "kubernetes", "443"),
        ("flowlogs-pipeline", "(nodes)", "6443"),
        ("flowlogs-pipeline", "loki-gateway", "8080"),
        ("netobserv-plugin", "loki-gateway", "8080"),
        ("netobserv-plugin", "loki-query-frontend", "3100"),
        ("netobserv-plugin", "thanos-querier", "9091"),
        ("netobserv-plugin", "kubernetes", "443"),
        ("netobserv-plugin", "(nodes)", "6443"),
    }


def test_ingress_from_nodes_is_just_two_entries(tables):
    """ "2055: used for collecting netflows from the eBPF agent … 8080: … Kubernetes health probes.\""""
    nodes = tables["in"].query("from_kind == 'Node'")
    assert summed(nodes, "workload", "kind", "port", "from_subnet_label") == {
        ("flowlogs-pipeline", "DaemonSet", "2055", "Machines"),
        ("flowlogs-pipeline", "DaemonSet", "8080", "Machines"),
    }


def test_ingress_from_others(tables):
    """ "the OpenShift Console calling our plugin on port 9001, and OpenShift Monitoring fetching our metrics on 9401 … and 9002.\""""
    others = tables["in"].query("from_kind != 'Node'")
    assert summed(others, "workload", "port", "from_workload") == {
        ("netobserv-plugin", "9001", "console"),
        ("flowlogs-pipeline", "9401", "prometheus-k8s"),
        ("netobserv-plugin", "9002", "prometheus-k8s"),
    }


def test_the_object_store_has_its_name(flows, root):
    table = fk.FlowMetric.load(root / "data" / "metrics" / "workload-syn-out.yaml").apply(flows)
    assert "AWS_S3_eu-west-3" in set(table["to_subnet_label"])
    assert "" in set(table["to_subnet_label"]), "some outside traffic is still to be identified"


@pytest.mark.parametrize("way", ["in", "out"])
def test_both_metrics_are_the_references_row_for_row(flows, root, way):
    path = root / "data" / "metrics" / f"workload-syn-{way}.yaml"
    spec = yaml.safe_load(path.read_text())["spec"]
    named = flows.assign(Flags=fk.flag_names(flows["Flags"]))[[*spec["labels"], "FlowDirection"]]
    plain = [
        {k: v for k, v in row.items() if v is not None}
        for row in named.astype(object).where(named.notna(), None).to_dict("records")
    ]
    found = fk.FlowMetric.load(path).apply(flows)
    assert list(found.columns) == [*(spec["remap"].get(label, label) for label in spec["labels"]), "value"]
    assert sorted(found.itertuples(index=False, name=None)) == sorted(reference.flowmetric(spec, plain))
