"""Weeks of flows as a small folder: the edges and metric tables of each period, made once and added up when asked.

One folder a period below ``periods``: ``edges.parquet``, a file a metric, and ``taken.json``, which says by content what files
it was made from. A period is made as a whole and put in place by one rename, so that a run may die at any moment and be started
again, and nothing is counted twice. The flows may go once their period is made.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from flowkit.contract import provenance, with_provenance
from flowkit.contract.provenance import merge
from flowkit.contract.replacing import replacing
from flowkit.engine import run
from flowkit.errors import ContractError, FlowkitError
from flowkit.matrix.rollup_flows import DamagedFile, FlowFile, Reading, Windows, covering, files_of
from flowkit.matrix.spanning import added_up, period_edges
from flowkit.metric import FlowMetric
from flowkit.metric.plan import plan
from flowkit.metric.rollup_folder import (
    EDGES,
    PERIODS,
    SETTINGS,
    STAMP,
    TAKEN,
    VERSION,
    WHOLE,
    Damage,
    metric_file,
    period_places,
    taken,
)
from flowkit.metric.rollup_late import Late
from flowkit.sources.parquet import Period

_TIME = "TimeFlowEndMs"
_PART, _OLD = ".part-", ".old-"
_DAY = 24 * 3600
AS_IT_IS = Reading()
_Row = tuple[pd.Timestamp, int | None, str]


@dataclass(frozen=True)
class _Job:
    """What a run makes: where, of which metrics, how long a period is, how files are read, what was left out, how far."""

    into: Path
    metrics: tuple[FlowMetric, ...]
    every: int
    reading: Reading
    damage: Damage
    late: Late
    finish: bool


def rollup(
    flows: str | Path,
    into: str | Path,
    metrics: Sequence[FlowMetric] = (),
    every: str = "1h",
    reading: Reading = AS_IT_IS,
    *,
    finish: bool = False,
) -> pd.DataFrame:
    """Bring the rollup folder `into` up to date with the files of `flows`; returns what was done, a row a period.

    A period (`every`: ``5m``, ``1h``, ``1d``; from midnight UTC, by ``TimeFlowEndMs``) is made when there are flows from
    after the period that follows it, for conversations and copies cross borders: it is made in view of its two
    neighbours (`flowkit.matrix.rollup_flows`). `finish` makes the last ones as well; later flows renew them. Three
    periods must fit in memory. `reading` gives flows their names first, ``Reading(partial(fk.enrich, cluster=…))``, and
    leaves damaged files out, ``Reading(damaged="skip")``: what is left out stands in the rollup and in all its results.

    Columns of the result: ``period`` (its start), ``flows``, ``what``: made, renewed, kept, waits, or late (a file came
    after the period's flows were removed, and is left out). Raises `ContractError` when the folder has other periods,
    `SourceError` for a damaged file.

    >>> import tempfile, flowkit as fk
    >>> flows = pd.DataFrame({"SrcAddr": ["10.0.0.2"], "DstAddr": ["10.0.0.1"], "DstPort": [443], "Proto": [6],
    ...                       "TimeFlowEndMs": [7_200_000]})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = fk.write(flows, folder + "/flows/flows.parquet")
    ...     rollup(folder + "/flows", folder + "/hours", finish=True)["what"].tolist()
    ['made']
    """
    length, place = _milliseconds(every), Path(into)
    with _alone(place):
        job = _Job(place, tuple(metrics), length, reading, Damage.load(place), Late.load(place), finish)
        _check_settings(job)
        rows = _all_brought_up(job, flows)
        job.late.save(place)
        _add_up(place)
    return with_provenance(pd.DataFrame(rows, columns=["period", "flows", "what"]), job.damage.said())


def _all_brought_up(job: _Job, flows: str | Path) -> list[_Row]:
    """Bring up every period; from a file that shows itself damaged on the way, again without it."""
    while True:
        files = files_of(flows, job.reading, job.damage)
        job.damage.save(job.into)
        windows = Windows(files, job.every, job.reading)
        try:
            return [_brought_up(job, windows, number) for number in _numbers(files, job.every)]
        except DamagedFile as error:
            if job.reading.damaged == "refuse":
                raise
            job.damage.found(error.path, error)


def _milliseconds(every: str) -> int:
    match = re.fullmatch(r"([1-9][0-9]{0,5})([smhd])", every)
    if match is None:
        raise ContractError(f"'{every}' is no length of time: write 5m, 1h or 1d")
    length = int(match[1]) * {"s": 1, "m": 60, "h": 3600, "d": _DAY}[match[2]]
    if _DAY % length and length % _DAY:
        raise ContractError(f"periods of {every} do not fit into days: choose such as 5m, 1h or 1d")
    return length * 1000


@contextmanager
def _alone(into: Path) -> Iterator[None]:
    """Be the only run on the folder, and put right what a run that died has left."""
    (into / PERIODS).mkdir(parents=True, exist_ok=True)
    with (into / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for left in (into / PERIODS).glob(f"{_OLD}*"):
            place = left.with_name(left.name.removeprefix(_OLD))
            if not place.exists():
                left.rename(place)
        for left in (into / PERIODS).glob(".*"):
            shutil.rmtree(left)
        yield


def _check_settings(job: _Job) -> None:
    wanted = {"version": VERSION, "every": job.every}
    path = job.into / SETTINGS
    if path.exists() and json.loads(path.read_text()) != wanted:
        raise ContractError(f"'{job.into}' has other periods or another version: take a new folder")
    path.write_text(json.dumps(wanted))


def _numbers(files: list[FlowFile], every: int) -> list[int]:
    """The periods in which a file may have flows, by their number since 1970."""
    return sorted({number for file in files for number in range(file.times[0] // every, file.times[1] // every + 1)})


def _brought_up(job: _Job, windows: Windows, number: int) -> _Row:
    files = windows.files
    start, end = number * job.every, (number + 1) * job.every
    when = pd.Timestamp(start, unit="ms", tz="UTC")
    place = job.into / PERIODS / f"{when:{STAMP}}"
    near = covering(files, start - job.every, end + job.every)
    made_of = taken(place)
    wanted = {"files": sorted(file.identity for file in near), "metrics": _definitions(job)}
    if made_of and {key: made_of[key] for key in wanted} == wanted:
        return when, made_of["flows"], "kept"
    if made_of and not set(made_of["files"]) <= set(wanted["files"]):
        late = {file.identity for file in covering(files, start, end)} - set(made_of["files"])
        if late:
            job.late.found(place.name, late)
        return when, made_of["flows"], "late" if late else "kept"
    if not job.finish and max(file.times[1] for file in files) < end + job.every:
        return when, None, "waits"
    count = _made(job, windows.view(number), (start, end), place, wanted)
    job.late.made(place.name)
    return when, count, "renewed" if made_of else "made"


def _definitions(job: _Job) -> dict[str, str]:
    """The metrics by name, each with a hash of what it says."""
    said = {metric.name: repr(replace(metric.spec, place="", charts=())) for metric in job.metrics}
    return {name: hashlib.sha256(text.encode()).hexdigest()[:16] for name, text in said.items()}


def _made(job: _Job, window: pd.DataFrame, period: Period, place: Path, wanted: dict[str, Any]) -> int:
    """Make one period beside its place, then put it there."""
    within = (window[_TIME] >= period[0]) & (window[_TIME] < period[1])
    own = window[within.fillna(value=False).to_numpy(dtype=bool)].reset_index(drop=True)
    part = place.with_name(_PART + place.name)
    part.mkdir()
    period_edges(window, period).to_parquet(part / EDGES, index=False, compression="zstd")
    for metric in job.metrics:
        _exact(run(plan(metric.spec), own)).to_parquet(part / metric_file(metric.name), index=False, compression="zstd")
    gauges = [metric.name for metric in job.metrics if metric.spec.type == "Gauge"]
    said = {**wanted, "flows": len(own), "gauges": gauges, "sources": list(provenance(own).sources)}
    (part / TAKEN).write_text(json.dumps(said))
    _put(part, place)
    return len(own)


def _exact(table: pd.DataFrame) -> pd.DataFrame:
    """Sums beyond 64 bits as text: no type of Parquet's that pandas reads back holds them all."""
    return table.assign(value=table["value"].astype("str")) if table["value"].dtype == object else table


def _put(part: Path, place: Path) -> None:
    old = place.with_name(_OLD + place.name)
    try:
        # The sum of all periods is there only while it is true.
        (place.parent.parent / WHOLE).unlink(missing_ok=True)
        if place.exists():
            place.rename(old)
        part.rename(place)
        shutil.rmtree(old, ignore_errors=True)
    except OSError as error:
        raise FlowkitError(f"cannot put '{place}' in place: {error.strerror}") from error


def edges_of(places: Sequence[Path]) -> pd.DataFrame:
    """The edges of the periods in these folders added up, with ``level``.

    Raises `ContractError` when they stand at several levels.
    """
    tables = [pd.read_parquet(place / EDGES, partitioning=None) for place in places]
    levels = sorted({str(level) for table in tables for level in table["level"].head(1)})
    if len(levels) > 1:
        raise ContractError(f"edges by {' and by '.join(levels)} cannot be added up: ask for the periods of one")
    edges = added_up(tables)
    level = pd.Series(levels[0] if levels else "workload", index=edges.index, dtype="str")
    return with_provenance(edges.assign(level=level), merge(provenance(table) for table in tables))


def _add_up(into: Path) -> None:
    """Keep the sum of all periods at hand, which is what is asked for most."""
    places = period_places(into)
    if places and not (into / WHOLE).exists():
        with suppress(ContractError), replacing(into / WHOLE) as stream:
            edges_of(places).to_parquet(stream, index=False, compression="zstd")
