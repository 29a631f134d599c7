"""What a set allows beyond what was seen, by choice or for want of labels.

The cells a widening opens are counted by `flowkit.policy.verify`, which judges them; here stands why.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flowkit.policy.synthesis.ends import API_SERVER, DNS, NODES, End
from flowkit.policy.synthesis.findings import Finding
from flowkit.policy.synthesis.relations import BY_CHOICE, BY_LABEL, OBSERVED
from flowkit.policy.synthesis.scene import Scene

_MANY = 20  # from here on a list of outside addresses is hardly a closed one
_WHY = {
    str(End(DNS)): "every pod of the namespace may ask every DNS pod, over UDP and TCP",
    str(End(API_SERVER)): "every API server, not only those seen",
    str(End(NODES)): "every node, not only those seen: pods move",
}


def clashes(scene: Scene, covered: frozenset[str]) -> Iterator[Finding]:
    """Subjects of several workloads and workloads that nothing selects, with the label to add."""
    for clash in scene.subjects.clashes:
        if clash.subject.namespace in covered:
            names = ", ".join(f"{kind} {name}" for _, kind, name in clash.subject.workloads)
            reason = "no label tells them apart: they get one policy, and what one may the others may"
            yield Finding("label clash", clash.subject.namespace, names, reason, remedy=clash.remedy)
    for namespace, kind, name in scene.subjects.unselectable:
        if namespace in covered:
            remedy = f"give the pods of {kind} {name} a label of their own"
            yield Finding(
                "not selectable", namespace, f"{kind} {name}", "no lasting label selects its pods", remedy=remedy
            )


def widened(evidence: list[dict[str, Any]]) -> Iterator[Finding]:
    """Rules wider than what was seen, addresses that may not stay, and ports with so many that a wider rule may be meant."""
    for row in evidence:
        reason, remedy = _reason(row)
        where = f"{_place(row)}: {row['peer']} {row['port']}/{row['proto']}"
        if reason:
            yield Finding("widened", row["namespace"], where, reason, row["connections"])
        elif remedy:
            why = "an outside address may change its owner"
            yield Finding("stale", row["namespace"], where, why, row["connections"], remedy)
    yield from _proposed(evidence)


def _place(row: dict[str, Any]) -> str:
    return f"{row['namespace']}/{row['policy']} {row['direction']}"


def _reason(row: dict[str, Any]) -> tuple[str, str]:
    """Why a row allows more than was seen; else what would keep its addresses right."""
    if row["peer"] in _WHY:
        return _WHY[row["peer"]], ""
    if row["basis"] in (BY_LABEL, BY_CHOICE):
        seen = len(set(filter(None, row["seen"].split(", "))))
        ranges = "all ranges of the label" if row["basis"] == BY_LABEL else "chosen"
        told = f": {_counted(row['holds'])} addresses" if row["cidrs"] else ""
        return f"{ranges} ({row['cidrs']}){told}" + (f", {seen} seen" if seen else ""), ""
    return "", "label its subnet if it may change" if row["cidrs"] else ""


def _counted(addresses: int) -> str:
    """A number of addresses for a reader: in full, or as the power of two below it."""
    return f"{addresses:,}" if addresses <= 1 << 32 else f"over 2^{addresses.bit_length() - 1}"


def _proposed(evidence: list[dict[str, Any]]) -> Iterator[Finding]:
    """Ports with many outside addresses, which a closed list will hardly keep up with."""
    found: dict[tuple[str, str, str, int], list[dict[str, Any]]] = {}
    for row in evidence:
        if row["cidrs"] and row["basis"] == OBSERVED:
            found.setdefault((row["namespace"], _place(row), row["port"], row["proto"]), []).append(row)
    for (namespace, place, port, proto), rows in found.items():
        addresses = {row["peer"] for row in rows}
        if len(addresses) >= _MANY:
            reason = f"{len(addresses)} outside addresses on one port: the list will hardly stay complete"
            remedy = f"label their subnet, or choose prefixes, Options(widen=0.5), or all, Options(anywhere={_MANY})"
            count = sum(row["connections"] for row in rows)
            yield Finding("proposed", namespace, f"{place}: {port}/{proto}", reason, count, remedy)
