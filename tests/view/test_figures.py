"""The further figures: every amount arrives, what is cut is said, labels cannot act, and all can be restyled."""

from __future__ import annotations

import json

import pandas as pd
import pytest

import flowkit as fk
from flowkit.errors import ContractError
from flowkit.view.plot import ports, sankey, timeline, top, topology
from flowkit.view.times import timeline as amounts_over_time
from flowkit.view.times import timeline_of_edges


def test_sankey_carries_every_byte_twice(sample):
    matrix = sample.cluster()
    figure = sankey(matrix)
    assert sum(figure.data[0].link.value) == 2 * matrix.edges["bytes"].sum()
    assert figure.layout.title.text == "Bytes, client → port → server by namespace: 753.6 MB"
    assert "5432/TCP" in figure.data[0].node.label


def test_sankey_puts_the_rest_into_one_bar_that_says_so(sample):
    figure = sankey(sample.large(200, 2000, 60), "connections")
    assert list(figure.data[0].node.label).count("35 others") == 2
    assert len(figure.data[0].node.label) == 26 + 26 + 10


def test_bars_hold_the_values_and_count_what_is_left_over(sample):
    matrix = sample.cluster()
    figure = ports(matrix, "flows", most=3)
    by_port = matrix.edges.groupby(["port", "proto"], dropna=False)["flows"].sum().sort_values()
    assert sum(figure.data[0].x) == by_port.sum()
    assert figure.layout.title.text == f"Flows by port of the server: the 3 busiest of {len(by_port)}"
    assert f"{len(by_port) - 3} others" in figure.layout.yaxis.ticktext
    busiest = top(matrix, "server", "bytes", by="namespace")
    assert list(busiest.layout.yaxis.ticktext)[-1] == "(external)"
    assert busiest.layout.title.text == "Bytes by server, as namespaces: all 10"


def test_timeline_is_the_amounts_and_a_matrix_alone_says_that_it_guesses(sample):
    matrix = sample.cluster()
    figure = timeline(matrix, bins=10)
    assert (
        sum(sum(area.y) for area in figure.data)
        == matrix.edges["bytes"].sum()
        == timeline_of_edges(matrix)["bytes"].sum()
    )
    assert "each edge spread evenly" in figure.layout.title.text
    rows = {
        "SrcAddr": ["10.0.0.2"],
        "DstAddr": ["10.0.0.9"],
        "SrcPort": [51000],
        "DstPort": [443],
        "Proto": [6],
        "Flags": [18],
    }
    flows = pd.DataFrame({**rows, "Bytes": [60], "TimeFlowStartMs": [0], "TimeFlowEndMs": [2000]})
    figure = timeline(flows, bins=2)
    assert figure.layout.title.text == "Bytes over time by namespace of the server, in steps of 1 s"
    assert list(figure.data[0].y) == amounts_over_time(flows, bins=2)["bytes"].tolist() == [30, 30]


def test_topology_has_a_curve_a_connection_and_says_what_stays_within(sample):
    matrix = sample.cluster()
    figure = topology(matrix)
    groups = fk.plot.heatmap(matrix, by="namespace").data[0].z
    between = sum(value is not None for row in groups for value in row)
    within = [text for text in figure.data[-1].customdata if not text.startswith("0 ")]
    assert len(figure.data) - 1 == between - len(within)
    assert figure.layout.title.text == "Connections between namespaces: all 10"
    large = topology(sample.large(400, 3000, 100), "bytes", by="workload")
    assert large.layout.title.text == "Bytes between workloads: the 40 busiest of 400"
    assert len(large.data[-1].text) <= 41


@pytest.mark.parametrize("figure", [sankey, timeline, topology, ports, top])
def test_names_are_text_in_every_figure(figure, sample):
    text = json.dumps(figure(sample.hostile()).to_plotly_json(), default=str)
    assert "<img" not in text
    assert "<b>bold" not in text
    assert "\\u202e" not in text
    assert "\\u001b" not in text


@pytest.mark.parametrize("figure", [sankey, timeline, topology, ports, top])
def test_every_figure_is_restyled_as_any_other(figure, sample):
    restyled = figure(sample.cluster()).update_layout(title="Mine", template="plotly_dark")
    assert restyled.layout.title.text == "Mine"
    assert restyled.layout.paper_bgcolor == "rgba(0,0,0,0)"


def test_what_cannot_be_drawn_is_refused(sample):
    matrix = sample.cluster()
    for wrong in (lambda: sankey(matrix, "speed"), lambda: topology(matrix, by="pod"), lambda: ports(matrix, most=0)):
        with pytest.raises(ContractError):
            wrong()
    with pytest.raises(ContractError, match="no end 'router': choose client or server"):
        top(matrix, "router")
