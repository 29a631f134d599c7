"""flowkit: who talks to whom, proven.

A flow table is a table whose columns are NetObserv fields. A verb turns a table into a table. A FlowMetric is four verbs in a
row. A flow matrix is the table of who talks to whom on which server port.

Names load when they are first used: ``import flowkit`` itself pulls in neither pandas nor DuckDB.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    __version__: str
    from flowkit.contract import flag_names, provenance
    from flowkit.contract.at_rest import write
    from flowkit.engine import DuckDB
    from flowkit.engine.layout import plain_view
    from flowkit.enrich import Inventory, SubnetLabels, dedupe, enrich, orient
    from flowkit.errors import FlowkitError
    from flowkit.matrix import FlowMatrix, matrix
    from flowkit.matrix.external import external
    from flowkit.matrix.from_metrics import matrix_of_prometheus
    from flowkit.matrix.rolled import matrix_of_rollup
    from flowkit.matrix.rollup import rollup
    from flowkit.metric import FlowMetric, NothingMatched, cumulative, exposition
    from flowkit.metric.promql import promql, scrape
    from flowkit.metric.rolled import metric_of_rollup
    from flowkit.policy import PolicySet, judge
    from flowkit.policy.check import check
    from flowkit.policy.edges import judge_edges, what_if
    from flowkit.policy.observed import disagreements
    from flowkit.policy.synthesis import Options, synthesise
    from flowkit.policy.verify.difference import policy_diff
    from flowkit.policy.verify.drift import drift
    from flowkit.policy.verify.holdout import hold_out
    from flowkit.policy.verify.verifying import Verification, verify
    from flowkit.sources import convert, read
    from flowkit.sources.prometheus import Prometheus, read_metric
    from flowkit.transform import All, Comparison, Condition, Either, Not, aggregate, flatten, network_events, remap
    from flowkit.transform import filter as filter  # noqa: A004 - NetObserv's own word
    from flowkit.view import plot
    from flowkit.view.magic import load_ipython_extension
    from flowkit.view.policies import judged
    from flowkit.view.report import report
    from flowkit.view.show import show

_ROOMS = {
    "read": "flowkit.sources",
    "convert": "flowkit.sources",
    "read_metric": "flowkit.sources.prometheus",
    "Prometheus": "flowkit.sources.prometheus",
    "write": "flowkit.contract.at_rest",
    "provenance": "flowkit.contract",
    "flag_names": "flowkit.contract",
    "enrich": "flowkit.enrich",
    "orient": "flowkit.enrich",
    "dedupe": "flowkit.enrich",
    "Inventory": "flowkit.enrich",
    "SubnetLabels": "flowkit.enrich",
    "flatten": "flowkit.transform",
    "filter": "flowkit.transform",
    "remap": "flowkit.transform",
    "network_events": "flowkit.transform",
    "aggregate": "flowkit.transform",
    "All": "flowkit.transform",
    "Comparison": "flowkit.transform",
    "Condition": "flowkit.transform",
    "Either": "flowkit.transform",
    "Not": "flowkit.transform",
    "DuckDB": "flowkit.engine",
    "FlowMetric": "flowkit.metric",
    "NothingMatched": "flowkit.metric",
    "cumulative": "flowkit.metric",
    "promql": "flowkit.metric.promql",
    "scrape": "flowkit.metric.promql",
    "exposition": "flowkit.metric",
    "PolicySet": "flowkit.policy",
    "Options": "flowkit.policy.synthesis",
    "synthesise": "flowkit.policy.synthesis",
    "check": "flowkit.policy.check",
    "disagreements": "flowkit.policy.observed",
    "judge_edges": "flowkit.policy.edges",
    "what_if": "flowkit.policy.edges",
    "policy_diff": "flowkit.policy.verify.difference",
    "drift": "flowkit.policy.verify.drift",
    "hold_out": "flowkit.policy.verify.holdout",
    "Verification": "flowkit.policy.verify.verifying",
    "verify": "flowkit.policy.verify.verifying",
    "judge": "flowkit.policy",
    "matrix": "flowkit.matrix",
    "FlowMatrix": "flowkit.matrix",
    "external": "flowkit.matrix.external",
    "matrix_of_prometheus": "flowkit.matrix.from_metrics",
    "matrix_of_rollup": "flowkit.matrix.rolled",
    "metric_of_rollup": "flowkit.metric.rolled",
    "plain_view": "flowkit.engine.layout",
    "rollup": "flowkit.matrix.rollup",
    "judged": "flowkit.view.policies",
    "report": "flowkit.view",
    "plot": "flowkit.view",
    "load_ipython_extension": "flowkit.view.magic",
    "show": "flowkit.view.show",
    "FlowkitError": "flowkit.errors",
}

__all__ = [
    "All",
    "Comparison",
    "Condition",
    "DuckDB",
    "Either",
    "FlowMatrix",
    "FlowMetric",
    "FlowkitError",
    "Inventory",
    "Not",
    "NothingMatched",
    "Options",
    "PolicySet",
    "Prometheus",
    "SubnetLabels",
    "Verification",
    "aggregate",
    "check",
    "convert",
    "cumulative",
    "dedupe",
    "disagreements",
    "drift",
    "enrich",
    "exposition",
    "external",
    "filter",
    "flag_names",
    "flatten",
    "hold_out",
    "judge",
    "judge_edges",
    "judged",
    "load_ipython_extension",
    "matrix",
    "matrix_of_prometheus",
    "matrix_of_rollup",
    "metric_of_rollup",
    "network_events",
    "orient",
    "plain_view",
    "plot",
    "policy_diff",
    "promql",
    "provenance",
    "read",
    "read_metric",
    "remap",
    "report",
    "rollup",
    "scrape",
    "show",
    "synthesise",
    "verify",
    "what_if",
    "write",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("flowkit-net")
    if name not in _ROOMS:
        raise AttributeError(f"module 'flowkit' has no name '{name}'")
    value = getattr(import_module(_ROOMS[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


class _Flowkit(ModuleType):
    """The package itself: `enrich` and `matrix` are rooms to the import system and functions to everyone else.

    Importing a room binds it on the package under its name, whenever that happens; the function of that name takes its place.
    """

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _ROOMS and isinstance(value, ModuleType):
            value = getattr(value, name)
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Flowkit
