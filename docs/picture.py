"""Write matrix.png, the README's picture, from the recorded cluster: `python docs/picture.py` (needs Chromium)."""

from __future__ import annotations

import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

import flowkit as fk
from flowkit.cli.demo import flows_of

PAGE = Path(__file__).with_name("matrix.png")
CLUSTER = Path(__file__).parent.parent / "data" / "cluster"


def main() -> None:
    """Draw the report of the recorded cluster and keep what one sees of it first."""
    flows = flows_of(CLUSTER)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as play:
        report = fk.report(fk.matrix(flows), Path(folder) / "cluster.html", title="Who talks to whom", flows=flows)
        browser = play.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 1340}, color_scheme="light")
        page.goto(report.resolve().as_uri())
        page.locator("canvas").first.wait_for()
        page.screenshot(path=PAGE)
        browser.close()


if __name__ == "__main__":
    main()
