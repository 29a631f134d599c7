"""The docs as a book: every page is in it, every link leads somewhere, nothing is fetched from elsewhere."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys

import pytest


@pytest.fixture(scope="module")
def gather(root):
    spec = importlib.util.spec_from_file_location("gather", root / "docs" / "book" / "gather.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def site(gather, root):
    # Notebooks are run by tests of their own; here only their place counts.
    gather.gather(gather.PAGES, lambda _, page: page.write_text("<title>notebook</title>"))
    command = [
        sys.executable,
        "-W",
        "ignore",
        "-m",
        "mkdocs",
        "build",
        "--strict",
        "--quiet",
        "-f",
        "docs/book/mkdocs.yml",
    ]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return root / "build" / "book" / "site"


@pytest.mark.slow
def test_every_page_and_notebook_is_in_it(site, root):
    pages = {path.relative_to(site).with_suffix("").as_posix() for path in site.rglob("*.html")}
    wanted = {path.relative_to(root / "docs").with_suffix("").as_posix() for path in (root / "docs").rglob("*.md")}
    wanted = {name.replace("README", "index") for name in wanted}
    assert wanted | {f"notebooks/{path.stem}" for path in (root / "notebooks").glob("*.ipynb")} <= pages


@pytest.mark.slow
def test_the_reference_has_the_functions_and_the_commands(site):
    python = (site / "reference" / "python.html").read_text()
    assert "&gt;&gt;&gt; " in python or ">>>" in re.sub("<[^>]+>", "", python)
    assert "<blockquote>\n<blockquote>" not in python
    for name in ("flowkit.matrix.building.matrix", "capture"):
        assert name.split(".")[-1] in python
    commands = (site / "reference" / "cli.html").read_text()
    assert "flowkit policy check" in commands
    assert "capture live" in commands


@pytest.mark.slow
def test_it_fetches_nothing(site):
    for page in site.rglob("*.html"):
        fetched = re.findall(r'<(?:script|link|img)[^>]+(?:src|href)="(https?://[^"]+)"', page.read_text())
        assert [url for url in fetched if "/fonts." in url or url.endswith((".js", ".css"))] == []


def test_every_public_function_has_its_place(gather):
    import flowkit as fk

    placed = {name for names in gather.ROOMS.values() for name in names}
    small = {
        "All",
        "Comparison",
        "DuckDB",
        "Either",
        "FlowkitError",
        "Not",
        "NothingMatched",
        "cumulative",
        "plain_view",
        "plot",
    }
    assert set(fk.__all__) - placed - small == {"load_ipython_extension"}
