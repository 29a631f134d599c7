"""One FlowMetric resource (``flows.netobserv.io/v1alpha1``), parsed and checked.

Source: the API type and webhook of NetObserv's operator; what they let through and what then breaks silently in the
pipeline (a duplicate label, a divider that is no number, a broken regular expression) is refused here too.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Literal, cast, get_args

from flowkit.contract import FIELDS
from flowkit.errors import FieldNotFound
from flowkit.manifests import re2
from flowkit.manifests.documents import Manifest
from flowkit.manifests.node import Node

API_VERSION = "flows.netobserv.io/v1alpha1"
Type = Literal["Counter", "Gauge", "Histogram"]
Direction = Literal["Any", "Ingress", "Egress"]
MatchType = Literal["Equal", "NotEqual", "Presence", "Absence", "MatchRegex", "NotMatchRegex"]
CHART_TYPES = ("SingleStat", "Line", "StackArea")
UNITS = ("", "bytes", "seconds", "Bps", "pps", "percent")
# What upstream's Prometheus client takes when a histogram names no buckets.
DEFAULT_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

_METRIC_NAME = re.compile(r"([a-zA-Z_][a-zA-Z0-9:_]*)?")
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_REFERENCE = re.compile(r"\$\(([^)]+)\)")
_KEYS = (
    "type metricName help valueField labels flatten remap filters direction buckets divider charts".split()  # noqa: SIM905
)


@dataclass(frozen=True)
class FilterSpec:
    """One entry of ``spec.filters``."""

    field: str
    value: str = ""
    match_type: MatchType = "Equal"


@dataclass(frozen=True)
class ChartQuery:
    """One query of a chart; ``$METRIC`` in `promql` stands for the series' name."""

    promql: str
    legend: str
    top: int = 7


@dataclass(frozen=True)
class Chart:
    """One entry of ``spec.charts``."""

    title: str
    type: str
    dashboard: str = "Main"
    section: str = ""
    unit: str = ""
    queries: tuple[ChartQuery, ...] = ()


@dataclass(frozen=True)
class FlowMetricSpec:
    """A checked FlowMetric. `remap` maps fields to labels; `divider` 1 means no scaling; `buckets` are upper bounds."""

    name: str
    type: Type
    metric_name: str = ""
    help: str = ""
    value_field: str = ""
    labels: tuple[str, ...] = ()
    flatten: tuple[str, ...] = ()
    remap: Mapping[str, str] = field(default_factory=dict)
    filters: tuple[FilterSpec, ...] = ()
    direction: Direction = "Any"
    buckets: tuple[float, ...] = ()
    divider: float = 1.0
    charts: tuple[Chart, ...] = ()
    place: str = ""

    @property
    def series(self) -> str:
        """The name of the series: ``netobserv_`` and metricName, or the resource's name made fit for Prometheus.

        >>> FlowMetricSpec("workload-syn-in", "Counter").series
        'netobserv_workload_syn_in'
        """
        return "netobserv_" + (self.metric_name or re.sub(r"[^a-zA-Z0-9:_]", "_", self.name))

    @property
    def targets(self) -> tuple[str, ...]:
        """The labels after remap, in the order of ``spec.labels``."""
        return tuple(self.remap.get(label, label) for label in self.labels)


def parse_flowmetric(manifest: Manifest) -> FlowMetricSpec:
    """Parse one FlowMetric resource; raise `SpecError` naming file, key, value and way out for whatever is wrong.

    >>> body = {"apiVersion": API_VERSION, "metadata": {"name": "m"}, "spec": {"type": "Counter", "labels": ["DstPort"]}}
    >>> parse_flowmetric(Manifest(body, "m.yaml", "FlowMetric")).labels
    ('DstPort',)
    """
    root = Node(manifest.body, manifest.place, "")
    if root.text("apiVersion", None) != API_VERSION:
        root.refuse(f"'{root.text('apiVersion')}' is not {API_VERSION}, the only version of FlowMetric", "apiVersion")
    if "spec" not in root.body:
        root.refuse("is required", "spec")
    spec = root.mapping("spec")
    spec.only(_KEYS)
    read = _read(root.mapping("metadata").text("name"), spec)
    _check(read, spec)
    return read


def _read(name: str, spec: Node) -> FlowMetricSpec:
    return FlowMetricSpec(
        name=name,
        type=cast("Type", spec.text("type", None, get_args(Type))),
        metric_name=spec.text("metricName"),
        help=spec.text("help"),
        value_field=spec.text("valueField"),
        labels=spec.texts("labels"),
        flatten=spec.texts("flatten"),
        remap={str(source): spec.mapping("remap").text(source) for source in spec.mapping("remap").body},
        filters=tuple(_filter(entry) for entry in spec.mappings("filters")),
        direction=cast("Direction", spec.text("direction", "Any", get_args(Direction))),
        buckets=_buckets(spec),
        divider=_divider(spec),
        charts=tuple(_chart(entry) for entry in spec.mappings("charts")),
        place=spec.place,
    )


def _filter(entry: Node) -> FilterSpec:
    entry.only(("field", "value", "matchType"))
    match_type = cast("MatchType", entry.text("matchType", "Equal", get_args(MatchType)))
    read = FilterSpec(_known(entry, entry.text("field", None), "field"), entry.text("value"), match_type)
    if match_type.endswith("Regex"):
        complaint = re2.complaint(read.value)
        if complaint:
            entry.refuse(f"'{read.value}' is no regular expression of RE2: {complaint}", "value")
    elif match_type.endswith("Equal"):
        for name in references(read.value):
            _known(entry, name, "value")
    return read


def references(value: str) -> tuple[str, ...]:
    """The fields that ``$(Field)`` names in a filter's value.

    >>> references("$(SrcAddr):$(SrcPort)")
    ('SrcAddr', 'SrcPort')
    """
    return tuple(_REFERENCE.findall(value))


def _known(node: Node, name: str, key: str) -> str:
    """Refuse a field NetObserv does not declare; of ``Parent>child`` only the parent is looked at, as upstream does."""
    parent = name.split(">", 1)[0]
    if parent not in FIELDS:
        node.refuse(str(FieldNotFound(parent, FIELDS)), key)
    if FIELDS[parent].origin != "netobserv":
        node.refuse(f"'{parent}' is no field NetObserv declares, its webhook refuses it: use the verbs on it", key)
    return name


def _buckets(spec: Node) -> tuple[float, ...]:
    bounds = []
    for number, text in enumerate(spec.texts("buckets")):
        bound = _float(text)
        if bound is None or math.isnan(bound):
            spec.refuse(f"'{text}' is no number", f"buckets[{number}]")
        bounds.append(bound)
    if any(low >= high for low, high in pairwise(bounds)):
        spec.refuse("bounds must increase", "buckets")
    return tuple(bound for bound in bounds if bound != math.inf)


def _divider(spec: Node) -> float:
    text = spec.text("divider")
    number = _float(text) if text else 0.0
    if number is None or not math.isfinite(number) or number < 0:
        spec.refuse(f"'{text}' is no positive number: leave it out, or write e.g. \"1000\"", "divider")
    return number or 1.0


def _float(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _chart(entry: Node) -> Chart:
    entry.only(("dashboardName", "sectionName", "title", "type", "unit", "queries"))
    kind = entry.text("type", None, CHART_TYPES)
    return Chart(
        title=entry.text("title", None),
        type=kind,
        dashboard=entry.text("dashboardName", "Main"),
        section=entry.text("sectionName"),
        unit=entry.text("unit", "", UNITS),
        queries=tuple(_query(query) for query in entry.mappings("queries")),
    )


def _query(entry: Node) -> ChartQuery:
    entry.only(("promQL", "legend", "top"))
    top: Any = entry.body.get("top", 7)
    if isinstance(top, bool) or not isinstance(top, int) or top < 1:
        entry.refuse(f"'{top}' is no whole number from 1 up", "top")
    return ChartQuery(entry.text("promQL", None), entry.text("legend", None), top)


def _check(read: FlowMetricSpec, spec: Node) -> None:
    if not read.name and not read.metric_name:
        spec.refuse("metadata.name or spec.metricName is required: one of them names the series", "metricName")
    if not _METRIC_NAME.fullmatch(read.metric_name):
        spec.refuse(f"'{read.metric_name}' must match ^[a-zA-Z_][a-zA-Z0-9:_]*$", "metricName")
    _check_value(read.value_field, spec)
    _check_lists(read, spec)
    _check_targets(read, spec)


def _check_value(name: str, spec: Node) -> None:
    if name and not FIELDS[_known(spec, name, "valueField").split(">", 1)[0]].is_number:
        spec.refuse(f"'{name}' is no number: a value is a number of the flow, such as Bytes", "valueField")


def _check_lists(read: FlowMetricSpec, spec: Node) -> None:
    for key, names in (("labels", read.labels), ("flatten", read.flatten)):
        for number, name in enumerate(names):
            _known(spec, name, f"{key}[{number}]")
            if name in names[:number]:
                spec.refuse(f"'{name}' stands twice", f"{key}[{number}]")
    for number, name in enumerate(read.flatten):
        if ">" in name:
            spec.refuse(f"'{name}': flatten its parent '{name.split('>', 1)[0]}' instead", f"flatten[{number}]")


def _check_targets(read: FlowMetricSpec, spec: Node) -> None:
    for source, target in read.remap.items():
        key = f"remap.{source}"
        if not _LABEL.fullmatch(target):
            spec.refuse(f"'{target}' must match ^[a-zA-Z_][a-zA-Z0-9_]*$", key)
        if read.labels and source not in read.labels:
            from_labels = FieldNotFound(source, read.labels, "in spec.labels")
            spec.refuse(f"{from_labels} Only labels are remapped", key)
    for target, count in Counter(_exposed(read.targets)).items():
        if count > 1:
            spec.refuse(f"{count} labels would be called '{target}'; upstream such a metric never appears", "remap")
        if target in _taken(read.type) or target.startswith("__"):
            spec.refuse(f"a label cannot be called '{target}': choose another name", "remap")


def _exposed(targets: tuple[str, ...]) -> Iterator[str]:
    # Prometheus' classic text form has no '>': two labels that differ only there are one.
    return (target.replace(">", "_") for target in targets)


def _taken(type_: str) -> tuple[str, ...]:
    """Names that the metric table's own columns have; ``le`` is a histogram's bound in Prometheus itself."""
    return ("value", "le", "series") if type_ == "Histogram" else ("value",)
