"""Figures as data: every cell with its real value, blank where nothing is, labels that stay text."""

from __future__ import annotations

import json
import math
import sys

import pytest

from flowkit.errors import ContractError, FlowkitError
from flowkit.view.plot import heatmap


def cells(figure) -> dict[tuple[str, str], float]:
    trace, layout = figure.data[0], figure.layout
    return {
        (layout.yaxis.ticktext[row], layout.xaxis.ticktext[column]): value
        for row, line in enumerate(trace.z)
        for column, value in enumerate(line)
        if value is not None
    }


def test_every_cell_has_the_logarithm_of_its_value(sample):
    rows = [
        sample.row("shop/web", "shop/cart", 80, 1000, connections=7),
        sample.row("shop/web", "shop/cart", 81, 1000, connections=3),
        sample.row("node:a", "shop/web", 80, 1000, connections=1),
        sample.row("shop/cart", "out:", 53, 1000, connections=0, proto=17),
    ]
    figure = heatmap(sample.matrix_of(rows))
    assert cells(figure) == {
        ("shop/web", "shop/cart"): 1.0,
        ("(nodes)", "shop/web"): 0.0,
        ("shop/cart", "(external) unknown"): 0.0,
    }
    assert figure.data[0].text[2][1] == "shop/web → shop/cart<br><b>10 connections</b>"
    assert figure.layout.title.text == "Connections, client → server: 3 clients × 3 servers"


def test_axes_are_ordered_and_pruned_as_the_endpoints(sample):
    matrix = sample.cluster()
    figure, ends = heatmap(matrix, "bytes"), matrix.endpoints
    assert list(figure.layout.yaxis.ticktext) == ends.loc[ends["client"], "endpoint"].tolist()
    assert list(figure.layout.xaxis.ticktext) == ends.loc[ends["server"], "endpoint"].tolist()
    assert sum(10**value for value in cells(figure).values()) == pytest.approx(matrix.edges["bytes"].sum())


def test_ticks_of_the_colour_bar_are_real_values(sample):
    bar = heatmap(sample.cluster(), "bytes").data[0].colorbar
    assert list(bar.ticktext) == ["400 B", "10.0 kB", "100.0 kB", "1.0 MB", "10.0 MB", "90.4 MB"]
    assert bar.tickvals[1] == pytest.approx(4)


def test_more_than_300_workloads_become_namespaces_and_it_is_said(sample):
    figure = heatmap(sample.large(400, 3000, 12), "flows")
    assert len(figure.data[0].z) == 12
    expected = "Flows, client → server by namespace (more than 300 workloads on a side): 12 clients × 12 servers"
    assert figure.layout.title.text == expected


def test_more_than_300_namespaces_keep_the_busiest_and_it_is_said(sample):
    figure = heatmap(sample.large(700, 6000, 350), "flows")
    assert len(figure.data[0].z) <= 300
    assert "the 300 busiest of each side" in figure.layout.title.text


def test_by_namespace_on_demand(sample):
    figure = heatmap(sample.cluster(), "flows", by="namespace")
    assert ("shop", "shop") in cells(figure)
    assert figure.layout.title.text.startswith("Flows, client → server by namespace: 10 clients")


def test_labels_cannot_act_or_fake(sample):
    figure = heatmap(sample.hostile(), "bytes")
    text = [*figure.layout.xaxis.ticktext, *figure.layout.yaxis.ticktext]
    assert not any("<" in label or "\u202e" in label or "\x1b" in label for label in text)
    assert max(map(len, text)) < 200
    assert all("<img" not in cell for line in figure.data[0].text for cell in line if cell)
    # the two hostile names whose shown forms are longest are still two rows
    assert len(figure.data[0].z) == len(figure.layout.yaxis.ticktext)


def test_json_has_no_number_that_json_has_not(sample):
    for matrix in (sample.cluster(), sample.matrix_of([])):
        json.loads(heatmap(matrix).to_json(), parse_constant=pytest.fail)


def test_one_value_only(sample):
    trace = heatmap(sample.matrix_of([sample.row("a/b", "c/d", 80, 500)]), "bytes").data[0]
    assert trace.z[0][0] == pytest.approx(math.log10(500))
    assert (trace.zmin, trace.zmax) == (trace.z[0][0], trace.z[0][0] + 1)


def test_unknown_measures_and_levels_are_named(sample):
    with pytest.raises(ContractError, match="no measure 'rare': choose one of connections, flows, bytes, packets"):
        heatmap(sample.cluster(), "rare")
    with pytest.raises(ContractError, match="no level 'pod'"):
        heatmap(sample.cluster(), by="pod")


def test_without_plotly_the_extra_is_named(sample, monkeypatch):
    monkeypatch.setitem(sys.modules, "plotly.graph_objects", None)
    with pytest.raises(FlowkitError, match=r"pip install 'flowkit-net\[plot\]'"):
        heatmap(sample.cluster())


def test_plotly_is_not_imported_with_the_views():
    import subprocess

    code = "import sys, flowkit.view; assert 'plotly' not in sys.modules; flowkit.view.plot; assert 'plotly' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
