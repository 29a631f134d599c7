"""A metric table in Prometheus' two text forms: the classic one, as NetObserv's ``/metrics`` shows it, and OpenMetrics.

Classic is a single moment. OpenMetrics carries the time of every sample, fit for
``promtool tsdb create-blocks-from openmetrics``; there a counter would have to be called ``…_total``, so it is of type
``unknown``, and a histogram's whole bounds are written ``1.0``, as Prometheus keeps them of every OpenMetrics target.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import repeat
from typing import Any, Literal

import pandas as pd

from flowkit.engine.query import VALUE
from flowkit.errors import ContractError
from flowkit.metric.flowmetric import FlowMetric
from flowkit.metric.steps import TIME, cumulative

Format = Literal["prometheus", "openmetrics"]
WHOLE_BOUND = "{}.0"


@dataclass(frozen=True)
class _Dialect:
    """What the two forms write differently."""

    counter: str
    help_escapes: dict[str, str]
    empty_labels: bool
    whole_bound: str
    end: str


_LABEL_ESCAPES = {"\\": "\\\\", "\n": "\\n", '"': '\\"'}
_DIALECTS: dict[str, _Dialect] = {
    "prometheus": _Dialect("counter", {"\\": "\\\\", "\n": "\\n"}, empty_labels=True, whole_bound="{}", end=""),
    # A block is written with the labels as they stand, and a label "" would not be the same as none.
    "openmetrics": _Dialect("unknown", _LABEL_ESCAPES, empty_labels=False, whole_bound=WHOLE_BOUND, end="# EOF\n"),
}


def exposition(metric: FlowMetric, table: pd.DataFrame, format: Format = "prometheus") -> str:  # noqa: A002
    """Write what `metric` gave as Prometheus' text: ``# HELP``, ``# TYPE``, one line a series (and time).

    Names are upstream's (no ``_total``, no ``_created``; ``>`` in a label becomes ``_``). A table with ``time``, which only
    OpenMetrics can hold, has its increases summed up (see `cumulative`), a Gauge as it stands.
    Raises `ContractError` for a table with ``time`` in the classic form.

    >>> from flowkit.manifests import FlowMetricSpec
    >>> metric = FlowMetric(FlowMetricSpec("by-port", "Counter", labels=("DstPort",), help="Flows by port"))
    >>> print(exposition(metric, metric.apply(pd.DataFrame({"DstPort": [443, 443]}))), end="")
    # HELP netobserv_by_port Flows by port
    # TYPE netobserv_by_port counter
    netobserv_by_port{DstPort="443"} 2
    """
    dialect = _DIALECTS[format]
    has_times = TIME in table.columns and TIME not in metric.spec.targets
    if has_times and format == "prometheus":
        raise ContractError("the classic form shows a single moment: leave the step out, or use openmetrics")
    shown = cumulative(table) if has_times and metric.spec.type != "Gauge" else table
    times = _times(shown[TIME]) if has_times else repeat("")
    return "".join((*_header(metric, dialect), *_samples(metric, shown, dialect, times), dialect.end))


def expositions(
    tables: Iterable[tuple[FlowMetric, pd.DataFrame]],
    form: Format = "prometheus",
    further: Iterable[str] = (),
) -> str:
    """Write several metrics, and `further` lines, as one text.

    >>> expositions([], "openmetrics")
    '# EOF\\n'
    """
    end = _DIALECTS[form].end
    texts = [exposition(metric, table, form).removesuffix(end) for metric, table in tables]
    return "".join([*texts, *further, end])


def _header(metric: FlowMetric, dialect: _Dialect) -> Iterator[str]:
    spec = metric.spec
    kind = dialect.counter if spec.type == "Counter" else spec.type.lower()
    yield f"# HELP {metric.name} {_escaped(spec.help or f'FlowMetric {spec.name}'.strip(), dialect.help_escapes)}\n"
    yield f"# TYPE {metric.name} {kind}\n"


def _samples(metric: FlowMetric, table: pd.DataFrame, dialect: _Dialect, times: Iterable[str]) -> Iterator[str]:
    columns = [_written(table[name], partial(_label, name, dialect)) for name in metric.spec.targets]
    endings: Iterable[str] = repeat("")
    if metric.spec.type == "Histogram":
        columns.append(_written(table["le"], partial(_bound, dialect)))
        endings = table["series"].tolist()
    labels = (",".join(filter(None, row)) for row in zip(*columns, strict=True)) if columns else repeat("")
    for ending, pairs, value, time in zip(endings, labels, table[VALUE].tolist(), times, strict=False):
        yield f"{metric.name}{ending}{'{' + pairs + '}' if pairs else ''} {_number(value)}{time}\n"


def _written(column: pd.Series[Any], write: Callable[[str], str]) -> list[str]:
    """Each value's text; distinct values are written once."""
    codes, distinct = pd.factorize(column)
    texts = [write(value) for value in distinct]
    return [texts[code] for code in codes]


def _label(name: str, dialect: _Dialect, value: str) -> str:
    if not value and not dialect.empty_labels:
        return ""
    return f'{label_name(name)}="{_escaped(value, _LABEL_ESCAPES)}"'


def _bound(dialect: _Dialect, le: str) -> str:
    return f'le="{bound_text(le, dialect.whole_bound)}"' if le else ""


def label_name(name: str) -> str:
    """What Prometheus calls the label of a nested field.

    >>> label_name("NetworkEvents>Name")
    'NetworkEvents_Name'
    """
    return name.replace(">", "_")


def bound_text(le: str, whole: str = WHOLE_BOUND) -> str:
    """A bucket's bound as Prometheus keeps it, whole numbers written as `whole` says.

    >>> bound_text("5"), bound_text("2.5"), bound_text("+Inf")
    ('5.0', '2.5', '+Inf')
    """
    return whole.format(le) if le.lstrip("-").isdecimal() else le


def _escaped(text: str, escapes: Mapping[str, str]) -> str:
    return text.translate({ord(letter): written for letter, written in escapes.items()})


def _number(value: float) -> str:
    if isinstance(value, int) or math.isfinite(value):
        return str(value).removesuffix(".0")
    return "NaN" if math.isnan(value) else f"{value:+}".replace("inf", "Inf")


def _times(column: pd.Series[Any]) -> Iterator[str]:
    """The seconds since 1970, after a space."""
    for time in column.astype("int64").tolist():
        yield f" {time // 1000}.{time % 1000:03}"
