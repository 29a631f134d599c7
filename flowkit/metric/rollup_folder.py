"""The folder of a rollup: its settings, one folder a period with what it was made of, and the damaged files left out of it.

`flowkit.matrix.rollup` writes it; whoever asks a rollup, for a matrix, a metric table or in PromQL, finds its periods here.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from flowkit.contract import Provenance
from flowkit.contract.replacing import replacing
from flowkit.errors import ContractError, SourceError

VERSION = 1
PERIODS, SETTINGS, TAKEN, EDGES, WHOLE = "periods", "rollup.json", "taken.json", "edges.parquet", "edges.parquet"
DAMAGED = "damaged.json"
STAMP = "%Y%m%dT%H%M%SZ"
When = str | pd.Timestamp | None


def metric_file(name: str) -> str:
    """The file of a metric in a period's folder."""
    return f"metric-{name}.parquet"


def period_places(into: Path) -> list[Path]:
    """The folders of the periods there are, in the order of time."""
    return sorted(path for path in (into / PERIODS).iterdir() if not path.name.startswith("."))


def taken(place: Path) -> dict[str, Any]:
    """What a period was made of: ``files``, ``metrics`` (each definition's hash), ``gauges``, ``flows``; empty if not made."""
    path = place / TAKEN
    found: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    return found


def period_length(folder: Path) -> int:
    """The length of a rollup's periods, in ms; raises `ContractError` for a folder that is no rollup."""
    if not (folder / SETTINGS).exists():
        raise ContractError(f"'{folder}' is no rollup: make it with flowkit rollup")
    return int(json.loads((folder / SETTINGS).read_text())["every"])


def places_within(folder: Path, start: When = None, end: When = None) -> list[Path]:
    """The folders of the periods from `start` to before `end`, in the order of time.

    Raises `ContractError` for a folder that is no rollup, and for times within a period.
    """
    every = period_length(folder)
    low, high = (_border(when, every) for when in (start, end))
    return [
        place for place in period_places(folder) if (not low or place.name >= low) and (not high or place.name < high)
    ]


def _border(when: When, every: int) -> str:
    if when is None:
        return ""
    time = pd.Timestamp(when)
    time = time.tz_localize("UTC") if time.tz is None else time.tz_convert("UTC")
    if round(time.timestamp() * 1000) % every:
        raise ContractError(
            f"{time:%Y-%m-%d %H:%M:%S} lies within a period of {pd.Timedelta(every, unit='ms')}: take a border"
        )
    return f"{time:{STAMP}}"


@dataclass(frozen=True)
class Damage:
    """Files left out, by name: what is wrong with each, and its size and time of change when that was found."""

    known: dict[str, tuple[str, int, int]]

    @classmethod
    def load(cls, into: Path) -> Damage:
        """What a rollup says of the files that were left out of it."""
        path = into / DAMAGED
        said = json.loads(path.read_text()) if path.exists() else {}
        return cls({name: (why, size, changed) for name, (why, size, changed) in said.items()})

    def save(self, into: Path) -> None:
        """Keep it with the rollup, of whose results it is part."""
        with replacing(into / DAMAGED) as stream:
            stream.write(json.dumps(self.known).encode())

    def holds(self, path: Path) -> bool:
        """Whether a file is known to be damaged, and is still the one that was found so."""
        return str(path) in self.known and self.known[str(path)][1:] == _state(path)

    def found(self, path: Path, error: SourceError) -> None:
        """Note that a file cannot be read."""
        self.known[str(path)] = (str(error), *_state(path))

    def said(self) -> Provenance:
        """The loss as a provenance states it."""
        notes = (f"left out: {why}" for why, *_ in self.known.values())
        return Provenance(losses={"damaged files": len(self.known)} if self.known else {}, notes=tuple(notes))


def _state(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_size, found.st_mtime_ns
