"""The flows behind an edge are the rows the matrix counts, in memory and at rest."""

from __future__ import annotations

import warnings

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import flowkit as fk
from flowkit.errors import ContractError, FlowkitError
from flowkit.matrix import behind as module
from flowkit.matrix.behind import behind

BASE = {"Proto": 6, "Bytes": 100, "Packets": 1}


def flows_of(*rows: tuple) -> pd.DataFrame:
    """Rows of (client, server, client port, server port, end in ms): both ways of a connection."""
    both = []
    for client, server, low, high, end in rows:
        there = {**BASE, **owner("Src", client), **owner("Dst", server), "SrcPort": low, "DstPort": high, "Flags": 18}
        back = {**BASE, **owner("Src", server), **owner("Dst", client), "SrcPort": high, "DstPort": low, "Flags": 272}
        both += [{**one, "TimeFlowStartMs": end - 500, "TimeFlowEndMs": end} for one in (there, back)]
    return pd.DataFrame(both)


def owner(side: str, name: str) -> dict[str, str]:
    return {
        f"{side}Addr": f"10.0.0.{sum(map(ord, name)) % 250 + 1}",
        f"{side}K8S_Namespace": "shop",
        f"{side}K8S_Name": f"{name}-1",
        f"{side}K8S_Type": "Pod",
        f"{side}K8S_OwnerName": name,
        f"{side}K8S_OwnerType": "Deployment",
    }


def at_rest(flows, tmp_path):
    flows.to_parquet(tmp_path / "flows.parquet")
    return tmp_path / "flows.parquet"


SOME = flows_of(
    ("web", "cart", 50001, 80, 2_000), ("web", "cart", 50002, 80, 9_000), ("cart", "redis", 50001, 6379, 9_000)
)


def test_an_edge_has_both_ways_of_its_connections_in_order(tmp_path):
    matrix = fk.matrix(SOME)
    edge = matrix.edges[matrix.edges["port"] == 80]
    for flows in (SOME, at_rest(SOME, tmp_path)):
        found = behind(flows, matrix).of(edge)
        assert found[["SrcPort", "DstPort"]].to_numpy().tolist() == [[50001, 80], [80, 50001], [50002, 80], [80, 50002]]
        assert behind(flows, matrix).of(edge, (5_000, 9_001))["TimeFlowEndMs"].tolist() == [9_000, 9_000]
    assert behind(SOME, matrix).of(edge).index.tolist() == [0, 1, 2, 3]


def test_a_period_keeps_client_and_state_of_the_whole():
    whole = fk.matrix(SOME)
    late = SOME.assign(Flags=SOME["Flags"].where(SOME["TimeFlowEndMs"] < 5_000, 16))  # no SYN in the later half
    period = behind(late, whole).within((5_000, 9_001))
    assert period.edges[["from_workload", "to_workload", "port", "flows"]].to_numpy().tolist() == [
        ["cart", "redis", 6379, 2],
        ["web", "cart", 80, 2],
    ]


def test_hostile_names_are_only_text(tmp_path):
    flows = flows_of(("$(DstK8S_Name)", "a'b\"; --", 50001, 80, 2_000), ("web", "cart", 50001, 80, 2_000))
    matrix = fk.matrix(flows)
    edge = matrix.edges[matrix.edges["to_workload"] == "a'b\"; --"]
    assert len(behind(at_rest(flows, tmp_path), matrix).of(edge)) == 2


def test_too_much_is_refused_and_less_than_counted_is_said(tmp_path, monkeypatch):
    matrix, path = fk.matrix(SOME), at_rest(SOME.iloc[:3], tmp_path)
    found = behind(path, matrix).of(matrix.edges[matrix.edges["port"] == 80])
    said = "the matrix counts 4 flows behind these edges, 3 are found by names and port"
    assert said in fk.provenance(found).notes
    monkeypatch.setattr(module, "MOST", 3)
    with pytest.raises(FlowkitError, match="4 flows are behind this selection, at most 3 fit"):
        behind(path, matrix).of(matrix.edges[matrix.edges["port"] == 80])
    with pytest.raises(ContractError, match="no edges of a matrix: no column from_namespace"):
        behind(SOME, matrix).of(pd.DataFrame({"port": [80]}))


@pytest.fixture(scope="module")
def recorded(cluster):
    import capture

    with warnings.catch_warnings(action="ignore"):
        flows = capture.read_pcap(sorted(cluster.glob("*.pcap.gz")))
        return fk.enrich(flows, cluster=cluster / "cluster.json", subnets=cluster / "flowcollector.yaml")


@pytest.mark.slow
@pytest.mark.parametrize("by", ["workload", "pod", "namespace", "address"])
def test_every_edge_of_the_recorded_cluster_has_the_flows_it_counts(recorded, by):
    matrix = fk.matrix(recorded, by=by)
    found = behind(recorded, matrix)
    counts = [len(found.of(matrix.edges.iloc[[at]])) for at in range(len(matrix.edges))]
    assert counts == matrix.edges["flows"].tolist()
    assert found.within((0, 2**60)).edges.equals(matrix.edges)


@pytest.mark.slow
def test_a_folder_in_our_own_layout_finds_them_too(recorded, tmp_path):
    fk.write(recorded, tmp_path / "flows")
    matrix = fk.matrix(recorded)
    edges = matrix.edges[(matrix.edges["to_workload"] == "redis") & (matrix.edges["state"] == "answered")]
    assert len(edges) > 0
    assert len(behind(tmp_path / "flows", matrix).of(edges)) == edges["flows"].sum()


NAMES = st.sampled_from(["web", "cart", "redis", "mail"])
CALLS = st.tuples(NAMES, NAMES, st.integers(40_000, 40_005), st.sampled_from([80, 443]), st.integers(1_000, 9_000))


@given(st.lists(CALLS.filter(lambda call: call[0] != call[1]), min_size=1, max_size=8))
def test_edges_part_the_flows(calls):
    flows = flows_of(*calls)
    matrix = fk.matrix(flows)
    found = behind(flows, matrix)
    parts = [found.of(matrix.edges.iloc[[at]]) for at in range(len(matrix.edges))]
    assert [len(part) for part in parts] == matrix.edges["flows"].tolist()
    assert sorted(index for part in parts for index in part.index) == found.of(matrix.edges).index.tolist()
