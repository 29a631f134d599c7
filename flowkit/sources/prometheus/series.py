"""What a Prometheus has: names of metrics, label sets, and what the metrics say of themselves; for completion and hints."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pandas as pd

from flowkit.sources.prometheus.client import Client
from flowkit.sources.prometheus.server import Prometheus

# What may be written like a name and is none: texts, labels in braces and lists, ranges.
_ELSE = re.compile(
    r"\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'|`[^`]*`|#[^\n]*"
    r"|\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)|\{[^}]*\}|\[[^\]]*\]"
)
_NAME = re.compile(r"(?<![\w:.])[a-zA-Z_:][\w:]*(?![\w:]|\s*\()")
_WORDS = {
    "and",
    "or",
    "unless",
    "bool",
    "offset",
    "atan2",
    "by",
    "without",
    "on",
    "ignoring",
    "group_left",
    "group_right",
}
_NUMBERS = {"inf", "nan"}


def metric_names(server: Prometheus | str) -> list[str]:
    """The names of all metrics a server has."""
    data = Client(_server(server)).data("api/v1/label/__name__/values", {}, "GET")
    return sorted(str(name) for name in data)


def read_series(server: Prometheus | str, *selectors: str) -> pd.DataFrame:
    """The label sets of the series that one of the `selectors` asks for: a row a series, a column a label (sorted)."""
    data = Client(_server(server)).data("api/v1/series", {"match[]": list(selectors)})
    names = sorted({name for labels in data for name in labels})
    return pd.DataFrame([[labels.get(name, "") for name in names] for labels in data], columns=names, dtype="str")


def read_metadata(server: Prometheus | str) -> pd.DataFrame:
    """What targets say of their metrics: the columns ``metric``, ``type``, ``help``, ``unit``."""
    data = Client(_server(server)).data("api/v1/metadata", {}, "GET")
    rows = [
        [name, *(one.get(key, "") for key in ("type", "help", "unit"))] for name in sorted(data) for one in data[name]
    ]
    return pd.DataFrame(rows, columns=["metric", "type", "help", "unit"], dtype="str")


def named_metrics(query: str) -> Sequence[str]:
    """The metrics a query names.

    >>> named_metrics('sum by (port) (rate(syn_in{from_kind!="Node"}[1m])) / scalar(nodes) > 1e3')
    ['syn_in', 'nodes']
    """
    plain = _ELSE.sub(" ", query)
    found = (name for name in _NAME.findall(plain) if name not in _WORDS and name.lower() not in _NUMBERS)
    return list(dict.fromkeys(found))


def _server(server: Prometheus | str) -> Prometheus:
    return Prometheus.from_environment(server) if isinstance(server, str) else server
