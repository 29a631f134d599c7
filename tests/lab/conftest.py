"""The lab is a folder of the repository and no installed package: its tests find it by the repository's root."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))


@pytest.fixture(scope="session")
def recorded() -> Path:
    """Give the folder of the committed recording."""
    return ROOT / "data" / "cluster"
