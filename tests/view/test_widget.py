"""The explorer's Python side: what is selected and brushed is data, and new data keeps the reader's choices."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys

import pytest
import traitlets

import flowkit as fk
from flowkit.errors import ContractError, FlowkitError
from flowkit.view.judged import Judged
from flowkit.view.payload import edge_numbers, payload

START = 1_790_000_000_000


def call(client: str, server: str, port: int, second: int) -> list[dict]:
    """Both ways of a connection of ten seconds that begins at `second`."""
    there = {
        "SrcPort": 50_000 + second % 10_000,
        "DstPort": port,
        "Flags": 18,
        **end("Src", client),
        **end("Dst", server),
    }
    back = {
        "DstPort": 50_000 + second % 10_000,
        "SrcPort": port,
        "Flags": 272,
        **end("Dst", client),
        **end("Src", server),
    }
    times = {"TimeFlowStartMs": START + second * 1000, "TimeFlowEndMs": START + second * 1000 + 10_000}
    return [{"Proto": 6, "Bytes": 1000, "Packets": 4, **times, **one} for one in (there, back)]


def end(side: str, name: str) -> dict:
    namespace, workload = name.split("/")
    known = {"Namespace": namespace, "Type": "Pod", "Name": workload, "OwnerName": workload, "OwnerType": "Deployment"}
    address = f"10.0.{len(namespace)}.{sum(map(ord, workload)) % 250}"
    return {f"{side}Addr": address, **{f"{side}K8S_{field}": value for field, value in known.items()}}


@pytest.fixture
def flows():
    import pandas as pd

    rows = [*call("shop/web", "shop/cart", 80, 0), *call("shop/web", "data/redis", 6379, 600)]
    return pd.DataFrame([*rows, *call("shop/web", "shop/cart", 80, 700)])


def choose(widget, numbers) -> None:
    """What the page does when a cell is clicked."""
    widget.set_state({"selection": list(numbers)})


def document(widget) -> dict:
    return json.loads(gzip.decompress(widget.payload))


def test_a_selection_is_edges_and_the_flows_behind_them(flows):
    matrix = fk.matrix(flows)
    w = matrix.explore(flows=flows)
    heard = []
    w.observe(lambda change: heard.append(change["new"].edges["port"].tolist()), "selection")
    at = int(edge_numbers(matrix)[(matrix.edges["port"] == 80).to_numpy()][0])
    choose(w, [at])
    assert heard == [[80]]
    assert w.selection.edges.index.tolist() == matrix.edges.index[matrix.edges["port"] == 80].tolist()
    assert w.selection.flows.index.tolist() == [0, 1, 4, 5]
    assert w.get_state(["selection"])["selection"] == [at]
    assert len(w.flows) == 6


def test_flows_come_from_a_folder_through_the_engine(flows, tmp_path):
    flows.to_parquet(tmp_path / "part.parquet")
    w = fk.matrix(flows).explore(flows=tmp_path)
    choose(w, edge_numbers(w.matrix).tolist())
    assert len(w.selection.flows) == 6
    w.brush = [START + 600_000, START + 660_000]
    assert w.matrix.edges["port"].tolist() == [6379, 80]  # edges in use: 80 was from 0 to 710 s
    assert w.flows["TimeFlowEndMs"].tolist() == [START + 610_000] * 2


def test_the_brush_cuts_to_a_period_and_keeps_the_whole_timeline(flows):
    matrix = fk.matrix(flows)
    w = matrix.explore(flows=flows)
    whole = document(w)
    w.brush = [START + 600_000, START + 620_000]
    cut = document(w)
    assert w.matrix.edges[["to_workload", "flows"]].to_numpy().tolist() == [["redis", 2]]
    assert cut["timeline"] == whole["timeline"]
    assert cut["header"]["filters"] == "Only 2026-09-21 14:23:20 – 14:23:40 UTC: 1 of 2 edges"
    assert "2 workloads in 2 namespaces" in cut["header"]["facts"]
    w.brush = [START, START + 20_000]
    assert "2 workloads in 1 namespace" in document(w)["header"]["facts"]
    assert document(w)["timeline"] == whole["timeline"]
    assert w.flows.index.tolist() == [0, 1]
    w.brush = []
    assert document(w) == whole


def test_a_brush_that_changes_nothing_is_answered_all_the_same(flows, monkeypatch):
    w = fk.matrix(flows.iloc[:0]).explore(flows=flows.iloc[:0])
    sent = []
    monkeypatch.setattr(w, "send", sent.append)
    w._brushed(None)
    assert sent == [{"done": True}]


def test_an_update_fills_the_widget_and_forgets_numbers_of_old_edges(flows):
    w = fk.matrix(flows.iloc[:2]).explore(flows=flows.iloc[:2])
    choose(w, [0])
    w.update(fk.matrix(flows), flows=flows)
    assert document(w) == payload(fk.matrix(flows), None, w.shown.additions) | {"policies": []}
    assert w.selection.numbers == ()
    assert len(w.flows) == 6
    w.update(fk.matrix(flows))
    with pytest.raises(FlowkitError, match=r"knows no flows: matrix.explore\(flows=…\)"):
        _ = w.selection.flows


def test_policies_behind_a_selection(sample):
    matrix = sample.cluster()
    judged = sample.judged(matrix)
    w = matrix.explore(policies={"ovn": judged, "generic": Judged()}, profile="ovn")
    shop = matrix.edges[(matrix.edges["to_namespace"] == "shop") & (matrix.edges["state"] == "answered")].index[:2]
    choose(w, edge_numbers(matrix)[shop].tolist())
    assert w.selection.policy.to_numpy().tolist() == [
        ["shop", "allow-observed", "ingress 1: from observed namespaces", 2]
    ]
    assert len(matrix.explore(policies={"ovn": judged, "generic": Judged()}, profile="generic").selection.policy) == 0
    edges = matrix.edges
    half = int(edges["first"].median().timestamp() * 1000)
    w.brush = [0, half]
    assert len(w.matrix.edges) < len(edges)
    assert len(w.shown.additions.judged.verdicts) == len(w.matrix.edges)
    kept = set(w.shown.additions.judged.policies[0].rules[0].edges)
    assert w.matrix.edges.loc[sorted(kept), "to_namespace"].unique().tolist() == ["shop"]


def test_what_cannot_be_is_refused(sample):
    matrix = sample.cluster()
    with pytest.raises(ContractError, match="no profile 'ovn': give policies by profile"):
        matrix.explore(profile="ovn")
    with pytest.raises(ContractError, match="no profile 'ovn': there is generic"):
        matrix.explore(policies={"generic": Judged()}, profile="ovn")
    w = matrix.explore(title="Shop", theme="dark", view="table")
    assert document(w)["title"] == "Shop"
    for trait, value in (("theme", "pink"), ("view", "nowhere"), ("brush", [5, 4])):
        with pytest.raises(traitlets.TraitError):
            setattr(w, trait, value)


def test_its_text_is_one_line_and_sixty_workloads_are_a_small_message(sample):
    matrix = sample.large(60, 300, 8)
    w = matrix.explore()
    assert repr(w) == f"Explorer({matrix!r})"
    state = w.get_state()
    size = len(state["payload"]) + len(json.dumps({**state, "payload": None}, default=str))
    assert len(state["payload"]) < 100_000
    assert size < 300_000


def test_importing_flowkit_loads_no_widget():
    code = "import sys, flowkit; print([name for name in ('anywidget', 'ipywidgets', 'pandas') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
