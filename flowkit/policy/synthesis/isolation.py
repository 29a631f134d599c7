"""Step 3: one policy a subject, a default-deny a namespace where coverage allows it, and one DNS policy beside it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pandas as pd

from flowkit.policy.model import EGRESS, INGRESS, NetworkPolicy, Rule, Selector
from flowkit.policy.synthesis.findings import Finding
from flowkit.policy.synthesis.scene import Scene
from flowkit.policy.synthesis.selectors import Subject
from flowkit.policy.verify.coverage import passes

DEFAULT_DENY, ALLOW_DNS = "default-deny", "allow-dns"
_DIRECTIONS = (INGRESS, EGRESS)
_LONGEST = 253


@dataclass(frozen=True)
class Isolation:
    """The directions in which each covered namespace is denied by default, and why it is not in the others."""

    directions: Mapping[str, tuple[str, ...]]
    findings: tuple[Finding, ...]


def isolation(covered: Iterable[str], coverage: pd.DataFrame, scene: Scene) -> Isolation:
    """Decide which namespaces are denied by default: gated by coverage, unless the options say always or never."""
    directions: dict[str, tuple[str, ...]] = {}
    findings: list[Finding] = []
    for namespace in sorted(covered):
        kept = []
        for direction in _DIRECTIONS:
            reason = _reason(namespace, direction, coverage, scene)
            if reason:
                remedy = "observe longer, or insist with default_deny='always'"
                findings.append(
                    Finding("not isolated", namespace, f"{DEFAULT_DENY} {direction}", reason, remedy=remedy)
                )
            else:
                kept.append(direction)
        directions[namespace] = tuple(kept)
    return Isolation(directions, tuple(findings))


def _reason(namespace: str, direction: str, coverage: pd.DataFrame, scene: Scene) -> str:
    choice = scene.options.default_deny
    if choice == "never":
        return "no default-deny was asked for"
    lost = [f"{kind} {name}" for space, kind, name in scene.subjects.unselectable if space == namespace]
    if lost and choice == "gated":
        return f"no rule can be made for {', '.join(lost)}: no lasting label selects its pods"
    return passes(coverage, namespace, direction, scene.options.gate) if choice == "gated" else ""


def default_deny(namespace: str, directions: tuple[str, ...]) -> NetworkPolicy:
    """Isolate every pod of a namespace.

    >>> default_deny("shop", ("Ingress",)).directions
    ('Ingress',)
    """
    return NetworkPolicy(namespace, DEFAULT_DENY, Selector(), directions)


def allow_dns(namespace: str, rules: tuple[Rule, ...]) -> NetworkPolicy:
    """Let every pod of a namespace ask the cluster's DNS."""
    return NetworkPolicy(namespace, ALLOW_DNS, Selector(), (EGRESS,), egress=rules)


def policy_names(subjects: Iterable[Subject]) -> dict[Subject, str]:
    """A name for each subject's policy, its first workload's; with the kind where two would be called the same."""
    found: dict[Subject, str] = {}
    taken = {(subject.namespace, name) for subject in subjects for name in (DEFAULT_DENY, ALLOW_DNS)}
    for subject in sorted(subjects, key=lambda each: (each.namespace, each.name, each.workloads)):
        kind = subject.workloads[0][1].lower()
        plain = _object_name(subject.name)
        tries = [plain, f"{plain}-{_object_name(kind)}", *(f"{plain}-{at}" for at in range(2, len(found) + 4))]
        name = next(each for each in tries if (subject.namespace, each) not in taken)
        taken.add((subject.namespace, name))
        found[subject] = name
    return found


def _object_name(text: str) -> str:
    """A name as Kubernetes takes it (RFC 1123), whatever the workload is called."""
    name = re.sub(r"[^a-z0-9.-]+", "-", text.lower())[: _LONGEST - 24].strip("-.")
    return re.sub(r"[.-]*\.[.-]*", ".", name) or "workload"
