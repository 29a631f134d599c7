"""How fast the matrix draws and reacts: `python -m benchmarks.view [--workloads 60 2000 5000] [--plotly-up-to 1000]`.

The claim (2 cores, Chromium without a graphics card): first draw under 1 s, any click under 250 ms, redraw under 50 ms at
2,000 workloads and 36,000 edges, no cell lost; 5,000 workloads and 400,000 edges open collapsed in under 3 s. Peer in the same
run and browser: plotly's FigureWidget of the same matrix, its own module with a model in place of the kernel, from the import
of the module to the drawn heat map. Matrices are made up from a seed. Wall-clock times, for that is what a reader waits: run
it on a quiet machine.
"""

from __future__ import annotations

import argparse
import importlib.util
import shutil
import tempfile
import time
from pathlib import Path

from flowkit.view.page import page as page_of
from flowkit.view.payload import payload, to_gzip

SAMPLE = Path(__file__).parents[1] / "tests" / "view" / "sample.py"
EDGES = {60: 300, 500: 2_400, 1_000: 9_500, 2_000: 36_000, 5_000: 400_000}
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
REDRAW = "flowkit.matrix.draw()"
CLICKS = (
    "flowkit.setOption({ measure: 'flows' })",
    "flowkit.setFilter({ port: '443' })",
    "flowkit.clear()",
    "flowkit.setQuery('workload-01')",
    "flowkit.setQuery('')",
    "flowkit.matrix.choose({ r0: 3, r1: 3, c0: 0, c1: 99, rAll: false, cAll: true })",
    "flowkit.matrix.toggle(3)",
    "flowkit.matrix.toggle(3)",
    "flowkit.show('ports')",
    "flowkit.show('table')",
    "flowkit.show('sankey')",
    "flowkit.show('timeline')",
    "flowkit.show('matrix')",
)
PEER_HOST = '<!doctype html><meta charset="utf-8"><body><div id="host" style="width:900px;height:800px"></div></body>'
# What JupyterLab does for a FigureWidget: import its module, give it a model, let it draw. `show` comes back when it has.
PEER_DRAW = """async ([source, traces, other]) => {
  const start = performance.now();
  const state = { _widget_data: traces, _widget_layout: { width: 900, height: 800 }, _config: {} };
  const heard = new Map();
  const model = {
    get: (name) => state[name] ?? null,
    set: (name, value) => { state[name] = value; },
    save_changes: () => {},
    on: (name, act) => heard.set(name, act),
    off: () => {},
    send: () => {},
    trigger: () => {},
  };
  const host = document.getElementById("host");
  const module = await import(URL.createObjectURL(new Blob([source], { type: "text/javascript" })));
  const widget = module.default();
  const drawn = (act) => new Promise((done) => {
    const until = () => (host.querySelector(".hm image") ? done() : requestAnimationFrame(until));
    act();
    until();
  });
  widget.initialize({ model });
  await drawn(() => widget.render({ el: host }));
  await new Promise(requestAnimationFrame);
  const first = performance.now() - start;
  const figure = host.querySelector(".js-plotly-plot") ?? host;
  const switched = performance.now();
  state._py2js_restyle = { restyle_data: { z: [other] }, restyle_traces: [0], source_view_id: "", trace_edit_id: 1 };
  const after = new Promise((done) => figure.on("plotly_restyle", done));
  heard.get("change:_py2js_restyle")();
  await after;
  await new Promise(requestAnimationFrame);
  return [first, performance.now() - switched];
}"""


def samples():
    """The matrices of the tests."""
    spec = importlib.util.spec_from_file_location("view_sample", SAMPLE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def timed(page, action: str) -> float:
    return page.evaluate(f"() => {{ const start = performance.now(); {action}; return performance.now() - start; }}")


def ours(browser, document, folder: Path) -> None:
    content = page_of(document)
    path = folder / "report.html"
    path.write_text(content, encoding="utf-8")
    page = browser.new_page(viewport={"width": 1280, "height": 1000})
    start = time.perf_counter()
    page.goto(path.as_uri())
    page.wait_for_selector("html[data-ready]", timeout=120_000)
    opened = time.perf_counter() - start
    print(
        f"  report {len(content) / 1000:,.0f} kB, message {len(to_gzip(document)) / 1000:,.0f} kB, open {opened:.2f} s"
    )
    first = page.evaluate("Number(document.documentElement.dataset.ready)")
    level = page.evaluate("flowkit.matrix.level()")
    print(f"  level {level}: first draw {first:.0f} ms, redraw {min(timed(page, REDRAW) for _ in range(3)):.0f} ms")
    page.evaluate("flowkit.setLevel('workload')")
    print(f"  level workload: redraw {min(timed(page, REDRAW) for _ in range(3)):.0f} ms, clicks:")
    for action in CLICKS:
        print(f"    {timed(page, action):6.0f} ms  {action.removeprefix('flowkit.')}")
    page.close()


def figure_widget(browser, matrix) -> None:
    """The same cells in plotly's FigureWidget: all of them, for that is what it is asked to show."""
    from plotly import graph_objects

    values = {measure: cells(matrix, measure) for measure in ("bytes", "flows")}
    table = values["bytes"]
    names = {"x": list(table.columns), "y": list(table.index)}
    widget = graph_objects.FigureWidget(graph_objects.Heatmap(z=table.to_numpy(), **names, colorscale="YlGnBu"))
    message = [len(widget._esm), len(widget.to_json())]
    data = [{"type": "heatmap", "colorscale": "YlGnBu", **names, "z": table.to_numpy().tolist(), "uid": "cells"}]
    page = browser.new_page(viewport={"width": 1280, "height": 1000})
    page.set_content(PEER_HOST)
    page.set_default_timeout(120_000)
    first, again = page.evaluate(PEER_DRAW, [widget._esm, data, values["flows"].to_numpy().tolist()])
    print(
        f"  FigureWidget: message {sum(message) / 1000:,.0f} kB, first draw {first:,.0f} ms, other measure {again:,.0f} ms"
    )
    page.close()


def cells(matrix, measure: str):
    table = matrix.pivot(measure)
    return table.astype("float64").where(table > 0).astype(object).where(table > 0, None)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workloads", type=int, nargs="+", default=[60, 1_000, 2_000, 5_000], choices=sorted(EDGES))
    parser.add_argument(
        "--plotly-up-to", type=int, default=1_000, help="plotly's share of memory grows with the square"
    )
    options = parser.parse_args()
    from playwright.sync_api import sync_playwright

    sample = samples()
    with sync_playwright() as running, tempfile.TemporaryDirectory() as folder:
        browser = running.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        for workloads in options.workloads:
            matrix = sample.large(workloads, EDGES[workloads], max(8, min(120, workloads // 25)))
            start = time.process_time()
            document = payload(matrix)
            spent = time.process_time() - start
            print(f"{workloads:,} workloads, {len(matrix.edges):,} edges (payload: {spent:.1f} s of CPU)")
            ours(browser, document, Path(folder))
            if workloads <= options.plotly_up_to:
                figure_widget(browser, matrix)
        browser.close()


if __name__ == "__main__":
    main()
