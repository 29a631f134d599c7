"""What OVN said of flows (``NetworkEvents``) and why the kernel dropped packets, opened into tables that can be counted.

Sources: netobserv-ebpf-agent's network events (keys Feature, Type, Namespace, Name, Action, Direction; Feature ``acl`` is a
policy's), and the fields ``PktDrop*``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from flowkit.contract import provenance, with_provenance

KEYS = ("Feature", "Type", "Namespace", "Name", "Action", "Direction")
_DROPS = ("drop", "reject", "deny")
_WHO = (
    "SrcAddr",
    "DstAddr",
    "DstPort",
    "Proto",
    "SrcK8S_Namespace",
    "SrcK8S_OwnerName",
    "DstK8S_Namespace",
    "DstK8S_OwnerName",
)


def network_events(flows: pd.DataFrame) -> pd.DataFrame:
    """Return one row a flow and event: `row` (the flow's index), who talked to whom, the event, `policy`, `dropped`, the drop.

    The event's six keys are text, missing where it has none. `policy` names the rule's owner, as ``NetworkPolicy shop/deny-all
    (Ingress)``, or what decided where no object did. `dropped` says whether the event's action refused the flow.
    ``PktDropPackets`` and ``PktDropLatestDropCause`` come along where flows have them. A flow the kernel dropped
    without an event has one row, whose `policy` is missing. Count with ``.groupby("policy")``. What is no event (an item
    that is no map) is counted in the provenance.

    >>> events = [{"Feature": "acl", "Type": "NetworkPolicy", "Namespace": "shop", "Name": "deny", "Action": "drop",
    ...            "Direction": "Ingress"}]
    >>> network_events(pd.DataFrame({"NetworkEvents": [events, None]}))[["row", "policy", "dropped"]].values.tolist()
    [[0, 'NetworkPolicy shop/deny (Ingress)', True]]
    """
    place, items, wrong = _items(flows)
    bare = np.setdiff1d(np.flatnonzero(_is_dropped(flows)), place)
    rows = np.append(place, bare).astype(np.int64)
    order = np.argsort(rows, kind="stable")
    events = pd.DataFrame([{key: item.get(key) for key in KEYS} for item in items], columns=list(KEYS), dtype="str")
    events = events.reindex(range(len(rows))).assign(
        policy=pd.Series([*map(policy_of, items), *[None] * len(bare)], dtype="str"),
        dropped=np.append([is_drop(item) for item in items], np.ones(len(bare))).astype(bool),
    )
    told = [name for name in (*_WHO, "PktDropPackets", "PktDropLatestDropCause") if name in flows.columns]
    whole = pd.concat([flows[told].iloc[rows].reset_index(drop=True), events], axis=1).iloc[order]
    whole.insert(0, "row", flows.index.to_numpy()[rows[order]])
    known = provenance(flows).losing({"network events that are no map": wrong})
    return with_provenance(whole.reset_index(drop=True), known)


def is_drop(event: Mapping[str, Any]) -> bool:
    """Whether an event's action refused the flow.

    >>> is_drop({"Action": "drop"}), is_drop({"Action": "allow-related"})
    (True, False)
    """
    return str(event.get("Action") or "").lower().startswith(_DROPS)


def policy_of(event: Mapping[str, Any]) -> str:
    """Name what decided: kind, object and direction, as far as the event says.

    >>> policy_of({"Type": "NetpolNode", "Action": "allow", "Direction": "Ingress"})
    'NetpolNode (Ingress)'
    """
    name = "/".join(str(event[key]) for key in ("Namespace", "Name") if event.get(key))
    words = [str(event.get("Type") or event.get("Feature") or "unknown"), name]
    way = event.get("Direction")
    return " ".join(word for word in words if word) + (f" ({way})" if way else "")


def dropped_by(flows: pd.DataFrame) -> pd.Series[Any]:
    """Say for each flow which policies dropped it, else the kernel's cause; missing where nothing was dropped.

    >>> flows = pd.DataFrame({"PktDropPackets": [0, 2], "PktDropLatestDropCause": ["", "SKB_DROP_REASON_NO_SOCKET"]})
    >>> dropped_by(flows).tolist()
    [nan, 'SKB_DROP_REASON_NO_SOCKET']
    """
    found = np.full(len(flows), np.nan, dtype=object)
    kernel = _is_dropped(flows)
    if kernel.any():
        cause = flows.get("PktDropLatestDropCause", pd.Series(pd.NA, index=flows.index)).astype("str").to_numpy()
        found[kernel] = pd.Series(cause[kernel]).fillna("unknown cause").replace("", "unknown cause").to_numpy()
    place, items, _ = _items(flows)
    names: dict[int, list[str]] = {}
    for row, item in zip(place.tolist(), items, strict=True):
        if is_drop(item):
            names.setdefault(row, []).append(policy_of(item))
    for row, policies in names.items():
        found[row] = ", ".join(dict.fromkeys(policies))
    return pd.Series(found, index=flows.index, dtype="str")


def _is_dropped(flows: pd.DataFrame) -> np.ndarray[Any, np.dtype[np.bool_]]:
    if "PktDropPackets" not in flows.columns:
        return np.zeros(len(flows), dtype=bool)
    return (pd.to_numeric(flows["PktDropPackets"]).fillna(0) > 0).to_numpy(dtype=bool)


def _items(flows: pd.DataFrame) -> tuple[np.ndarray[Any, np.dtype[np.int64]], list[Mapping[str, Any]], int]:
    """Every event with the position of its flow, and how many items were none. Only flows that have events are looked at."""
    if "NetworkEvents" not in flows.columns:
        return np.array([], dtype=np.int64), [], 0
    column = flows["NetworkEvents"].reset_index(drop=True).dropna()
    opened = column.map(_opened).explode().dropna()
    good = opened.map(lambda item: isinstance(item, Mapping)).astype(bool)
    kept = opened[good]
    return kept.index.to_numpy(dtype=np.int64), kept.tolist(), int((~good).sum())


def _opened(value: Any) -> Any:
    """A list of events, also as the JSON text that some tables hold it in."""
    if not isinstance(value, str):
        return list(value)
    try:
        return json.loads(value)
    except ValueError:
        return [value]
