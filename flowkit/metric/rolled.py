"""The metrics of a rollup: its periods added up to a metric table, or side by side as a time series."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd

from flowkit.contract import with_provenance
from flowkit.errors import ContractError
from flowkit.metric.rollup_folder import STAMP, When, metric_file, period_length, places_within, taken
from flowkit.metric.rollup_late import left_out
from flowkit.metric.steps import TIME


def metric_of_rollup(folder: str | Path, name: str, start: When = None, end: When = None) -> pd.DataFrame:
    """The metric table of the flows that ended from `start` to before `end`, both borders of periods (UTC).

    `name` is the series' (``netobserv_…``). Raises `ContractError` for a folder that is no rollup, for times within a
    period, and when a period lacks the metric or had another of that name.

    >>> metric_of_rollup("nowhere", "netobserv_syn")
    Traceback (most recent call last):
    flowkit.errors.ContractError: 'nowhere' is no rollup: make it with flowkit rollup
    """
    places = places_within(Path(folder), start, end)
    tables = _tables(Path(folder), places, name)
    table = _last(tables) if _is_gauge(places, name) else _summed(tables)
    return with_provenance(table, left_out(Path(folder), places))


def series_of_rollup(folder: str | Path, name: str) -> pd.DataFrame:
    """A metric of a rollup as `FlowMetric.apply` with the period as its step gives it: what each period added, or a Gauge was.

    ``time`` is the end of a period, which has the flows from its start to before its end: one that ends on the border, to
    the millisecond, is in the next, while `apply` counts it to the one before. Raises `ContractError` as `metric_of_rollup`.
    """
    places = places_within(Path(folder))
    tables = _tables(Path(folder), places, name)
    starts = pd.to_datetime([place.name for place in places], format=STAMP, utc=True).as_unit("ms")
    ends = starts + pd.Timedelta(period_length(Path(folder)), unit="ms")
    every = _united(tables)
    when = ends.repeat([len(table) for table in tables])
    labels = [name for name in _labels(every) if name not in _HISTOGRAM or "le" not in every.columns]
    timed = every.assign(**{TIME: when}).sort_values([*labels, TIME], kind="stable", ignore_index=True)
    rest = [name for name in every.columns if name not in labels]
    ordered = timed[[*labels, TIME, *rest]]
    return with_provenance(ordered.assign(value=_fitted(ordered["value"])), left_out(Path(folder), places))


def metrics_of_rollup(folder: str | Path) -> dict[str, str]:
    """The metrics any period has, by name, each with its kind: ``counter``, ``gauge`` or ``histogram``."""
    found: dict[str, str] = {}
    for place in places_within(Path(folder)):
        said = taken(place)
        for name in said["metrics"]:
            found[name] = "gauge" if name in said["gauges"] else found.get(name) or _kind(place, name)
    return found


def _kind(place: Path, name: str) -> str:
    columns = pd.read_parquet(place / metric_file(name), partitioning=None).columns
    return "histogram" if {*_HISTOGRAM} <= {*columns} else "counter"


_HISTOGRAM = ("series", "le")


def _is_gauge(places: Iterable[Path], name: str) -> bool:
    return any(name in taken(place)["gauges"] for place in places)


def _tables(folder: Path, places: list[Path], name: str) -> list[pd.DataFrame]:
    """The metric's table of each period; raises `ContractError` where they are not all of one definition."""
    if not places:
        raise ContractError(
            f"'{folder}' holds no such periods yet: run flowkit rollup, with --finish for the last ones"
        )
    definitions = [taken(place)["metrics"].get(name) for place in places]
    if None in definitions or len({*definitions}) > 1:
        lacking = definitions.count(None)
        what = (
            f"lacks '{name}' in {lacking} of {len(places)} periods" if lacking else f"has two definitions of '{name}'"
        )
        raise ContractError(f"'{folder}' {what}: run flowkit rollup with it while the flows are there")
    return [pd.read_parquet(place / metric_file(name), partitioning=None) for place in places]


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
    keys = [name for name in _labels(table) if not (name in _HISTOGRAM and "le" in table.columns)]
    ordered = table.sort_values(keys, kind="stable", ignore_index=True) if keys else table.reset_index(drop=True)
    return ordered.assign(value=_fitted(ordered["value"]))


def _fitted(values: pd.Series[Any]) -> pd.Series[Any]:
    return _smallest(values) if values.dtype == object else values


def _smallest(values: pd.Series[Any]) -> pd.Series[Any]:
    numbers = values.tolist()
    if any(isinstance(number, float) for number in numbers):
        return values.astype("float64")
    low, high = min(numbers, default=0), max(numbers, default=0)
    if low >= -(2**63) and high < 2**63:
        return values.astype("int64")
    return values.astype("uint64") if low >= 0 and high < 2**64 else values
