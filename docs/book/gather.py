"""Lay out the book's pages for mkdocs: `make book` runs this, then builds `docs/book/mkdocs.yml`.

Pages of docs/ and the repository's own stand side by side; the reference of Python and of the command line is written anew from
the code; notebooks are run and become HTML.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import typer
from typer.cli import get_docs_for_click

ROOT = Path(__file__).parent.parent.parent
PAGES = ROOT / "build" / "book" / "pages"
OWN = {
    "README.md": "index.md",
    "CHANGELOG.md": "CHANGELOG.md",
    "CONTRIBUTING.md": "CONTRIBUTING.md",
    "SECURITY.md": "SECURITY.md",
}
ROOMS = {
    "Flows": ("read", "read_metric", "convert", "write", "show", "provenance", "flag_names"),
    "Names and direction": ("enrich", "Inventory", "SubnetLabels", "dedupe", "orient", "external"),
    "Verbs and FlowMetrics": (
        "flatten",
        "filter",
        "remap",
        "aggregate",
        "network_events",
        "Condition",
        "FlowMetric",
        "exposition",
    ),
    "PromQL": ("promql", "scrape", "Prometheus"),
    "The matrix": ("matrix", "FlowMatrix", "rollup", "matrix_of_rollup", "metric_of_rollup", "matrix_of_prometheus"),
    "Policies": (
        *(
            "PolicySet",
            "judge",
            "synthesise",
            "Options",
            "verify",
            "Verification",
            "check",
            "policy_diff",
            "drift",
            "hold_out",
        ),
        *("judge_edges", "judged", "what_if", "disagreements"),
    ),
    "Views": ("report",),
}
CAPTURE = ("read_pcap", "names", "live", "dissect", "packets_of", "packet_tree", "display_filter", "report")


def gather(pages: Path, convert: Callable[[Path, Path], None]) -> None:
    """Write every page below `pages`, which is made anew; `convert` turns a notebook into an HTML file."""
    shutil.rmtree(pages, ignore_errors=True)
    pages.mkdir(parents=True)
    for name, page in OWN.items():
        (pages / page).write_text(_moved((ROOT / name).read_text(encoding="utf-8"), "docs/"), encoding="utf-8")
    for path in sorted((ROOT / "docs").rglob("*")):
        target = pages / path.relative_to(ROOT / "docs")
        if path.suffix in {".md", ".png", ".svg"}:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
            if path.suffix == ".md":
                target.write_text(_moved(path.read_text(encoding="utf-8"), "../"), encoding="utf-8")
    (pages / "reference").mkdir()
    (pages / "reference" / "python.md").write_text(python_page(), encoding="utf-8")
    (pages / "reference" / "cli.md").write_text(cli_page(), encoding="utf-8")
    _notebooks(pages / "notebooks", convert)


def _moved(text: str, folder: str) -> str:
    """Links as they are from the book's top, where pages of docs/ and of the repository stand side by side."""
    text = re.sub(rf"\]\({re.escape(folder)}(?=[A-Za-z])", "](", text)
    text = re.sub(r"\]\(decisions/\)", "](decisions/README.md)", text)
    return re.sub(r"<!-- not run: [^>]+ -->\n", "", text)


def python_page() -> str:
    """The reference of the public functions, by room: mkdocstrings fills it from the docstrings."""
    import capture
    import flowkit as fk

    parts = ["# Python\n\n`import flowkit as fk`; `import capture` for packets.\n"]
    for title, names in ROOMS.items():
        parts.append(f"\n## {title}\n\n" + "".join(_entry(getattr(fk, name), name) for name in names))
    parts.append("\n## Packets: `capture`\n\n" + "".join(_entry(getattr(capture, name), name) for name in CAPTURE))
    return "".join(parts)


def _entry(thing: object, name: str) -> str:
    return f"::: {thing.__module__}.{name}\n\n"


def cli_page() -> str:
    """The reference of both programs, from their own help."""
    import capture.cli
    import flowkit.cli

    parts = ["# Command line\n"]
    for name, app in {"flowkit": flowkit.cli.app, "capture": capture.cli.main}.items():
        command = typer.main.get_command(app)
        text = get_docs_for_click(obj=command, ctx=typer.Context(command, info_name=name), name=name)
        parts.append(re.sub(r"^(#+ )", r"#\1", text, flags=re.MULTILINE))
    return "\n".join(parts)


def _notebooks(folder: Path, convert: Callable[[Path, Path], None]) -> None:
    folder.mkdir()
    lines = [
        "# Notebooks\n\nAs they look when they have run. `flowkit lab` opens them in JupyterLab, with their data.\n"
    ]
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        convert(path, folder / f"{path.stem}.html")
        (title,) = re.findall(r'"# (.*?)(?:\\n)?"', path.read_text(encoding="utf-8"))[:1]
        lines.append(f"- [{title}]({path.stem}.html)")
    (folder / "index.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


def run_notebook(path: Path, page: Path) -> None:
    """Run a notebook and write it as one HTML file whose pictures need no network."""
    options = ["--to", "html", "--execute", "--output-dir", str(page.parent), "--output", page.name]
    command = [sys.executable, "-m", "jupyter", "nbconvert", *options, path.name]
    env = {**os.environ, "PLOTLY_RENDERER": "notebook"}
    subprocess.run(command, cwd=path.parent, env=env, check=True)  # noqa: S603 - our own notebooks


if __name__ == "__main__":
    gather(PAGES, run_notebook)
