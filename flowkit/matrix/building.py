"""From flows to the flow matrix: scope, one observation a flow, client and server, conversations, edges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from flowkit.contract import conform, provenance, with_provenance
from flowkit.enrich import dedupe
from flowkit.enrich.orient import oriented
from flowkit.enrich.sides import TCP
from flowkit.errors import ContractError
from flowkit.matrix.conversations import conversations
from flowkit.matrix.endpoints import side_names
from flowkit.matrix.flowmatrix import EDGE_COLUMNS, EDGE_KEY, STATES, UNNAMED_COLUMNS, FlowMatrix
from flowkit.matrix.from_metrics import is_metric, matrix_of_metrics
from flowkit.matrix.scope import in_scope, refusals
from flowkit.transform.network_events import dropped_by

LEVELS = ("workload", "pod", "namespace", "address")
WORKLOAD = {"namespace": "K8S_Namespace", "kind": "K8S_OwnerType", "workload": "K8S_OwnerName"}
SUFFIXES = {
    "workload": WORKLOAD,
    "pod": {"namespace": "K8S_Namespace", "kind": "K8S_Type", "workload": "K8S_Name"},
    "namespace": WORKLOAD,
    "address": {"namespace": "K8S_Namespace", "kind": "K8S_Type", "workload": "Addr"},
}
_NAMES = tuple(name for name in EDGE_KEY if name.startswith(("from_", "to_")))
ANSWER = STATES[0]
_SOME = 5
_WEIGHTED = "sampled flows: bytes, packets and flows are weighted by Sampling; that an edge is absent proves nothing"
_SUMS = ("flows", "connections", "bytes", "packets", "folded")


def matrix(flows: pd.DataFrame | Sequence[pd.DataFrame], *, by: str | None = None) -> FlowMatrix:
    """Build the flow matrix of (enriched) flows: one edge a client → server : port, with its evidence.

    `by` names the level of the endpoints: ``workload`` (the default), ``pod``, ``namespace``, or ``address`` (the default
    where no flow names a Kubernetes object). Replies are folded into their request, copies into one observation
    (`flowkit.enrich.dedupe`), client and server decided by `flowkit.enrich.orient`. Refused and unanswered connections are
    edges of their own state. What is no edge at all is counted in the provenance (`flowkit.matrix.scope`).

    Instead of flows it takes metric tables of openings, such as those of ``workload-syn-in`` and ``-out`` from a Prometheus:
    see `flowkit.matrix.from_metrics.matrix_of_metrics`.

    Raises `ContractError` for a level that nobody knows and for a table without addresses.

    >>> flows = pd.DataFrame({"SrcAddr": ["10.0.0.2"], "DstAddr": ["10.0.0.1"], "SrcPort": [51000], "DstPort": [443],
    ...                       "Proto": [6], "Flags": [["SYN", "ACK"]], "Bytes": [120], "Packets": [2]})
    >>> matrix(flows).edges[["from_workload", "to_workload", "port", "state", "direction_by"]].values.tolist()
    [['10.0.0.2', '10.0.0.1', 443, 'answered', 'SYN']]
    """
    if is_metric(flows):
        if by not in (None, "workload"):
            raise ContractError(f"metrics know workloads only: no matrix by {by} without the flows")
        return matrix_of_metrics(flows)
    if not isinstance(flows, pd.DataFrame):
        raise ContractError("several tables make a matrix where all are metrics with port, value and from_… or to_…")
    flows = conform(flows)
    level = level_of(flows, by)
    talks, rules = talk(explained(_sampled(flows)), SUFFIXES[level])
    edges = edges_of(talks, level, rules)
    said = provenance(talks).noting(*_restarts(edges))
    return FlowMatrix(with_provenance(edges, said), by=level, unnamed=_unnamed(talks))


def talk(flows: pd.DataFrame, ends: dict[str, str]) -> tuple[pd.DataFrame, list[str]]:
    """The conversations of conformed flows, in scope, once each, client and server known; and what their `rule` points into.

    `ends` maps a name to the suffix of the ``Src``/``Dst`` field it is read from; each becomes a column of either end.
    """
    for name in ("SrcAddr", "DstAddr", "Proto"):
        if name not in flows.columns:
            raise ContractError(f"a flow matrix needs the field {name}, which this table lacks")
    told, numbers = oriented(dedupe(in_scope(flows)))
    identity = {
        f"{end}_{name}": suffix
        for end in ("from", "to")
        for name, suffix in {**ends, "subnet_label": "SubnetLabel"}.items()
    }
    talks = conversations(whole_names(told), identity, refusals(flows), numbers)
    return with_provenance(talks, provenance(told)), list(told["DirectionBy"].cat.categories)


def explained(flows: pd.DataFrame) -> pd.DataFrame:
    """With ``DroppedBy`` where any flow was dropped."""
    reasons = dropped_by(flows)
    return flows.assign(DroppedBy=reasons) if reasons.notna().any() else flows


def _sampled(flows: pd.DataFrame) -> pd.DataFrame:
    """Say that totals are weighted, and what sampling means for what is not there."""
    largest = flows["Sampling"].max() if "Sampling" in flows.columns else pd.NA
    if pd.isna(largest) or largest <= 1:
        return flows
    known = provenance(flows)
    noted = replace(known, sampling=max(int(largest), known.sampling or 1)).noting(_WEIGHTED)
    return with_provenance(flows, noted)


def _unnamed(talks: pd.DataFrame) -> pd.DataFrame:
    """The conversations that have an end which is no pod's, with the addresses of both: policies name such ends by address."""
    ends = [talks[f"{end}_namespace"] == "" for end in ("from", "to")]
    known = [name for name in UNNAMED_COLUMNS if name in talks.columns]
    return talks.loc[ends[0] | ends[1], known].reset_index(drop=True)


def level_of(flows: pd.DataFrame, by: str | None) -> str:
    """The level asked for, else workload where flows name Kubernetes objects, else address."""
    if by is not None and by not in LEVELS:
        raise ContractError(f"no level '{by}': choose one of {', '.join(LEVELS)}")
    if by is not None:
        return by
    named = any(name in flows.columns and flows[name].notna().any() for name in ("SrcK8S_Type", "DstK8S_Type"))
    return "workload" if named else "address"


def whole_names(flows: pd.DataFrame) -> pd.DataFrame:
    """Objects without an owner field (older records) are their own workload."""
    filled: dict[str, pd.Series[Any]] = {}
    for side in ("Src", "Dst"):
        for owner, own in (("K8S_OwnerName", "K8S_Name"), ("K8S_OwnerType", "K8S_Type")):
            if side + own not in flows.columns:
                continue
            fallback = flows[side + own].astype(object)
            known = flows[side + owner].astype(object) if side + owner in flows.columns else fallback
            if known is not fallback and (known.notna() | fallback.isna()).all():
                continue
            filled[side + owner] = known.where(known.notna(), fallback).astype("category")
    return flows.assign(**filled)


def _restarts(edges: pd.DataFrame) -> list[str]:
    """Connections older than the recording never show their SYN: restarting the client makes them open again."""
    older = edges[
        (edges["proto"] == TCP) & edges["direction_by"].str.startswith("inferred") & (edges["state"] == ANSWER)
    ]
    if older.empty:
        return []
    clients = side_names(older, "from")["endpoint"].drop_duplicates().tolist()
    some = ", ".join(clients[:_SOME]) + (" …" if len(clients) > _SOME else "")
    they = "1 TCP edge shows" if len(older) == 1 else f"{len(older):,} TCP edges show"
    return [f"{they} no opening: restart {some} to confirm who calls whom"]


def edges_of(talks: pd.DataFrame, level: str, rules: list[str]) -> pd.DataFrame:
    """Conversations as edges, sorted by their key; `rules` are what their `rule` points into."""
    # Grouped by codes first, so that names are written out for edges only, not for conversations.
    edges = _grouped(at_level(_grouped(talks).astype(dict.fromkeys(_NAMES, "str")), level))
    port = edges["port"].to_numpy(dtype=np.int64)
    return edges.assign(
        port=pd.arrays.IntegerArray(np.where(port < 0, 0, port).astype("uint16"), port < 0),
        proto=edges["proto"].astype("uint8"),
        state=np.array(STATES, dtype=object)[edges["state"].to_numpy(dtype=np.int64)],
        first=pd.to_datetime(edges["first"], unit="ms", utc=True).astype("datetime64[ms, UTC]"),
        last=pd.to_datetime(edges["last"], unit="ms", utc=True).astype("datetime64[ms, UTC]"),
        direction_by=np.array([*rules, ""], dtype=object)[edges["rule"].to_numpy(dtype=np.int64)],
    )[[*EDGE_COLUMNS, *drops_of(edges)]].astype({"state": "str", "direction_by": "str"})


def drops_of(edges: pd.DataFrame) -> list[str]:
    """The column ``dropped_by`` where any edge has flows that were dropped."""
    return ["dropped_by"] if "dropped_by" in edges.columns and (edges["dropped_by"] != "").any() else []


def _grouped(table: pd.DataFrame) -> pd.DataFrame:
    """One row a key, in its order; of states and rules the strongest, of drops all."""
    drops = {"dropped_by": ("dropped_by", _united)} if "dropped_by" in table.columns else {}
    return table.groupby(list(EDGE_KEY), sort=True, as_index=False, observed=True).agg(
        **{name: (name, "sum") for name in _SUMS},
        **{name: (name, "min") for name in ("state", "first", "rule")},
        last=("last", "max"),
        **drops,
    )


def _united(texts: pd.Series[Any]) -> str:
    """All names of several lists, each once; in their own order, so that parts add up to the same text as the whole."""
    return ", ".join(sorted({name for text in texts if text for name in text.split(", ")}))


def at_level(edges: pd.DataFrame, level: str) -> pd.DataFrame:
    """Rename the ends of edges as `level` has it; texts, ``""`` for absent."""
    changed: dict[str, pd.Series[Any]] = {}
    for end in ("from", "to"):
        kind, inside = edges[f"{end}_kind"], edges[f"{end}_namespace"] != ""
        if level == "namespace":
            changed[f"{end}_kind"] = kind.mask(inside, "Namespace")
            changed[f"{end}_workload"] = edges[f"{end}_workload"].mask(inside | (kind == "Node"), "")
        if level == "address":
            changed[f"{end}_kind"] = kind.mask(kind == "", "Address")
    return edges.assign(**changed)
