"""The query tree, its rewrites, and the engines that run it. Knows tables and fields, not FlowMetric."""

from flowkit.engine.duckdb import DuckDB, Flows
from flowkit.engine.optimise import optimise
from flowkit.engine.query import All, Comparison, Condition, Either, HasPart, Measurable, Not, Plan, Predicate, together
from flowkit.engine.running import Engine, collect, is_spark, run, run_as_is
from flowkit.engine.sql import to_sql

__all__ = [
    "All",
    "Comparison",
    "Condition",
    "DuckDB",
    "Either",
    "Engine",
    "Flows",
    "HasPart",
    "Measurable",
    "Not",
    "Plan",
    "Predicate",
    "collect",
    "is_spark",
    "optimise",
    "run",
    "run_as_is",
    "to_sql",
    "together",
]
