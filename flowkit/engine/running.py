"""Run a plan: on the engine that the table belongs to, or the one that was chosen."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Protocol, TypeGuard, TypeVar, overload

import pandas as pd

from flowkit.contract import provenance, with_provenance
from flowkit.engine.duckdb import DuckDB, Flows
from flowkit.engine.files import described
from flowkit.engine.layout import run_on_layout
from flowkit.engine.layout_files import layouts_of
from flowkit.engine.optimise import optimise
from flowkit.engine.query import Plan
from flowkit.errors import FlowkitError, SourceError


class Engine(Protocol):
    """What runs plans on tables and files: `DuckDB`, or `Spark` of ``flowkit.engine.spark``."""

    def run(self, plan: Plan, flows: Any) -> pd.DataFrame:
        """Run a plan as it stands."""


class SparkFrame(Protocol):
    """A Spark DataFrame, told without importing pyspark."""

    @property
    def sparkSession(self) -> Any:  # noqa: N802 (pyspark's name)
        """The session it belongs to."""


Frame = TypeVar("Frame", bound=SparkFrame)


@overload
def run(plan: Plan, flows: Flows, engine: Engine | None = None) -> pd.DataFrame: ...
@overload
def run(plan: Plan, flows: Frame, engine: Engine | None = None) -> Frame: ...
def run(plan: Plan, flows: Any, engine: Engine | None = None) -> Any:
    """Run a plan, optimised: a Spark DataFrame gives a Spark DataFrame, everything else a pandas table.

    `flows` is a pandas or Arrow table, Parquet or JSON lines (a file, folder, glob, or several), or whatever else
    `engine` (by default `DuckDB`) takes. Raises `SourceError` for files that cannot be read.

    >>> from flowkit.engine.query import Condition, Filter, Scan
    >>> run(Filter(Scan(), Condition("Proto", "6")), pd.DataFrame({"Proto": [6, 17]}))["Proto"].tolist()
    [6]
    """
    folders = () if is_spark(flows) else layouts_of(flows)
    if not folders:
        return run_as_is(optimise(plan), flows, engine)
    if engine is not None and not isinstance(engine, DuckDB):
        raise SourceError(
            f"'{folders[0]}' is in flowkit's own layout, which DuckDB alone reads: write plain Parquet for others"
        )
    found = run_on_layout(plan, folders, engine)
    return with_provenance(found, replace(provenance(found), sources=described(flows)))


def run_as_is(plan: Plan, flows: Any, engine: Engine | None = None) -> Any:
    """Run a plan as it stands, as `run` does."""
    if is_spark(flows):
        return _spark(engine).on_frame(plan, flows)
    return (engine or DuckDB()).run(plan, flows)


def collect(plan: Plan, flows: Flows | SparkFrame, engine: Engine | None = None) -> pd.DataFrame:
    """Run a plan, optimised, and give the answer as pandas wherever it was found."""
    if is_spark(flows):
        found: pd.DataFrame = _spark(engine).collected(run(plan, flows, engine))
        return found
    return run(plan, flows, engine)


def is_spark(flows: Any) -> TypeGuard[SparkFrame]:
    """Whether a table is a Spark DataFrame, found out without importing pyspark.

    >>> is_spark(pd.DataFrame())
    False
    """
    return type(flows).__module__.startswith("pyspark.sql.") and type(flows).__name__ == "DataFrame"


def _spark(engine: Engine | None) -> Any:
    if isinstance(engine, DuckDB):
        raise FlowkitError("a Spark DataFrame is Spark's to run: leave the engine out, or collect the table first")
    from flowkit.engine import spark  # only for whoever has pyspark

    return spark
