"""One observation a flow: copies that two nodes, or a Service's translation, make of one connection are folded.

Source: the console's reporter rule (FlowDirection 0 and 2, and 1 towards no known object or a Service) for copies of two
nodes; for Services, the copy before translation yields to the one after it, whose port is the pod's own.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from flowkit.contract import conform, provenance, with_provenance
from flowkit.enrich.copies import Copies
from flowkit.enrich.sides import Codes, Mask, always, column, distinct, integers

_INGRESS, _EGRESS = 0, 1
# The fields of an end that say who it is; after translation they come from the field's Xlat twin, where there is one.
_END = ("Addr", "Port", "SubnetLabel")
_K8S = ("Name", "Type", "Namespace", "OwnerName", "OwnerType", "HostIP", "HostName", "Zone", "NetworkName")


def dedupe(flows: pd.DataFrame) -> pd.DataFrame:
    """Return `flows` without the copies, in order, with ``FoldedCopies``: how many rows each kept row took in.

    Folded are (1) what the source's node reports of a flow that the destination's node reports too, (2) without
    FlowDirection, the same sockets seen by several recorders at the same time, and (3) the copy addressed to a Service when
    the copy addressed to its pod is there: named by ``Xlat*`` where agent or enrichment tells, else the connection of the
    same client socket that overlaps in time. A flow to a Service whose translation is told but nowhere seen takes the
    translated end; one whose translation is unknown stays; both are noted. The provenance counts what was folded.
    """
    flows = conform(flows).reset_index(drop=True)
    copies = Copies.of(flows)
    nodes = _other_node(flows, copies)
    recorders = _other_recorder(flows, copies)
    into = _combine([nodes, recorders], len(flows))
    services = _combine([copies.translated(end, into < 0) for end in copies.service_ends.values()], len(flows))
    into = _combine([into, services], len(flows))
    kept = into < 0
    times = integers(flows, "FoldedCopies", missing=0)
    if not kept.all():
        times = times + np.bincount(_final(into)[~kept], minlength=len(flows))
    flows, translated, waiting = _translate(flows.assign(FoldedCopies=pd.array(times, dtype="UInt32")), copies, kept)
    folded = {
        "copies that the other node reports too": int((nodes >= 0).sum()),
        "copies of another recorder": int((recorders >= 0).sum()),
        "copies before Service translation": int((services >= 0).sum()),
    }
    notes = {
        "flows to a Service are given the pod or node that alone can have served them": translated,
        "flows to a Service have no copy that names the pod behind it": waiting,
    }
    said = [f"{count} {what}" for what, count in notes.items() if count]
    rest = flows if kept.all() else flows[kept]
    return with_provenance(rest.reset_index(drop=True), provenance(flows).folding(folded).noting(*said))


def _other_node(flows: pd.DataFrame, copies: Copies) -> Codes:
    """Egress rows whose ingress row exists: the destination's node is the reporter."""
    direction = integers(flows, "FlowDirection")
    known = column(flows, "DstK8S_Type").isin(["Pod", "Node"]).to_numpy()
    return copies.same_flow((direction == _EGRESS) & known, direction == _INGRESS)


def _other_recorder(flows: pd.DataFrame, copies: Copies) -> Codes:
    """Where no node's view is known: of one flow seen by several recorders at a time, the one with most packets stays."""
    if not {"AgentIP", "CaptureFile"} & {*flows.columns}:
        return always(-1, len(flows))
    blind = (integers(flows, "FlowDirection") < 0) & (copies.ends.src >= 0)
    recorder = _recorder(flows)
    if len(np.unique(recorder[blind])) < 2:
        return np.full(len(flows), -1, dtype=np.int64)
    seen = copies.flow[blind].assign(recorder=recorder[blind], packets=integers(flows, "Packets", missing=0)[blind])
    total = seen.groupby(["source", "destination", "recorder"])["packets"].sum().reset_index()
    best = total.sort_values(["packets", "recorder"], ascending=[False, True]).drop_duplicates(
        ["source", "destination"]
    )
    fullest = blind.copy()
    keys = ["source", "destination", "recorder"]
    fullest[blind] = pd.MultiIndex.from_frame(seen[keys]).isin(pd.MultiIndex.from_frame(best[keys]))
    return copies.same_flow(blind & ~fullest, fullest)


def _recorder(flows: pd.DataFrame) -> Codes:
    agent, capture = (distinct(column(flows, name)) for name in ("AgentIP", "CaptureFile"))
    # Numbered by first appearance: among recorders of equally many packets the first one stays.
    return pd.factorize(agent[0] * (len(capture[1]) + 1) + capture[0])[0].astype(np.int64)


def _translate(flows: pd.DataFrame, copies: Copies, kept: Mask) -> tuple[pd.DataFrame, int, int]:
    """Give kept Service rows their told end; returns the table, how many were told, and how many requests still wait."""
    told = 0
    for side, end in copies.service_ends.items():
        rows = end.rows & kept & (end.told != -1)
        told += int(rows.sum())
        if rows.any():
            flows = flows.assign(**_translated_end(flows, side, rows))
    waiting = copies.to_service & kept & (copies.told_destination == -1)
    return flows, told, int(waiting.sum())


def _translated_end(flows: pd.DataFrame, side: str, rows: Mask) -> dict[str, pd.Series[Any]]:
    names = [*_END, *(f"K8S_{name}" for name in _K8S)]
    changed: dict[str, pd.Series[Any]] = {}
    for name in (name for name in names if side + name in flows.columns):
        own = flows[side + name]
        twin = f"Xlat{side}{name}"
        there = flows[twin] if twin in flows.columns else pd.Series(pd.NA, index=flows.index, dtype="object")
        if isinstance(own.dtype, pd.CategoricalDtype):
            mixed = own.astype(object).where(~rows, there.astype(object))
            changed[side + name] = mixed.astype("category")
        else:
            changed[side + name] = own.where(~rows, there)
    return changed


def _combine(folds: Iterable[Codes], count: int) -> Codes:
    into = np.full(count, -1, dtype=np.int64)
    for fold in folds:
        taken = np.flatnonzero((fold >= 0) & (into < 0))
        into[taken] = fold[taken]
    return into


def _final(into: Codes) -> Codes:
    """Follow folds of folded rows to the row that stays."""
    target = np.where(into < 0, np.arange(len(into)), into)
    while True:
        further = target[target]
        if (further == target).all():
            return target
        target = further
