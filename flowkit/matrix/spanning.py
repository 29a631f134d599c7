"""The edges of one period, made in view of the periods before and after it, so that periods add up.

What a conversation is (its client, whether it was answered) is read from all that is in view, what it moved from the period
alone. A connection counts in the period in which it begins; those that were there before are told apart as ``carried``, and
count where a sum of periods begins. A socket pair that is silent for a whole period is a new connection when it speaks again.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from flowkit.contract import FLAG_BITS, Provenance, provenance, with_provenance
from flowkit.enrich import dedupe, orient
from flowkit.enrich.orient import RULES
from flowkit.enrich.sides import TCP, Codes, Mask, among, flags_of, integers
from flowkit.matrix.building import SUFFIXES, drops_of, edges_of, explained, level_of, whole_names
from flowkit.matrix.conversations import conversations, talk_numbers
from flowkit.matrix.flowmatrix import EDGE_COLUMNS, EDGE_KEY, STATES
from flowkit.matrix.scope import in_scope, refusals

_DECIDED = ("port", "proto", "state", "rule")
_RULES = [name for name, _ in RULES]


def period_edges(window: pd.DataFrame, period: tuple[int, int]) -> pd.DataFrame:
    """The edges of the flows that end within `period` (ms), with ``carried`` and ``level``; `window` holds neighbours too."""
    level = level_of(window, None)
    oriented = whole_names(orient(dedupe(in_scope(explained(window)))))
    time = integers(oriented, "TimeFlowEndMs")
    within = (time >= period[0]) & (time < period[1])
    talk = talk_numbers(oriented)
    identity = _identity(level)
    refused = refusals(window)
    whole = conversations(oriented, identity, refused)
    code = pd.unique(talk[within])
    own = conversations(oriented[within].reset_index(drop=True), identity, refused)
    own = own.assign(**{name: whole[name].array.take(code) for name in (*identity, *_DECIDED)})
    carried = _carried(own, _begun(oriented, talk, within)[code], among(code, talk[time < period[0]]))
    edges, further = (edges_of(one, level, _RULES) for one in (own, own.assign(connections=carried)))
    made = edges.assign(carried=further["connections"], level=pd.Series(level, index=edges.index, dtype="str"))
    return with_provenance(made, _said(window, period))


def _identity(level: str) -> dict[str, str]:
    names = {**SUFFIXES[level], "subnet_label": "SubnetLabel"}
    return {f"{end}_{name}": suffix for end in ("from", "to") for name, suffix in names.items()}


def _begun(oriented: pd.DataFrame, talk: Codes, within: Mask) -> Codes:
    """How many flows with the client's SYN each conversation has in the period."""
    from_client = (oriented["Client"] == "Src").to_numpy()
    opens = within & from_client & (flags_of(oriented) & FLAG_BITS["SYN"] != 0)
    return np.bincount(talk[opens], minlength=int(talk.max(initial=-1)) + 1)


def _carried(own: pd.DataFrame, begun: Codes, known: Mask) -> Codes:
    further = np.where(own["proto"].to_numpy() == TCP, begun, 0)
    return np.where(known, own["connections"].to_numpy() - further, 0)


def _said(window: pd.DataFrame, period: tuple[int, int]) -> Provenance:
    """What the period's own flows lost on the way."""
    ends = integers(window, "TimeFlowEndMs")
    own = window[(ends >= period[0]) & (ends < period[1])].reset_index(drop=True)
    whole = provenance(window)
    return Provenance(sampling=whole.sampling, notes=whole.notes).losing(provenance(in_scope(own)).losses)


def added_up(periods: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """One table of edges from those of successive periods: connections of the first that were carried into it count."""
    later = [edges.assign(connections=edges["connections"] - edges["carried"]) for edges in periods[1:]]
    every = pd.concat([*periods[:1], *later] or [pd.DataFrame(columns=[*EDGE_COLUMNS, "carried"])], ignore_index=True)
    order = {name: place for place, name in enumerate(STATES)}
    rules = {name: place for place, name in enumerate([*_RULES, ""])}
    coded = every.assign(
        **{name: every[name].fillna("") for name in every.columns.intersection(["dropped_by"])},
        state=every["state"].map(order).astype("int64"),
        rule=every["direction_by"].map(rules).astype("int64"),
        first=every["first"].astype("int64"),
        last=every["last"].astype("int64"),
    )
    summed = edges_of(coded.assign(port=coded["port"].astype("Int64").fillna(-1).astype("int64")), "workload", _RULES)
    return summed[[*EDGE_COLUMNS, *drops_of(summed)]].sort_values(list(EDGE_KEY), ignore_index=True)
