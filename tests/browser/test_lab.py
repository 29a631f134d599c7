"""One full round trip in JupyterLab: the explorer's notebook runs, its page is clicked, Python knows, and `d d` deletes nothing."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("jupyterlab", reason="JupyterLab is not installed: no round trip")
nbformat = pytest.importorskip("nbformat", reason="JupyterLab is not installed: no round trip")
HTMLExporter = pytest.importorskip("nbconvert", reason="JupyterLab is not installed: no export").HTMLExporter

from tests.browser.jupyter_lab import LabPage, running  # noqa: E402 - what it needs is known to be here

NOTEBOOK = "05-the-explorer.ipynb"
COLOURS = """(canvas) => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return new Set(new Uint32Array(data.buffer)).size;
}"""
SAY = """import json
table = panel.metric_table
print(json.dumps({
    "selected": len(w.selection.edges), "flows": len(w.selection.flows), "counted": int(w.selection.edges["flows"].sum()),
    "heard": chosen[-1:], "brush": list(w.brush), "edges": len(w.matrix.edges),
    "metric": getattr(panel.metric.value, "name", ""), "rows": 0 if table is None else len(table)}))
"""


@pytest.fixture
def work(tmp_path, root) -> Path:
    """The notebook in a folder of its own, with the paths of the recorded cluster, and a last cell that says what Python knows."""
    notebook = nbformat.read(root / "notebooks" / NOTEBOOK, as_version=4)
    parameters = next(cell for cell in notebook.cells if cell.metadata.get("tags") == ["parameters"])
    parameters.source += f"\ncluster = {str(root / 'data' / 'cluster')!r}\nout = {str(tmp_path)!r}"
    for cell in notebook.cells:
        cell.source = cell.source.replace("../data/metrics", str(root / "data" / "metrics"))
    notebook.cells.append(nbformat.v4.new_code_cell(SAY))
    nbformat.write(notebook, tmp_path / NOTEBOOK)
    return tmp_path


@pytest.fixture
def lab(chromium, work, root):
    page = chromium.new_page(viewport={"width": 1500, "height": 1400})
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(f"{error}\n{error.stack}"))
    with running(work, root) as address:
        yield LabPage(page, address.format(NOTEBOOK))
        page.close()
    assert errors == []


def said(lab: LabPage) -> dict[str, Any]:
    return json.loads(lab.run("import json"))


@pytest.mark.slow
def test_round_trip(lab, work, chromium, tmp_path):
    lab.run_all()
    cells, before = lab.sources(), said(lab)
    explorer = lab.page.locator(".jp-OutputArea .fk").first

    # A cell is clicked: its edges and their flows are in Python, and the observer has heard of it.
    click_a_cell(lab, explorer)
    lab.page.keyboard.type("ddxaby00")
    assert lab.sources() == cells
    chosen = said(lab)
    assert before["selected"] == 0 < chosen["selected"]
    assert chosen["flows"] == chosen["counted"] > 0
    assert chosen["heard"] == [chosen["selected"]]
    rows = lab.run("w.selection.flows")
    assert f"{chosen['flows']} rows" in rows or len(rows.strip().splitlines()) == 1 + chosen["flows"]

    # The timeline is brushed: the kernel answers with the matrix of that time.
    explorer.get_by_role("tab", name="Timeline").click()
    figure = explorer.locator("svg.fk-timeline")
    figure.hover(position={"x": 300, "y": 100})
    lab.page.mouse.down()
    figure.hover(position={"x": 600, "y": 100})
    lab.page.mouse.up()
    explorer.locator(".fk-facts", has_text=re.compile(r"UTC: [\d,]+ of [\d,]+ edges$")).wait_for()
    brushed = said(lab)
    assert len(brushed["brush"]) == 2
    assert 0 < brushed["edges"] < before["edges"]

    # Another metric is chosen in the controls.
    lab.page.get_by_label("Metric").select_option(index=1)
    lab.page.locator(".widget-html pre", has_text="value").wait_for()
    counted = said(lab)
    assert counted["metric"].startswith("netobserv_")
    assert counted["rows"] > 0
    assert lab.sources() == cells

    lab.save()
    shows_offline(chromium, work / NOTEBOOK, tmp_path / "exported.html")


def click_a_cell(lab: LabPage, explorer: Any) -> None:
    """Move over the matrix as a reader does, until something is there, and click on it."""
    canvas = explorer.locator("canvas.fk-canvas")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    tip = explorer.locator(".fk-tip")
    for x in range(int(box["x"] + box["width"] * 0.4), int(box["x"] + box["width"]), 6):
        lab.page.mouse.move(x, box["y"] + box["height"] * 0.6)
        if tip.is_visible() and "→" in (words := tip.inner_text()) and "no traffic" not in words:
            lab.page.mouse.click(x, box["y"] + box["height"] * 0.6)
            return
    raise AssertionError("no cell with traffic in this row of pixels")


def shows_offline(chromium: Any, notebook: Path, path: Path) -> None:
    """Export the saved notebook as nbconvert does, open it from disk without a network: the static display draws its matrix."""
    path.write_text(HTMLExporter().from_filename(notebook)[0], encoding="utf-8")
    context = chromium.new_context(offline=True, viewport={"width": 1300, "height": 1300})
    page = context.new_page()
    page.goto(path.as_uri(), wait_until="domcontentloaded")
    frame = page.frame_locator("iframe").first
    frame.locator("html[data-ready]").wait_for(state="attached")
    canvas = frame.locator("canvas.fk-canvas")
    canvas.scroll_into_view_if_needed()
    assert canvas.is_visible()
    assert canvas.evaluate(COLOURS) > 10
    context.close()
