"""The matrix of metric tables: the same who, whom and port as that of the flows, however the metrics were asked for."""

import pandas as pd
import pytest

import flowkit as fk
from flowkit.errors import ContractError
from flowkit.matrix.from_metrics import BY, is_metric

ENDS = ["namespace", "kind", "workload", "subnet_label"]
KEY = [f"{way}_{end}" for way in ("from", "to") for end in ENDS] + ["port"]
WEB = ["shop", "Deployment", "web", "Pods"]
NODE = ["", "Node", "node-1", "Machines"]
DB = ["data", "StatefulSet", "db", ""]
OUT = ["", "", "", "S3"]


def inward(*rows):
    """A workload-syn-in table: client, server, port, value, and what else."""
    names = [*(f"from_{end}" for end in ENDS), *ENDS, "port", "value"]
    return pd.DataFrame([[*client, *server, port, value] for client, server, port, value in rows], columns=names)


def outward(*rows):
    names = {**{f"from_{end}": end for end in ENDS}, **{end: f"to_{end}" for end in ENDS}}
    return inward(*rows).rename(columns=names)


def found(matrix):
    return matrix.edges[[*KEY, "connections"]].values.tolist()


def test_each_metric_alone_and_both_together_give_the_edges_once():
    rows = [(WEB, DB, "5432", 3), (NODE, WEB, "8080", 2), (WEB, OUT, "443", 4)]
    expected = sorted([*client, *server, int(port), value] for client, server, port, value in rows)
    for tables in (
        inward(*rows),
        outward(*rows),
        [inward(*rows), outward(*rows)],
        [inward(*rows[:2]), outward(*rows[1:])],
    ):
        matrix = fk.matrix(tables)
        assert sorted(found(matrix)) == expected
        assert set(matrix.edges["direction_by"]) == {BY}
        assert set(matrix.edges["state"]) == {"answered"}
    assert "come from metrics" in matrix.provenance.notes[-1]
    assert matrix.endpoints["endpoint"].tolist() == ["(external) S3", "(nodes)", "data/db", "shop/web"]


def test_one_table_of_both_metrics_is_told_apart_by_name():
    parts = [inward((OUT, WEB, "80", 1)).assign(__name__="in"), outward((WEB, OUT, "80", 1)).assign(__name__="out")]
    both = pd.concat(parts, ignore_index=True).fillna("")
    assert found(fk.matrix(both)) == [[*OUT, *WEB, 80, 1], [*WEB, *OUT, 80, 1]]
    with pytest.raises(ContractError, match="needs __name__"):
        fk.matrix(both.drop(columns="__name__"))


def test_a_range_counts_growth_resets_and_what_began_within():
    times = pd.to_datetime([0, 60, 120], unit="s", utc=True)
    old = pd.concat([inward((WEB, DB, "1", value)).assign(time=at) for value, at in zip([5, 7, 8], times, strict=True)])
    reset = pd.concat(
        [inward((WEB, DB, "2", value)).assign(time=at) for value, at in zip([5, 1, 2], times, strict=True)]
    )
    new = inward((WEB, DB, "3", 1)).assign(time=times[1])
    matrix = fk.matrix(pd.concat([old, reset, new], ignore_index=True))
    assert matrix.edges["connections"].tolist() == [3, 2, 1]
    assert matrix.edges["first"].dt.second.tolist() == [0, 0, 0]
    assert matrix.edges["last"].tolist() == [times[2], times[2], times[1]]


def test_several_scraped_instances_add_up_and_exported_labels_are_the_metrics_own():
    table = pd.concat([inward((WEB, DB, "5432", value)).assign(instance=str(value)) for value in (3, 4)])
    renamed = table.rename(columns={"namespace": "exported_namespace"}).assign(namespace="netobserv")
    assert found(fk.matrix(table)) == found(fk.matrix(renamed)) == [[*WEB, *DB, 5432, 7]]


def test_rows_that_are_no_opening_are_losses():
    table = inward((WEB, DB, "", 1), (WEB, DB, "5432", 1), (WEB, DB, "99999", 1), (WEB, DB, "1", 1))
    matrix = fk.matrix(table.assign(Flags=["SYN", "SYN", "SYN", "RST"]))
    assert len(matrix.edges) == 1
    assert matrix.provenance.losses == {"series without a port": 2, "series of other flags than SYN": 1}


@pytest.mark.parametrize("value", [0.5, float("nan"), float("inf"), -1.0])
def test_rates_are_no_counts(value):
    with pytest.raises(ContractError, match=r"rates or estimates, not counts.*last_over_time"):
        fk.matrix(inward((WEB, DB, "5432", value)))


@pytest.mark.parametrize("lacking", ["kind", "from_kind", "namespace", "from_namespace"])
def test_what_a_query_summed_away_is_named(lacking):
    with pytest.raises(ContractError, match=f"lacks the label '{lacking}'"):
        fk.matrix(inward((WEB, DB, "5432", 1)).drop(columns=lacking))


def test_only_workloads_are_known():
    with pytest.raises(ContractError, match="no matrix by pod"):
        fk.matrix(inward((WEB, DB, "5432", 1)), by="pod")
    with pytest.raises(ContractError, match="several tables"):
        fk.matrix([pd.DataFrame({"SrcAddr": ["10.0.0.1"]})])
    assert not is_metric(pd.DataFrame({"SrcAddr": ["10.0.0.1"], "port": 1, "value": 1, "to_kind": ""}))


@pytest.mark.parametrize("ways", [("in",), ("out",), ("in", "out")])
def test_the_recorded_clusters_metrics_know_the_tcp_openings_of_its_flows(cluster, root, ways):
    import capture

    packets = capture.read_pcap(sorted(cluster.glob("*.pcap.gz")))
    flows = fk.enrich(packets, cluster=cluster / "cluster.json", subnets=cluster / "flowcollector.yaml")
    tables = [fk.FlowMetric.load(root / "data" / "metrics" / f"workload-syn-{way}.yaml").apply(flows) for way in ways]
    by_metrics = fk.matrix(tables)
    by_flows = fk.matrix(flows)
    opened = by_flows.edges[(by_flows.edges["proto"] == 6) & (by_flows.edges["direction_by"] == "SYN")]
    pairs = {tuple(row) for row in by_metrics.edges[KEY].to_numpy().tolist()}
    assert {tuple(row) for row in opened[KEY].to_numpy().tolist()} <= pairs


def test_policies_follow_from_metrics_as_from_flows(cluster, root):
    import capture

    packets = capture.read_pcap(sorted(cluster.glob("*.pcap.gz")))
    flows = fk.enrich(packets, cluster=cluster / "cluster.json", subnets=cluster / "flowcollector.yaml")
    tables = [
        fk.FlowMetric.load(root / "data" / "metrics" / f"workload-syn-{way}.yaml").apply(flows) for way in ("in", "out")
    ]
    policies = fk.synthesise(fk.matrix(tables), cluster / "cluster.json", subnets=cluster / "flowcollector.yaml")
    assert len(policies.evidence)
    assert set(policies.evidence["direction_by"].replace("", BY)) == {BY}
