"""The recorded cluster's flows, written in each form and read back, give the same matrix up to what the form lacks."""

from __future__ import annotations

import pandas as pd
import pytest

import capture
import flowkit as fk
from flowkit.contract import provenance
from flowkit.sources import Loki, read_loki
from tests.sources import forms
from tests.sources.fake_loki import serving

# Every field of the addresses' own flow; names are put on again after reading.
CLI_LACKS = ["SrcSubnetLabel", "DstSubnetLabel", "XlatSrcSubnetLabel", "XlatDstSubnetLabel", "K8S_FlowLayer"]


@pytest.fixture(scope="module")
def flows(cluster):
    # One node's view, for the tests' speed: the matrix of both is tests/cluster's subject.
    packets = capture.read_pcap(sorted(cluster.glob("*.pcap.gz"))[:1])
    return fk.enrich(packets, cluster=cluster / "cluster.json", subnets=cluster / "flowcollector.yaml")


@pytest.fixture(scope="module")
def rows(flows):
    return forms.objects(flows)


@pytest.fixture(scope="module")
def edges(flows):
    return fk.matrix(flows).edges


def read(tmp_path, content):
    path = tmp_path / "flows"
    path.write_text(content)
    return fk.read(path)


def same(one, other):
    pd.testing.assert_frame_equal(one, other)


@pytest.mark.parametrize("form", forms.TEXTS)
def test_json_in_any_wrapping_loses_nothing(tmp_path, form, rows, edges):
    same(fk.matrix(read(tmp_path, forms.TEXTS[form](rows))).edges, edges)


@pytest.mark.parametrize("form", forms.CLI)
def test_cli_captures_lack_subnet_labels_which_the_flowcollector_gives_back(tmp_path, form, rows, edges, cluster):
    back = read(tmp_path, forms.CLI[form](rows))
    assert not {"SrcSubnetLabel", "DstSubnetLabel"} & set(back.columns)
    same(fk.matrix(fk.enrich(back, subnets=cluster / "flowcollector.yaml")).edges, edges)


def test_a_live_loki_has_all_but_the_flows_order(rows, edges):
    with serving([forms.labelled(row) for row in rows]) as loki:
        back = read_loki(
            Loki(f"loki+http://127.0.0.1:{loki.server_port}", limit=3000),
            pd.Timestamp(min(row["TimeFlowEndMs"] for row in rows), unit="ms"),
            pd.Timestamp(max(row["TimeFlowEndMs"] for row in rows) + 1, unit="ms"),
        )
    # Loki keeps equal lines of one stream and time once.
    assert len(back) == len({forms.array(row) for row in rows})
    key = ["from_workload", "from_namespace", "to_workload", "to_namespace", "port", "proto", "state", "direction_by"]
    same(fk.matrix(back).edges[key], edges[key])


def test_console_csv_lacks_the_fields_that_its_first_flow_lacks(tmp_path, rows, flows):
    fullest = max(rows, key=len)
    back = read(tmp_path, forms.console_csv([fullest, *rows]))
    lost = {name for row in rows for name in row} - set(back.columns)
    assert all(name not in fullest for name in lost)
    assert any("first flow only" in note for note in provenance(back).notes)
    assert "IcmpType" in lost  # without it, echo and errors are one
    same(fk.matrix(back.iloc[1:]).edges, fk.matrix(flows.drop(columns=list(lost))).edges)


def test_the_clis_database_has_the_relations_without_times_flags_and_names(tmp_path, rows, flows):
    back = fk.read(forms.cli_database(tmp_path / "capture.db", rows))
    assert len(back) == len(rows)
    found = fk.matrix(back, by="address").edges
    bare = flows[["SrcAddr", "DstAddr", "SrcPort", "DstPort", "Proto", "Bytes", "Packets"]]
    expected = fk.matrix(bare, by="address").edges
    same(found, expected)
    assert found["direction_by"].str.startswith("inferred").all()
