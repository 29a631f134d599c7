"""NetObserv's four verbs on plain tables: flatten, filter, remap, aggregate. A FlowMetric is these four in a row.

Beside them `network_events` opens what OVN and the kernel said of flows.
"""

from flowkit.engine.query import All, Comparison, Condition, Either, Not
from flowkit.transform.aggregate import aggregate
from flowkit.transform.filter import filter  # noqa: A004 (upstream's word)
from flowkit.transform.flatten import flatten
from flowkit.transform.network_events import network_events
from flowkit.transform.remap import remap

__all__ = [
    "All",
    "Comparison",
    "Condition",
    "Either",
    "Not",
    "aggregate",
    "filter",
    "flatten",
    "network_events",
    "remap",
]
