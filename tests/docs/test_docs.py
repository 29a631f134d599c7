"""What the docs show is what happens: code runs, commands run, links lead somewhere, generated pages are current."""

from __future__ import annotations

import importlib.util
import re
import shutil
from pathlib import Path

import pytest

from tests.docs import desk

ROOT = desk.ROOT
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs").rglob("*.md"))]
LANGUAGES = {"console", "python", "yaml", "json", "text", "dockerfile", "promql", ""}


def shown(page):
    return str(page.relative_to(ROOT))


@pytest.fixture(scope="module")
def laid(tmp_path_factory):
    return desk.lay(tmp_path_factory.mktemp("desk"))


@pytest.fixture
def folder(laid, tmp_path):
    """A copy of the desk for one page."""
    return Path(shutil.copytree(laid, tmp_path / "desk", symlinks=True))


@pytest.mark.slow
@pytest.mark.parametrize("page", [page for page in PAGES if any(desk.blocks(page))], ids=shown)
def test_what_a_page_shows_runs(page, folder, monkeypatch):
    """Top to bottom, as a reader would: commands leave files for later ones, names of Python live on."""
    monkeypatch.chdir(folder)
    names = None
    for block in desk.blocks(page):
        if block.why or block.language not in {"python", "console"}:
            continue
        if block.language == "python":
            names = desk.spoken(folder) if names is None else names
            exec(compile("\n" * block.line + block.text, shown(page), "exec"), names)
            continue
        for command in block.commands:
            if command.split()[0] in {"flowkit", "capture"}:
                desk.run(command, folder)
            else:
                assert command.split()[0] in desk.OTHERS, command


@pytest.mark.parametrize("page", PAGES, ids=shown)
def test_blocks_say_what_they_are_and_commands_stand_behind_a_prompt(page):
    for block in desk.blocks(page):
        assert block.language in LANGUAGES, f"line {block.line}"
        if block.language == "console":
            assert block.commands, f"line {block.line}"


@pytest.mark.parametrize("page", PAGES, ids=shown)
def test_links_between_pages_lead_somewhere(page):
    for target in re.findall(r"\]\((?!https?:)([^)#]+)[^)]*\)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


def test_the_field_page_is_current():
    spec = importlib.util.spec_from_file_location("fields", ROOT / "docs" / "fields.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.PAGE.read_text(encoding="utf-8") == module.page(), "run: python docs/fields.py"


def test_decisions_are_all_listed():
    listed = (ROOT / "docs" / "decisions" / "README.md").read_text(encoding="utf-8")
    for page in (ROOT / "docs" / "decisions").glob("0*.md"):
        assert page.name in listed
