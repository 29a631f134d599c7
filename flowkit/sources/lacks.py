"""What the records of a source do not carry, said in the provenance where it changes what a result means."""

from __future__ import annotations

import pandas as pd

from flowkit.contract import provenance, with_provenance

_TCP = 6
_NO_FLAGS = (
    "no TCP flags: client and server are inferred from ports, and a refused TCP connection looks like a needed one"
)
_NO_TIMES = "no times: the records have no period, and repeated use of the same ports cannot be told apart"


def with_lacks(flows: pd.DataFrame) -> pd.DataFrame:
    """Note missing TCP flags and missing times, which no enrichment can make up for.

    >>> provenance(with_lacks(pd.DataFrame({"Proto": [17]}))).notes
    ('no times: the records have no period, and repeated use of the same ports cannot be told apart',)
    """
    is_tcp = "Proto" in flows.columns and bool((flows["Proto"] == _TCP).any())
    notes = [_NO_FLAGS] if is_tcp and not _has(flows, "Flags") else []
    notes += [] if _has(flows, "TimeFlowStartMs") or _has(flows, "TimeFlowEndMs") else [_NO_TIMES]
    return with_provenance(flows, provenance(flows).noting(*notes))


def _has(flows: pd.DataFrame, name: str) -> bool:
    return name in flows.columns and bool(flows[name].notna().any())
