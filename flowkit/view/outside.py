"""What flows tell beside their matrix: the bytes over time, and for the view External what is still unknown outside."""

from __future__ import annotations

from typing import Any

import pandas as pd

from flowkit.contract import conform, provenance
from flowkit.matrix.building import talk
from flowkit.matrix.external import NAMED, custom_labels, external_of
from flowkit.view.times import timeline_of

_TEXTS = ("role", "block", "ports", "peers", "label")
_NUMBERS = ("addresses", "connections", "bytes")


def told_by(flows: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The tables of `timeline` and of `fk.external`; who talks to whom is found out once for both.

    >>> flows = pd.DataFrame({"SrcAddr": ["10.0.0.2"], "DstAddr": ["203.0.113.9"], "SrcPort": [51000], "DstPort": [443],
    ...                       "Proto": [6], "Flags": [18], "Bytes": [60], "TimeFlowStartMs": [0], "TimeFlowEndMs": [900]})
    >>> [len(table) for table in told_by(flows)]
    [1, 2]
    """
    flows = conform(flows)
    talks, _ = talk(flows, NAMED)
    return timeline_of(talks), external_of(talks, flows)


def external_record(table: pd.DataFrame | None) -> dict[str, Any] | None:
    """Describe the table of `fk.external` in plain JSON data, with its proposals as ``customLabels`` to paste.

    >>> external_record(None)
    """
    if table is None:
        return None
    columns = {
        **{name: table[name].astype("str").tolist() for name in _TEXTS},
        **{name: table[name].astype("int64").tolist() for name in _NUMBERS},
        **{
            name: pd.to_datetime(table[name], utc=True).dt.as_unit("ms").astype("int64").tolist()
            for name in ("first", "last")
        },
    }
    rows = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
    share = " ".join(note for note in provenance(table).notes if note.startswith("unknown of"))
    return {"rows": rows, "share": share[:1].upper() + share[1:], "yaml": custom_labels(table)}
