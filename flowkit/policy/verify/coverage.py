"""How complete an observation is: what the next connections may still bring, and how well each workload is known.

Sources: Good (1953) for the share of unseen, Chao (1984) for the number of kinds; both assume independent draws, which periodic
jobs are not, so times count as well (see `flowkit.policy.verify.holdout`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from flowkit.policy.model import EGRESS, INGRESS

STATES = ("unknown", "learning", "stable", "exercised")
COLUMNS = (
    "namespace",
    "kind",
    "workload",
    "direction",
    "state",
    "connections",
    "edges",
    "once",
    "unseen",
    "first",
    "last",
    "latest_new",
    "silent_ports",
)
_SIDES = ((INGRESS, "to"), (EGRESS, "from"))
_END = ("namespace", "kind", "workload")


@dataclass(frozen=True)
class Gate:
    """When a namespace may be denied by default in a direction: the largest share of unseen connections that is tolerated, the
    states no workload of it may be in, and the last part of the window in which a new edge means that it is still learning.
    """

    unseen: float = 0.05
    refused: tuple[str, ...] = ("unknown", "learning")
    recent: float = 0.25


def good_turing(connections: Iterable[int]) -> float:
    """The share of future connections on edges never seen, from the connections of each edge seen: n₁ / N; NaN without any.

    >>> good_turing([7, 2, 1])
    0.1
    """
    counts = np.asarray(list(connections), dtype=np.int64)
    total = int(counts.sum())
    return float((counts == 1).sum() / total) if total else float("nan")


def chao1(connections: Iterable[int]) -> float:
    """How many edges there are at least, seen and unseen: seen + n₁² / 2n₂ (bias-corrected where no edge was seen twice).

    >>> chao1([7, 2, 1, 1])
    6.0
    """
    counts = np.asarray(list(connections), dtype=np.int64)
    once, twice = int((counts == 1).sum()), int((counts == 2).sum())
    return float((counts > 0).sum() + (once**2 / (2 * twice) if twice else once * (once - 1) / 2))


def coverage(
    edges: pd.DataFrame, ports: Mapping[tuple[str, str, str], Iterable[tuple[int, int]]], gate: Gate | None = None
) -> pd.DataFrame:
    """How well each workload is known in each direction, from a matrix's `edges` (answered ones) and what is there.

    `ports` are the known workloads (namespace, kind, name) with their declared (protocol, port). Columns: ``namespace kind
    workload direction state connections edges once unseen first last latest_new silent_ports``; `once` counts edges seen
    once, `unseen` is `good_turing`, `latest_new` when the last new edge appeared, `silent_ports` the declared ports without
    traffic. States: ``unknown`` (no traffic either way), ``learning`` (a new edge in the last part of the window, or the window
    has no length), ``stable``, ``exercised`` (stable, nothing seen only once, no silent port).
    """
    gate = gate or Gate()
    seen = edges[edges["state"] == "answered"]
    window = (seen["first"].min(), seen["last"].max())
    parts = {direction: _side(seen, end) for direction, end in _SIDES}
    alive = {key for part in parts.values() for key in part}
    rows = [
        _row(key, direction, parts[direction].get(key), set(ports[key]) if direction == INGRESS else set())
        for key in sorted(ports)
        for direction in (INGRESS, EGRESS)
    ]
    table = pd.DataFrame(rows, columns=[name for name in COLUMNS if name != "state"])
    keys = zip(table["namespace"], table["kind"], table["workload"], strict=True)
    table["state"] = _states(table, [key in alive for key in keys], window, gate)
    times = {
        name: pd.to_datetime(table[name], utc=True).astype("datetime64[ms, UTC]")
        for name in ("first", "last", "latest_new")
    }
    return table.assign(**times)[list(COLUMNS)].astype({"state": "str", "silent_ports": "str"})


_Part = list[tuple[int, int, Any, Any, Any]]


def _side(edges: pd.DataFrame, end: str) -> dict[tuple[str, str, str], _Part]:
    """The edges of each workload at one end: connections, protocol, port, first, last. A group of pandas' would cost more."""
    named = edges[edges[f"{end}_namespace"] != ""]
    keys = zip(*(named[f"{end}_{name}"].tolist() for name in _END), strict=True)
    values = zip(*(named[name].tolist() for name in ("connections", "proto", "port", "first", "last")), strict=True)
    found: dict[tuple[str, str, str], _Part] = {}
    for key, value in zip(keys, values, strict=True):
        found.setdefault(key, []).append(value)
    return found


def _row(
    key: tuple[str, str, str], direction: str, part: _Part | None, declared: set[tuple[int, int]]
) -> tuple[Any, ...]:
    if part is None:
        return (*key, direction, 0, 0, 0, float("nan"), pd.NaT, pd.NaT, pd.NaT, _ports(declared))
    counts, protos, numbers, first, last = zip(*part, strict=True)
    counted = (sum(counts), len(part), counts.count(1), good_turing(counts))
    silent = declared - set(zip(protos, numbers, strict=True))
    return (*key, direction, *counted, min(first), max(last), max(first), _ports(silent))


def _ports(served: Iterable[tuple[int, int]]) -> str:
    return ", ".join(f"{port}/{proto}" for proto, port in sorted(served))


def _states(table: pd.DataFrame, alive: list[bool], window: tuple[Any, Any], gate: Gate) -> npt.NDArray[Any]:
    start, end = window
    length = end - start if len(table) and not pd.isna(start) else pd.Timedelta(0)
    fresh = (
        pd.to_datetime(table["latest_new"], utc=True) > end - length * gate.recent
        if length > pd.Timedelta(0)
        else pd.Series(data=True, index=table.index)
    )
    known = (table["connections"] > 0) & (table["once"] == 0) & (table["silent_ports"] == "")
    unknown = ~np.array(alive, dtype=bool)
    tests: list[Any] = [unknown, fresh.to_numpy(dtype=bool), known.to_numpy(dtype=bool)]
    code = np.select(tests, [np.full(len(unknown), each) for each in (0, 1, 3)], 2)
    named: npt.NDArray[Any] = np.array(STATES, dtype=object)[code]
    return named


def passes(table: pd.DataFrame, namespace: str, direction: str, gate: Gate) -> str:
    """Why a namespace may not be denied by default in a direction, by its `coverage` table; ``""`` when it may."""
    rows = table[(table["namespace"] == namespace) & (table["direction"] == direction)]
    for state in gate.refused:
        named = rows[rows["state"] == state]["workload"].tolist()
        if named:
            return f"{len(named)} of {len(rows)} workloads are {state}: {', '.join(named[:5])}{' …' if len(named) > 5 else ''}"
    total, once = int(rows["connections"].sum()), int(rows["once"].sum())
    if total and once / total > gate.unseen:
        return (
            f"{once / total:.1%} of the next connections may use edges never seen ({once} of {total} edges once seen)"
        )
    return ""
