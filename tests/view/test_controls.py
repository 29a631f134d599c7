"""Controls around the explorer: each choice is answered by Python, and the page follows."""

from __future__ import annotations

import pandas as pd
import pytest

from flowkit.contract import FLAG_BITS
from flowkit.errors import ContractError
from flowkit.metric import FlowMetric
from flowkit.view.controls import controls
from flowkit.view.judged import Judged

BY_PORT = {"apiVersion": "flows.netobserv.io/v1alpha1", "kind": "FlowMetric", "metadata": {"name": "by-port"}}
METRIC = FlowMetric.load({**BY_PORT, "spec": {"type": "Counter", "labels": ["DstPort"]}})


def flows(*ports: int) -> pd.DataFrame:
    rows = [
        {"SrcAddr": "10.0.0.2", "DstAddr": "10.0.0.1", "SrcPort": 51_000, "DstPort": port, "Proto": 6, "Bytes": 60}
        | {"Flags": FLAG_BITS["SYN"], "TimeFlowStartMs": at * 10_000, "TimeFlowEndMs": at * 10_000 + 500}
        for at, port in enumerate(ports)
    ]
    return pd.DataFrame(rows)


def test_time_cuts_matrix_flows_and_metric():
    panel = controls(flows(80, 443, 443), metrics=[METRIC])
    panel.metric.value = METRIC
    assert panel.metric_table.to_numpy().tolist() == [["443", 2], ["80", 1]]
    start = panel.time.options[5][1]
    panel.time.value = (start, panel.time.options[-1][1])
    assert panel.explorer.brush == [start, panel.time.options[-1][1]]
    assert panel.matrix.edges[["port", "flows"]].to_numpy().tolist() == [[443, 2]]
    assert panel.flows["DstPort"].tolist() == [443, 443]
    assert panel.metric_table.to_numpy().tolist() == [["443", 2]]
    assert panel._table_view.value == "<pre>DstPort  value\n443          2\n1 of 1 row</pre>"
    panel.time.index = (0, len(panel.time.options) - 1)
    assert panel.explorer.brush == []
    assert len(panel.flows) == 3


def test_another_source_is_another_matrix_of_another_time():
    panel = controls({"monday": flows(80), "tuesday": flows(22, 53)})
    panel.explorer.brush = [0, 5]
    panel.source.value = "tuesday"
    assert panel.explorer.brush == []
    assert panel.matrix.edges["port"].tolist() == [22, 53]
    assert len(panel.explorer.flows) == 2
    assert panel.time.options[-1][1] >= 10_500


def test_a_profile_shows_its_verdicts():
    table = flows(80)

    def said(verdict: str) -> Judged:
        return Judged(pd.DataFrame({"verdict": [verdict], "policy": "", "rule": "", "reason": ""}))

    panel = controls(table, policies={"generic": said("allowed"), "ovn": said("denied")})
    panel.profile.value = "ovn"
    assert panel.explorer.shown.additions.judged.verdicts["verdict"].tolist() == ["denied"]


def test_hostile_values_are_text():
    table = flows(80).assign(DstK8S_Name="<img src=x onerror=alert(1)>")
    metric = FlowMetric.load({**BY_PORT, "spec": {"type": "Counter", "labels": ["DstK8S_Name"]}})
    panel = controls(table, metrics=[metric])
    panel.metric.value = metric
    assert "<img" not in panel._table_view.value
    assert "&lt;img" in panel._table_view.value


def test_a_control_with_nothing_to_choose_is_left_out():
    bar = controls(flows(80)).children[0].children
    assert [control.description for control in bar] == []
    bar = controls({"a": flows(80, 81), "b": flows(80)}, metrics=[METRIC]).children[0].children
    assert [control.description for control in bar] == ["Source", "Time", "Metric"]
    with pytest.raises(ContractError, match="no flows to look at"):
        controls({})
    with pytest.raises(ContractError, match="give policies with one table"):
        controls({"a": flows(80), "b": flows(80)}, policies={"ovn": Judged()})
