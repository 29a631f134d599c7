"""One full round trip in JupyterLab: the explorer's notebook runs, its page is clicked, Python knows, and `d d` deletes nothing."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import nbformat
import pytest
from nbconvert import HTMLExporter

ROOT = Path(__file__).parents[2]
NOTEBOOK = "05-the-explorer.ipynb"
TOKEN = "explorer-test"
READY_S = 60
SAY = """import json
print(json.dumps({"selected": len(w.selection.edges), "flows": len(w.selection.flows), "counted": int(w.selection.edges["flows"].sum()),
                  "brush": list(w.brush), "heard": chosen, "edges": len(w.matrix.edges), "metric": panel.metric.value.name if panel.metric.value else "",
                  "rows": 0 if panel.metric_table is None else len(panel.metric_table)}))"""


@pytest.fixture(scope="module")
def work(tmp_path_factory) -> Path:
    """The notebook in a folder of its own, short of the cells that change what a reader would have chosen."""
    folder = tmp_path_factory.mktemp("lab")
    notebook = nbformat.read(ROOT / "notebooks" / NOTEBOOK, as_version=4)
    parameters = next(cell for cell in notebook.cells if cell.metadata.get("tags") == ["parameters"])
    parameters.source = f"cluster = {str(ROOT / 'data' / 'cluster')!r}\nout = {str(folder)!r}"
    for cell in notebook.cells:
        cell.source = cell.source.replace("../data/metrics", str(ROOT / "data" / "metrics"))
    last = next(at for at, cell in enumerate(notebook.cells) if cell.source.startswith("panel.metric_table"))
    notebook.cells = notebook.cells[:last]
    nbformat.write(notebook, folder / NOTEBOOK)
    return folder


@pytest.fixture(scope="module")
def lab(work):
    """A running JupyterLab on a free port; its settings and its kernels' lie in the test's folder."""
    pytest.importorskip("jupyterlab", reason="JupyterLab is not installed: no round trip")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    homes = {
        name: str(work / name.lower()) for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR")
    }
    options = {
        "ServerApp.ip": "127.0.0.1",
        "ServerApp.port": port,
        "ServerApp.port_retries": 0,
        "IdentityProvider.token": TOKEN,
    }
    options |= {"ServerApp.root_dir": work, "ServerApp.open_browser": False, "LabApp.news_url": None}
    command = [
        sys.executable,
        "-m",
        "jupyterlab",
        "--allow-root",
        *(f"--{name}={value}" for name, value in options.items()),
    ]
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    with (work / "lab.log").open("wb") as log:
        server = subprocess.Popen(command, env={**os.environ, **homes, "PYTHONPATH": path}, stdout=log, stderr=log)
        try:
            wait_for(port, server, work / "lab.log")
            yield f"http://127.0.0.1:{port}/lab/tree/{NOTEBOOK}?token={TOKEN}&reset"
        finally:
            server.terminate()
            server.wait(20)


def wait_for(port: int, server: subprocess.Popen, log: Path) -> None:
    until = time.monotonic() + READY_S
    while time.monotonic() < until and server.poll() is None:
        try:
            with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=5)) as connection:
                connection.request("GET", f"/api/status?token={TOKEN}")
                if connection.getresponse().status == 200:
                    return
        except OSError:
            time.sleep(0.2)
    pytest.fail(f"JupyterLab did not start: {log.read_text()[-2000:]}")


def ask(page) -> dict:
    """What the kernel knows now: a cell at the end, run again and again."""
    last = page.locator(".jp-CodeCell").last
    last.scroll_into_view_if_needed()
    last.locator(".cm-content").click()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(SAY)
    page.keyboard.press("Control+Enter")
    page.wait_for_timeout(300)
    output = last.locator(".jp-OutputArea-output:has-text('\"counted\"')").last
    output.wait_for(timeout=20_000)
    idle(page)
    return json.loads(output.inner_text())


def idle(page) -> None:
    page.wait_for_function(
        "document.querySelector('.jp-NotebookPanel .jp-Notebook-ExecutionIndicator')?.dataset.status === 'idle'",
        timeout=60_000,
    )


def run_all(page) -> None:
    page.locator(".jp-NotebookPanel .cm-content").first.wait_for(timeout=60_000)
    idle(page)
    page.wait_for_timeout(3000)  # idle may still be the look of a kernel that is not connected: Lab would drop the run
    idle(page)
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_text("Run All Cells", exact=True).click()
    page.locator(".jp-OutputArea .fk canvas.fk-canvas").first.wait_for(timeout=45_000)
    page.locator(".jp-OutputArea .widget-dropdown").first.wait_for(timeout=60_000)
    idle(page)


@pytest.mark.slow
def test_round_trip(chromium, lab, work):
    # tall enough that Lab keeps every cell in the page
    page = chromium.new_page(viewport={"width": 1500, "height": 6000})
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(lab)
    run_all(page)
    cells = page.locator(".jp-Notebook .jp-Cell").count()
    explorer = page.locator(".jp-OutputArea .fk").first
    explorer.scroll_into_view_if_needed()

    # a cell is chosen, and its flows are in Python
    explorer.locator("canvas.fk-canvas").focus()
    page.keyboard.press("Control+ArrowRight")
    page.keyboard.press("Enter")
    for key in ("d", "d", "x", "0", "0"):
        page.keyboard.press(key)
    said = ask(page)
    assert said["selected"] >= 1
    assert said["flows"] == said["counted"] > 0
    assert said["heard"][-1] == said["selected"]
    assert page.locator(".jp-Notebook .jp-Cell").count() == cells

    # the timeline is brushed: the kernel answers with the matrix of that time
    explorer.get_by_role("tab", name="Timeline").click()
    figure = explorer.locator(".fk-figure svg").first
    box = figure.bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.25, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.45, box["y"] + box["height"] / 2, steps=6)
    page.mouse.up()
    page.wait_for_timeout(800)
    idle(page)
    brushed = ask(page)
    assert len(brushed["brush"]) == 2
    assert brushed["edges"] < said["edges"]

    # another metric is chosen in the controls
    page.locator(".jp-OutputArea .widget-dropdown select").first.select_option(index=1)
    idle(page)
    counted = ask(page)
    assert counted["metric"].startswith("netobserv_")
    assert counted["rows"] > 0
    assert page.locator(".jp-Notebook .jp-Cell").count() == cells
    page.keyboard.press("Control+s")
    page.close()
    assert errors == []


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_the_exported_notebook_still_shows_the_matrix_offline(chromium, work, tmp_path):
    from nbclient import NotebookClient

    notebook = nbformat.read(work / NOTEBOOK, as_version=4)
    at = next(at for at, cell in enumerate(notebook.cells) if cell.source == "matrix")
    notebook.cells = notebook.cells[: at + 1]
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(work)}}).execute()
    path = tmp_path / "exported.html"
    path.write_text(HTMLExporter().from_notebook_node(notebook)[0], encoding="utf-8")
    context = chromium.new_context(offline=True, viewport={"width": 1300, "height": 1300})
    page = context.new_page()
    page.goto(path.as_uri(), wait_until="domcontentloaded")
    frame = page.frame_locator("iframe")
    frame.locator("html[data-ready]").wait_for(state="attached", timeout=20_000)
    assert frame.locator("canvas.fk-canvas").is_visible()
    assert "edges" in frame.locator(".fk-facts").first.inner_text()
    context.close()
