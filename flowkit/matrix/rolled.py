"""Asking a rollup: its periods added up to a flow matrix or a metric table, as if computed from the flows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd

from flowkit.contract import Provenance, with_provenance
from flowkit.contract.provenance import merge, provenance
from flowkit.errors import ContractError
from flowkit.matrix.flowmatrix import FlowMatrix
from flowkit.matrix.rollup import SETTINGS, TAKEN, WHOLE, edges_of, metric_file, period_places
from flowkit.matrix.rollup_flows import Damage
from flowkit.matrix.rollup_late import Late

When = str | pd.Timestamp | None


def matrix_of_rollup(folder: str | Path, start: When = None, end: When = None) -> FlowMatrix:
    """The flow matrix of the flows that ended from `start` to before `end`, both borders of periods (UTC).

    It is that of the flows, with these differences, all for the better: a connection that was open before `start` is known
    by its SYN if that lies at most one period back, and copies of one flow on both sides of a border are one. Port pairs
    that pause for a whole period, or are used again in a later one, are further connections.

    Raises `ContractError` for a folder that is no rollup and for times within a period.

    >>> matrix_of_rollup("nowhere")
    Traceback (most recent call last):
    flowkit.errors.ContractError: 'nowhere' is no rollup: make it with flowkit rollup
    """
    places = _within(Path(folder), start, end)
    whole = Path(folder) / WHOLE
    is_whole = start is None and end is None and whole.exists()
    edges = pd.read_parquet(whole, partitioning=None) if is_whole else edges_of(places)
    said = merge([_left_out(Path(folder), places), provenance(edges)])
    level = str(edges["level"].iloc[0]) if len(edges) else "workload"
    return FlowMatrix(with_provenance(edges.drop(columns="level"), said), by=level)


def metric_of_rollup(folder: str | Path, name: str, start: When = None, end: When = None) -> pd.DataFrame:
    """The metric table of the flows that ended from `start` to before `end`, both borders of periods (UTC).

    `name` is the series' (``netobserv_…``). Raises `ContractError` as `matrix_of_rollup` does, and when a period lacks the
    metric or had another of that name.
    """
    places = _within(Path(folder), start, end)
    taken = {place: json.loads((place / TAKEN).read_text()) for place in places}
    kinds = {said["metrics"].get(name) for said in taken.values()}
    if None in kinds or len(kinds) > 1:
        lacking = sum(name not in said["metrics"] for said in taken.values())
        what = (
            f"lacks '{name}' in {lacking} of {len(places)} periods" if lacking else f"has two definitions of '{name}'"
        )
        raise ContractError(f"'{folder}' {what}: run flowkit rollup with it while the flows are there")
    tables = [pd.read_parquet(place / metric_file(name), partitioning=None) for place in places]
    is_gauge = any(name in said["gauges"] for said in taken.values())
    table = _last(tables) if is_gauge else _summed(tables)
    return with_provenance(table, _left_out(Path(folder), places))


def _left_out(folder: Path, places: list[Path]) -> Provenance:
    """The rollup as the source, and the files that are in none of its results."""
    late = Late.load(folder).said(place.name for place in places)
    return merge([Provenance((str(folder),)), Damage.load(folder).said(), late])


def _within(folder: Path, start: When, end: When) -> list[Path]:
    """The folders of the periods asked for, in the order of time."""
    if not (folder / SETTINGS).exists():
        raise ContractError(f"'{folder}' is no rollup: make it with flowkit rollup")
    every = json.loads((folder / SETTINGS).read_text())["every"]
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
    return f"{time:%Y%m%dT%H%M%SZ}"


def _labels(table: pd.DataFrame) -> list[str]:
    return [name for name in table.columns if name != "value"]


def _united(tables: list[pd.DataFrame]) -> pd.DataFrame:
    """All rows under each other; values as they are when all tables have one type, else as Python's exact numbers."""
    if len({table["value"].dtype for table in tables}) == 1 and tables[0]["value"].dtype.kind == "f":
        return pd.concat(tables, ignore_index=True)
    exact = [table.assign(value=table["value"].map(_number).astype(object)) for table in tables]
    return pd.concat(exact, ignore_index=True)


def _number(value: Any) -> Any:
    return value if isinstance(value, float) else int(value)


def _summed(tables: list[pd.DataFrame]) -> pd.DataFrame:
    """Sums by label set: whole numbers exact, in the smallest of int64, uint64 and Python's own that holds them."""
    every = _united(tables)
    labels = _labels(every)
    if labels:
        every = every.groupby(labels, sort=False, dropna=False)["value"].sum().reset_index()
    elif len(every):
        every = pd.DataFrame({"value": [every["value"].sum()]})
    return _sorted(every)


def _last(tables: list[pd.DataFrame]) -> pd.DataFrame:
    """Of each label set the value of the last period that has one."""
    every = pd.concat([table.astype({"value": tables[-1]["value"].dtype}) for table in tables], ignore_index=True)
    labels = _labels(every)
    return _sorted(every.drop_duplicates(labels, keep="last") if labels else every.tail(1))


def _sorted(table: pd.DataFrame) -> pd.DataFrame:
    # A histogram's series keep their order within a label set.
    keys = [name for name in _labels(table) if not (name in ("series", "le") and "le" in table.columns)]
    ordered = table.sort_values(keys, kind="stable", ignore_index=True) if keys else table.reset_index(drop=True)
    return ordered if ordered["value"].dtype != object else ordered.assign(value=_smallest(ordered["value"]))


def _smallest(values: pd.Series[Any]) -> pd.Series[Any]:
    numbers = values.tolist()
    if any(isinstance(number, float) for number in numbers):
        return values.astype("float64")
    low, high = min(numbers, default=0), max(numbers, default=0)
    if low >= -(2**63) and high < 2**63:
        return values.astype("int64")
    return values.astype("uint64") if low >= 0 and high < 2**64 else values
