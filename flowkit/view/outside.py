"""What is still unknown outside, for the view External: the table of `fk.external` and the labels it proposes."""

from __future__ import annotations

from typing import Any

import pandas as pd

from flowkit.contract import provenance
from flowkit.matrix.external import custom_labels

_TEXTS = ("role", "block", "ports", "peers", "label")
_NUMBERS = ("addresses", "connections", "bytes")


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
    share = [note for note in provenance(table).notes if note.startswith("unknown of")]
    return {"rows": rows, "share": " ".join(share), "yaml": custom_labels(table)}
