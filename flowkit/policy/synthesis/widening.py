"""What a set allows beyond what was seen, by choice or for want of labels, each with its cost.

The cells a widening opens are counted by `flowkit.policy.verify`, which judges them; here stands why.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from flowkit.policy.synthesis.ends import API_SERVER, DNS, NODES, End
from flowkit.policy.synthesis.findings import Finding
from flowkit.policy.synthesis.scene import Scene

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


def widened(evidence: Iterable[dict[str, Any]]) -> Iterator[Finding]:
    """Rules by infrastructure and by subnet label, and addresses that may not stay."""
    for row in evidence:
        where = f"{row['namespace']}/{row['policy']} {row['direction']}: {row['peer']} {row['port']}/{row['proto']}"
        if row["peer"] in _WHY:
            yield Finding("widened", row["namespace"], where, _WHY[row["peer"]], row["connections"])
        elif row["basis"] == "subnet label":
            seen = len(set(filter(None, row["seen"].split(", "))))
            reason = (
                f"all ranges of the label ({row['cidrs']}); {seen} addresses seen"
                if seen
                else "all ranges of the label"
            )
            yield Finding("widened", row["namespace"], where, reason, row["connections"])
        elif row["cidrs"]:
            remedy = "label its subnet if it may change"
            yield Finding(
                "stale",
                row["namespace"],
                where,
                "an outside address may change its owner",
                row["connections"],
                0,
                remedy,
            )
