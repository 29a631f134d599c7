"""Which rows of a flow table are replies: by their flags, or because the request they answer is in the table.

Nothing is guessed about a row that stands alone: its source is the initiator.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from flowkit.contract import FLAG_BITS
from flowkit.enrich import orient
from flowkit.enrich.numbering import paired
from flowkit.enrich.sides import TCP, Codes, Ends, Mask, column, flags_of

_EVIDENCE = (
    "Flags",
    "TimeFlowStartMs",
    "TimeFlowEndMs",
    "IcmpType",
    "Initiator",
    "SrcPortDeclared",
    "DstPortDeclared",
)


def replies(flows: pd.DataFrame, ends: Ends) -> Mask:
    """Which rows answer another row or are answers by themselves; `ends` are the rows' ends after translation.

    >>> flows = pd.DataFrame({"SrcAddr": ["10.0.0.1", "10.0.0.2"], "DstAddr": ["10.0.0.2", "10.0.0.1"],
    ...                       "SrcPort": [51000, 443], "DstPort": [443, 51000], "Proto": [6, 6]})
    >>> replies(flows, Ends.of(flows)).tolist()
    [False, True]
    """
    flags = flags_of(flows)
    answers = (ends.proto == TCP) & (flags & FLAG_BITS["SYN_ACK"] != 0) & (flags & FLAG_BITS["SYN"] == 0)
    told: Mask = answers | (column(flows, "Initiator") == "Dst").to_numpy(dtype=bool)
    both = _both_ways(ends)
    rows = np.flatnonzero(both & ~told)
    if len(rows):
        told[rows] = _answering(flows, ends, both, rows)
    return told


def _both_ways(ends: Ends) -> Mask:
    """Rows whose conversation has a row the other way too."""
    talk, _ = paired(np.minimum(ends.source, ends.destination), np.maximum(ends.source, ends.destination))
    forward = ends.source <= ends.destination
    there = np.bincount(talk[forward], minlength=len(talk) + 1)
    back = np.bincount(talk[~forward], minlength=len(talk) + 1)
    result: Mask = (there[talk] > 0) & (back[talk] > 0) & (ends.src >= 0) & (ends.dst >= 0)
    return result


def _answering(flows: pd.DataFrame, ends: Ends, both: Mask, rows: Codes) -> Mask:
    """Of `rows`, those whose conversation was opened from the other end, by the evidence that `orient` weighs."""
    names = [name for name in _EVIDENCE if name in flows.columns]
    spoken = flows.loc[:, names][both].reset_index(drop=True)
    addresses = pd.Index(ends.addresses)
    spoken = spoken.assign(
        SrcAddr=pd.Categorical.from_codes(ends.src[both], addresses),
        DstAddr=pd.Categorical.from_codes(ends.dst[both], addresses),
        SrcPort=_optional(ends.src_port[both]),
        DstPort=_optional(ends.dst_port[both]),
        Proto=_optional(ends.proto[both]),
    )
    client = (orient(spoken)["Client"] == "Dst").to_numpy(dtype=bool)
    place = np.cumsum(both) - 1
    result: Mask = client[place[rows]]
    return result


def _optional(values: Codes) -> pd.arrays.IntegerArray:
    return pd.arrays.IntegerArray(np.where(values < 0, 0, values).astype(np.int64), values < 0)
