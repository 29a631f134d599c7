"""How many series a metric may make, by NetObserv's own classes of fields."""

from __future__ import annotations

from flowkit.contract import FIELDS
from flowkit.manifests import FlowMetricSpec


def cardinality(spec: FlowMetricSpec) -> tuple[str, ...]:
    """A sentence for each label upstream's webhook warns of: those of class "avoid", then those it has no class for.

    >>> cardinality(FlowMetricSpec("m", "Counter", labels=("SrcAddr", "DstPort")))
    ("label 'SrcAddr' can take very many values: upstream advises against it",)
    """
    classes = {label: _class(label) for label in spec.labels}
    avoid = (f"label '{one}' can take very many values: upstream advises against it" for one in _of("avoid", classes))
    unknown = (f"label '{one}' is of unknown cardinality" for one in _of("", classes))
    return (*avoid, *unknown)


def _class(label: str) -> str:
    field = FIELDS.get(label.split(">", 1)[0])
    return field.cardinality if field else ""


def _of(wanted: str, classes: dict[str, str]) -> list[str]:
    return [label for label, found in classes.items() if found == wanted]
