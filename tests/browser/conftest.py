"""A real Chromium, offline, that reports every request, error and dialog; skipped with a reason where there is none."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from flowkit.view.page import page as page_of
from flowkit.view.payload import Additions, payload

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
NOTHING = Additions()
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def sample() -> ModuleType:
    """The matrices of tests/view/sample.py."""
    spec = importlib.util.spec_from_file_location("view_sample", Path(__file__).parents[1] / "view" / "sample.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")  # not longer: while Playwright runs, no other test could start an event loop
def chromium() -> Iterator[Any]:
    """A running browser."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: no browser tests")
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed (Debian: apt install chromium): no browser tests")
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@dataclass
class Seen:
    """What a page did that a reader would not see."""

    requests: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)

    def watch(self, page: Any) -> None:
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("console", lambda message: self._hear(message.text))
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("dialog", self._dismiss)

    def _hear(self, text: str) -> None:
        if "willReadFrequently" not in text:  # the tests themselves read pixels back
            self.errors.append(text)

    def _dismiss(self, dialog: Any) -> None:
        self.dialogs.append(dialog.message)
        dialog.dismiss()


@pytest.fixture
def seen() -> Seen:
    """What the page under test did; a test that provokes an error takes it out here."""
    return Seen()


@pytest.fixture
def opened(chromium, seen, tmp_path) -> Iterator[Any]:
    """Open a matrix's report from disk, offline; afterwards nothing may have been asked for, gone wrong or popped up."""
    contexts = []

    def open_report(matrix: Any, title: str | None = None, additions: Additions = NOTHING, **options: Any) -> Any:
        path = tmp_path / "report.html"
        path.write_text(page_of(payload(matrix, title, additions)), encoding="utf-8")
        context = chromium.new_context(offline=True, **{"viewport": {"width": 1280, "height": 1400}, **options})
        contexts.append(context)
        page = context.new_page()
        seen.watch(page)
        page.goto(path.as_uri())
        if options.get("java_script_enabled", True):
            page.wait_for_selector("html[data-ready]", timeout=10_000)
        return page

    yield open_report
    for context in contexts:
        context.close()
    asked = [url for url in seen.requests if not url.startswith("blob:")]
    assert asked == [(tmp_path / "report.html").as_uri()] * len(contexts)
    assert seen.errors == []
    assert seen.dialogs == []
