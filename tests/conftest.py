"""What all tests share: where things lie, and that a run meant to be complete fails when something was skipped."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).parent.parent

settings.register_profile("flowkit", deadline=None, derandomize=True)
settings.load_profile("flowkit")

# A run in a shell's background is deaf to SIGINT, and so would be every program that the tests start and interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Turn skips into failure where FLOWKIT_NO_SKIP says that everything the tests need is here."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = len(reporter.stats.get("skipped", [])) if reporter else 0
    if os.environ.get("FLOWKIT_NO_SKIP") and skipped and exitstatus == pytest.ExitCode.OK:
        reporter.write_line(f"{skipped} tests were skipped, and FLOWKIT_NO_SKIP forbids that", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository's root folder."""
    return ROOT


@pytest.fixture(scope="session")
def cluster(root: Path) -> Path:
    """The recorded cluster's folder."""
    return root / "data" / "cluster"
