"""Where the recorded cluster, the article's FlowMetrics and the notebooks are: in a wheel, or in the repository."""

from __future__ import annotations

import shutil
from pathlib import Path

from flowkit.errors import FlowkitError

_PACKAGE = Path(__file__).parent.parent
# In a wheel the examples stand beside the code, in a checkout they are the repository's own folders.
_HOMES = (_PACKAGE / "examples", _PACKAGE.parent)
PARTS = ("data/cluster", "data/metrics", "data/policies", "notebooks")


def home() -> Path:
    """The folder that holds `PARTS`; raises `FlowkitError` for an installation without them."""
    for folder in _HOMES:
        if all((folder / part).is_dir() for part in PARTS):
            return folder
    raise FlowkitError(f"no examples under {_HOMES[0]}: install flowkit-net from its wheel, or run from its repository")


def copy_to(folder: Path) -> list[Path]:
    """Copy the examples into `folder`, leaving every file that is there already as it is; return what was copied."""
    copied = []
    for part in PARTS:
        for source in sorted((home() / part).rglob("*")):
            target = folder / source.relative_to(home())
            if source.is_file() and "__pycache__" not in source.parts and not target.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                copied.append(Path(shutil.copyfile(source, target)))
    return copied
