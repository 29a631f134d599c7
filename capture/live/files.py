"""Rotating Parquet files: one an interval, each whole under its name or not there at all."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd

from flowkit.contract.at_rest import write
from flowkit.errors import CaptureError

_ENDING = ".parquet"


class Files:
    """The files of one capture, named ``INTERFACE-DAYTTIME.parquet`` for the begin of their interval (UTC)."""

    def __init__(self, folder: Path, interface: str) -> None:
        if folder.exists() and not folder.is_dir():
            raise CaptureError(f"'{folder}' is a file: give a folder for the Parquet files")
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._stem = folder, re.sub(r"[^A-Za-z0-9_.-]", "_", interface)
        self.written: list[Path] = []
        self.size = 0

    def add(self, flows: pd.DataFrame, begun: float) -> Path:
        """Write the flows of an interval that began at `begun` (s since the epoch); an existing file is never replaced."""
        stamp = datetime.fromtimestamp(begun, UTC).strftime("%Y%m%dT%H%M%S")
        path = write(flows, self._free(stamp))
        self.written.append(path)
        self.size += path.stat().st_size
        return path

    def _free(self, stamp: str) -> Path:
        path, number = self._folder / f"{self._stem}-{stamp}{_ENDING}", 1
        while path.exists():
            number += 1
            path = self._folder / f"{self._stem}-{stamp}-{number}{_ENDING}"
        return path
