"""How many series a metric may make, by NetObserv's own classes of fields."""

from __future__ import annotations

from flowkit.contract import FIELDS
from flowkit.manifests import FlowMetricSpec

# Worst first: the order of upstream's webhook, which knows no class of some fields it accepts.
LEVELS = ("avoid", "unknown", "careful", "fine")
_MEANING = {"avoid": "can take very many values: upstream advises against it", "unknown": "is of unknown cardinality"}


def level(spec: FlowMetricSpec) -> str:
    """The worst class of the metric's labels: avoid, unknown, careful or fine; fine without a label.

    >>> level(FlowMetricSpec("m", "Counter", labels=("SrcK8S_Namespace", "DstPort")))
    'careful'
    """
    return min((_class(label) for label in spec.labels), key=LEVELS.index, default="fine")


def cardinality(spec: FlowMetricSpec) -> tuple[str, ...]:
    """One sentence if upstream's webhook would warn, with the labels of class "avoid", then those it has no class for.

    >>> cardinality(FlowMetricSpec("m", "Counter", labels=("SrcAddr", "DstPort")))
    ("label 'SrcAddr' can take very many values: upstream advises against it",)
    """
    warned = [(found, _of(found, spec.labels)) for found in _MEANING]
    parts = [f"{_named(labels)} {_MEANING[found]}" for found, labels in warned if labels]
    return ("; ".join(parts),) if parts else ()


def _class(label: str) -> str:
    parent, _, child = label.partition(">")
    field = FIELDS.get(parent)
    if child and field and field.type == "maps":
        return "fine"  # upstream's class of every child of NetworkEvents, which as a whole is to be avoided
    return field.cardinality if field and field.cardinality else "unknown"


def _of(wanted: str, labels: tuple[str, ...]) -> list[str]:
    return [label for label in labels if _class(label) == wanted]


def _named(labels: list[str]) -> str:
    quoted = [f"'{label}'" for label in labels]
    return f"label {quoted[0]}" if len(quoted) == 1 else f"each of the labels {', '.join(quoted)}"
