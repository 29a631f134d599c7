"""Records of older releases and of conversations, made the flows that today's fields describe, each counted once.

Until release 1.6 the agent wrote one record an interface: ``Interface`` and ``IfDirection`` name it, ``Duplicate`` marks all
but one. With ``logTypes`` other than Flows the pipeline also writes records of conversations (``_RecordType``
newConnection, heartbeat, endConnection), whose totals of both ways repeat those of the flows and of each other.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from flowkit.contract import conform, provenance, stack, twin, with_provenance
from flowkit.sources.lists import lists

CONVERSATION = ("newConnection", "heartbeat", "endConnection")  # in the order of a conversation's life
_OLD = {"Interface": ("Interfaces", "texts"), "IfDirection": ("IfDirections", "ints")}
# What the way back of a conversation has of its record; counters of drops, DNS and RTT stay with the way forth.
_SHARED = (
    "TimeFlowStartMs",
    "TimeFlowEndMs",
    "TimeReceived",
    "Proto",
    "Etype",
    "Sampling",
    "AgentIP",
    "K8S_FlowLayer",
    "K8S_ClusterName",
    "_RecordType",
    "_HashId",
)


def today(flows: pd.DataFrame) -> pd.DataFrame:
    """Rename the fields of old releases and leave out the rows they mark as duplicates, which the provenance counts as folded.

    >>> flows = pd.DataFrame({"Bytes": [1, 1], "Interface": ["eth0", "br0"], "Duplicate": ["false", "true"]})
    >>> today(flows).to_dict("list")
    {'Bytes': [1], 'Interfaces': [['eth0']]}
    """
    for old, (new, kind) in _OLD.items():
        if old in flows.columns:
            listed, _ = lists(flows[old].astype(object), kind)
            listed.index = flows.index
            known = flows[new] if new in flows.columns else listed
            flows = flows.drop(columns=old).assign(**{new: known.where(known.notna(), listed)})
    if "Duplicate" not in flows.columns:
        return flows
    copies = flows["Duplicate"].astype("str").str.lower() == "true"
    return _without(
        flows.drop(columns="Duplicate"), copies, "duplicates of another interface, as the agent marked them"
    )


def one_record_a_flow(flows: pd.DataFrame) -> pd.DataFrame:
    """Count no flow twice where a table has records of conversations.

    Beside flows all of them are left out. On their own, the last record of each conversation (``_HashId``) stays and becomes
    one flow each way that had packets, from ``Bytes_AB`` and ``Bytes_BA``. The provenance counts the others as folded.
    """
    if "_RecordType" not in flows.columns:
        return flows
    is_talk = flows["_RecordType"].isin(CONVERSATION)
    if not is_talk.any():
        return flows
    if not is_talk.all():
        return _without(flows, is_talk, "conversation records, whose flows are here themselves")
    return _each_way(_without(flows, ~_is_last(flows), "earlier records of the same conversation"))


def _without(flows: pd.DataFrame, rows: pd.Series[Any], reason: str) -> pd.DataFrame:
    known = provenance(flows).folding({reason: int(rows.sum())})
    return with_provenance(flows[~rows].reset_index(drop=True), known)


def _is_last(flows: pd.DataFrame) -> pd.Series[Any]:
    """Whether a record is its conversation's last: it ends it, or nothing follows, or the same ends begin anew."""
    if "_HashId" not in flows.columns:
        return flows["_RecordType"] == "endConnection"
    order = pd.DataFrame(
        {
            "hash": pd.factorize(flows["_HashId"], use_na_sentinel=False)[0],
            "end": flows["TimeFlowEndMs"] if "TimeFlowEndMs" in flows.columns else 0,
            "kind": flows["_RecordType"].astype(object).map(CONVERSATION.index),
        },
        index=flows.index,
    ).sort_values(["hash", "end", "kind"], kind="stable")
    following = order["kind"].shift(-1)
    last = (order["kind"] == 2) | (order["hash"] != order["hash"].shift(-1)) | (following == 0)
    return last.reindex(flows.index)


def _each_way(talks: pd.DataFrame) -> pd.DataFrame:
    ways = [name for name in ("Bytes_AB", "Packets_AB", "Bytes_BA", "Packets_BA") if name in talks.columns]
    note = "flows are made from conversation records, which have no TCP flags and no single packets' times"
    talks = with_provenance(talks, provenance(talks).noting(note))
    if len(ways) < 4:
        return talks
    count = {name: conform(pd.DataFrame({"Bytes": talks[name].astype(object)}))["Bytes"] for name in ways}
    spoiled = {
        f"values of {name} that are not its type": int((count[name].isna() & talks[name].notna()).sum())
        for name in ways
    }
    talks = with_provenance(talks, provenance(talks).losing(spoiled))
    forth = talks.assign(
        Bytes=_known(count["Bytes_AB"], talks, "Bytes"), Packets=_known(count["Packets_AB"], talks, "Packets")
    )
    back = _turned(talks).assign(Bytes=count["Bytes_BA"], Packets=count["Packets_BA"])
    answered = (count["Packets_BA"].fillna(0) > 0).to_numpy(dtype=bool)
    whole = stack([conform(forth.drop(columns=ways)), conform(back[answered])])
    return with_provenance(whole, provenance(talks))


def _known(way: pd.Series[Any], talks: pd.DataFrame, total: str) -> pd.Series[Any]:
    return way.where(way.notna(), talks[total]) if total in talks.columns else way


def _turned(talks: pd.DataFrame) -> pd.DataFrame:
    """The records seen from their other end."""
    names: Mapping[str, str] = {name: other for name in talks.columns if (other := twin(str(name))) is not None}
    back = talks[[*names, *(name for name in _SHARED if name in talks.columns)]].rename(columns=names)
    if "FlowDirection" not in talks.columns:
        return back
    way = talks["FlowDirection"]
    swapped = way.map({0: 1, 1: 0, 2: 2}).astype("UInt8")
    return back.assign(FlowDirection=swapped.where(np.asarray(way.notna()), pd.NA))
