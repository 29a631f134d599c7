"""The flows a rollup is made of: its files, each content once, and of each period what its edges must be seen with.

A period is seen with all flows of a short time before and after it, for copies, replies and refusals cross its borders, and
with its own conversations in the whole of both neighbours, where they were opened or go on.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from flowkit.contract import conform, provenance, stack, with_provenance
from flowkit.enrich.sides import Codes, Ends, Mask, among
from flowkit.errors import SourceError
from flowkit.metric.rollup_folder import Damage
from flowkit.sources import read
from flowkit.sources.parquet import Period, read_period, time_range, written_losses

_TIME = "TimeFlowEndMs"
_TAIL = 1 << 16
_SHORTEST, _LONGEST = 15_000, 300_000
_TALK = ["SrcAddr", "DstAddr", "SrcPort", "DstPort", "Proto"]
# Two odd numbers, so that a pair of sockets is one number; two pairs that fall together only show more than needed.
_ONE, _OTHER = np.int64(-7046029254386353131), np.int64(2685821657736338717)


@dataclass(frozen=True)
class Reading:
    """How files become flows: what a `damaged` one means, and what gives flows their names, such as ``fk.enrich``.

    ``refuse`` raises for a file that cannot be read, ``skip`` leaves it out and says so in the rollup and all its results.
    """

    naming: Callable[[pd.DataFrame], pd.DataFrame] | None = None
    damaged: Literal["refuse", "skip"] = "refuse"


@dataclass(frozen=True)
class FlowFile:
    """A file of flows: what it is by content, and the times it covers."""

    path: Path
    identity: str
    times: Period


def files_of(flows: str | Path, reading: Reading, damage: Damage) -> list[FlowFile]:
    """List the files of flows, each content once; those that cannot be read go to `damage`, or raise `SourceError`."""
    where = Path(flows)
    paths = sorted(path for path in where.rglob("*") if path.is_file()) if where.is_dir() else [where]
    found: dict[str, FlowFile] = {}
    for path in paths:
        is_out = path.name.startswith(".") or (reading.damaged == "skip" and damage.holds(path))
        file = None if is_out else _listed(path, reading, damage)
        if file is not None:
            damage.known.pop(str(path), None)
            found.setdefault(file.identity, file)
    return list(found.values())


def _listed(path: Path, reading: Reading, damage: Damage) -> FlowFile | None:
    try:
        times = _times(path)
    except SourceError as error:
        if reading.damaged == "refuse":
            raise
        damage.found(path, error)
        return None
    return None if times is None else FlowFile(path, _identity(path), times)


def _is_parquet(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(4) == b"PAR1"


def _times(path: Path) -> Period | None:
    if _is_parquet(path):
        return time_range(path)
    times = read(path).get(_TIME, pd.Series(dtype="Int64")).dropna()
    return (int(times.min()), int(times.max())) if len(times) else None


def _identity(path: Path) -> str:
    """A hash of the content; of Parquet, of its end, where counts, extremes and places of all columns stand."""
    with path.open("rb") as stream:
        if _is_parquet(path):
            stream.seek(max(0, path.stat().st_size - _TAIL))
        return f"{path.stat().st_size}-{hashlib.file_digest(stream, 'sha256').hexdigest()[:32]}"


def covering(files: list[FlowFile], start: int, end: int) -> list[FlowFile]:
    """The files that may hold flows from `start` to before `end`."""
    return [file for file in files if file.times[0] < end and file.times[1] >= start]


@dataclass(frozen=True)
class Windows:
    """The flows of periods of `every` milliseconds, by number since 1970; those of neighbours are held for their turn."""

    files: list[FlowFile]
    every: int
    reading: Reading
    held: dict[int, pd.DataFrame] = field(default_factory=dict)

    def view(self, number: int) -> pd.DataFrame:
        """A period's flows and what they are seen with, in the order of time; what was lost is that of its own."""
        before, own, after = (self._flows(number + step) for step in (-1, 0, 1))
        for past in [one for one in self.held if one < number]:
            del self.held[past]
        parts = [self._seen(before, own, number), own, self._seen(after, own, number)]
        window = stack([part for part in parts if len(part)] or [own])
        said = replace(provenance(window), losses=provenance(own).losses)
        window = conform(with_provenance(window, said))
        return window if self.reading.naming is None else conform(self.reading.naming(window))

    def _flows(self, number: int) -> pd.DataFrame:
        if number not in self.held:
            period = (number * self.every, (number + 1) * self.every)
            parts = [self._read(file, period) for file in covering(self.files, *period)]
            flows = stack(parts)
            self.held[number] = flows.sort_values(_TIME, kind="stable", ignore_index=True) if len(flows) else flows
        return self.held[number]

    def _read(self, file: FlowFile, period: Period) -> pd.DataFrame:
        """A file's flows of a period; what was lost before they were written, or in reading, counts where it begins."""
        is_parquet = _is_parquet(file.path)
        try:
            flows = read_period([file.path], period) if is_parquet else _within(read(file.path), period)
        except SourceError as error:
            raise DamagedFile(file.path, error) from error
        if period[0] <= file.times[0]:
            return flows
        said = provenance(flows)
        left = Counter(said.losses) - Counter(written_losses(file.path)) if is_parquet else {}
        return with_provenance(flows, replace(said, losses=dict(left)))

    def _seen(self, far: pd.DataFrame, own: pd.DataFrame, number: int) -> pd.DataFrame:
        """Of a neighbour's flows those near the border, and those of the period's own conversations."""
        if not len(far) or not len(own):
            return far.iloc[:0]
        near = min(self.every, max(_SHORTEST, min(_LONGEST, self.every // 12)))
        start, end = number * self.every - near, (number + 1) * self.every + near
        time = far[_TIME].to_numpy(dtype=np.int64)
        seen: Mask = (time >= start) & (time < end)
        talks = _talks(far, own)
        seen |= among(talks[: len(far)], talks[len(far) :])
        return far[seen]


def _talks(far: pd.DataFrame, own: pd.DataFrame) -> Codes:
    """The conversation of each row of two tables, one after the other: the same number both ways."""
    ends = Ends.of(stack([table[[name for name in _TALK if name in table.columns]] for table in (far, own)]))
    source, destination = ends.source, ends.destination
    return np.asarray(np.minimum(source, destination) * _ONE + np.maximum(source, destination) * _OTHER)


def _within(flows: pd.DataFrame, period: Period) -> pd.DataFrame:
    inside = (flows[_TIME] >= period[0]) & (flows[_TIME] < period[1])
    return flows[inside.fillna(value=False).to_numpy(dtype=bool)]


class DamagedFile(SourceError):
    """A file whose flows cannot be read although it could be listed."""

    def __init__(self, path: Path, error: SourceError) -> None:
        super().__init__(str(error))
        self.path = path
