"""From a flow matrix to the policy set that allows exactly it: cleaning, subjects, rules, isolation, evidence."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from flowkit.contract import provenance, with_provenance
from flowkit.enrich import Inventory, SubnetLabels, openshift
from flowkit.enrich.subnets import Source
from flowkit.errors import PolicyError
from flowkit.matrix import FlowMatrix
from flowkit.policy.model import EGRESS, INGRESS, NetworkPolicy
from flowkit.policy.policyset import PolicySet
from flowkit.policy.profiles import Profile, profile_of
from flowkit.policy.synthesis import findings as found
from flowkit.policy.synthesis.annotations import annotated
from flowkit.policy.synthesis.cleaning import Wanted, cleaned
from flowkit.policy.synthesis.ends import DNS
from flowkit.policy.synthesis.isolation import ALLOW_DNS, Isolation, allow_dns, default_deny, isolation, policy_names
from flowkit.policy.synthesis.options import Options
from flowkit.policy.synthesis.outside import widened_outside
from flowkit.policy.synthesis.relations import EVIDENCE, Needs, Written, needs, written
from flowkit.policy.synthesis.scene import Scene
from flowkit.policy.synthesis.selectors import Subject
from flowkit.policy.synthesis.widening import clashes, widened
from flowkit.policy.verify.coverage import coverage

_PLATFORM = ("kube-", "openshift")
_FILTER = "namespace "


def synthesise(
    matrix: FlowMatrix,
    inventory: Inventory | str | Path,
    profile: str | Profile = "generic",
    *,
    subnets: Source | None = None,
    options: Options | None = None,
) -> PolicySet:
    """Make the policies that allow the answered connections of `matrix` and, where coverage permits, nothing else.

    `matrix` is at workload level. `subnets` (see `SubnetLabels.load`) give the ranges of subnet labels: an outside end with a
    known label becomes all its ranges, any other its exact addresses. The set's `evidence` has a row a rule and edge
    (columns ``EVIDENCE``), its `findings` a row for everything that was left out, widened or guessed, its `coverage` what is
    known of each workload. The same input gives the same set, in every order of its rows.

    Raises `PolicyError` for a matrix of another level, or filtered by more than a namespace: what is not in it would be denied.

    >>> synthesise(FlowMatrix(pd.DataFrame(), by="address"), Inventory((), (), {}, {}))
    Traceback (most recent call last):
    flowkit.errors.PolicyError: policies are made of a matrix by workload, this one is by address: fk.matrix(flows)
    """
    options = options or Options()
    inventory = Inventory.load(inventory)
    labels = None if subnets is None else SubnetLabels.load(subnets, inventory.subnets or openshift.DEFAULTS)
    scene = Scene(inventory, profile_of(profile), options, labels)
    covered = _covered(matrix, scene)
    wanted, findings = cleaned(matrix, scene, covered)
    known = coverage(matrix.edges, _declared(scene), options.gate)
    isolated = isolation(covered, known, scene)
    draft = _draft(wanted, scene, isolated)
    findings += [*isolated.findings, *clashes(scene, covered), *widened(draft.evidence)]
    evidence = _evidence(draft.evidence)
    policies = annotated(draft.policies, evidence, matrix)
    return PolicySet(
        policies,
        evidence=with_provenance(evidence, provenance(matrix.edges)),
        findings=found.table(findings),
        coverage=known[known["namespace"].isin(covered)].reset_index(drop=True),
        notes=_notes(matrix, scene),
    )


def _covered(matrix: FlowMatrix, scene: Scene) -> frozenset[str]:
    """The namespaces that get policies."""
    if matrix.by != "workload":
        way = "fk.matrix(flows)"
        raise PolicyError(f"policies are made of a matrix by workload, this one is by {matrix.by}: {way}")
    chosen = [each for each in matrix.filters if each.startswith(_FILTER)]
    others = [each for each in matrix.filters if each not in chosen and each not in scene.options.states]
    if others:
        raise PolicyError(
            f"this matrix is filtered ({', '.join(others)}): policies made of it would deny what is left out"
        )
    here = {key[0] for key in scene.workloads}
    for namespace in scene.options.namespaces:
        if namespace not in here:
            raise PolicyError(
                f"no pods of namespace '{namespace}' are in the inventory: {', '.join(sorted(here))} have some"
            )
    asked = set(scene.options.namespaces) or {each.removeprefix(_FILTER) for each in chosen}
    if chosen and not asked <= {each.removeprefix(_FILTER) for each in chosen}:
        raise PolicyError(f"this matrix is filtered ({', '.join(chosen)}): make policies of that namespace only")
    seen = {*matrix.edges["from_namespace"], *matrix.edges["to_namespace"]}
    return frozenset(asked or {each for each in seen & here if not each.startswith(_PLATFORM)})


def _declared(scene: Scene) -> dict[tuple[str, str, str], set[tuple[int, int]]]:
    return {
        key: {(proto, number) for pod in workload.pods for _, number, proto in pod.ports}
        for key, workload in scene.workloads.items()
    }


@dataclass(frozen=True)
class _Draft:
    policies: tuple[NetworkPolicy, ...]
    evidence: list[dict[str, Any]]


def _draft(wanted: Iterable[Wanted], scene: Scene, isolated: Isolation) -> _Draft:
    """All policies in their order: by namespace, default-deny and DNS first, then by name."""
    needed = needs(wanted, scene, frozenset(isolated.directions))
    names = policy_names({subject for _, subject in needed})
    policies: list[NetworkPolicy] = []
    evidence: list[dict[str, Any]] = []
    for namespace, directions in isolated.directions.items():
        own = {key: need for key, need in needed.items() if key[1].namespace == namespace}
        if directions:
            policies.append(default_deny(namespace, directions))
        if EGRESS in directions:
            policies += _dns_policy(namespace, own, scene, evidence)
        for subject in sorted({subject for _, subject in own}, key=names.__getitem__):
            parts = {
                direction: widened_outside(own[direction, subject], scene)
                for direction in (INGRESS, EGRESS)
                if (direction, subject) in own
            }
            policies += _subject_policy(
                subject, names[subject], {d: written(n, namespace, d, scene) for d, n in parts.items()}, evidence
            )
    return _Draft(tuple(policies), evidence)


def _dns_policy(
    namespace: str, own: dict[tuple[str, Subject], Needs], scene: Scene, evidence: list[dict[str, Any]]
) -> list[NetworkPolicy]:
    """One policy for the namespace's look-ups, which then need no rule in any other; none when nobody looked anything up."""
    together = Needs()
    for (direction, _), need in own.items():
        for end in [end for end in need.ports if end.kind == DNS and direction == EGRESS]:
            for served in need.ports.pop(end):
                for each in need.behind[end, served]:
                    together.add(end, served, each)
    if not together.ports:
        return []
    whole = written(together, namespace, EGRESS, scene)
    evidence += [{"policy": ALLOW_DNS, **row} for row in whole.evidence]
    return [allow_dns(namespace, whole.rules)]


def _subject_policy(
    subject: Subject, name: str, parts: dict[str, Written], evidence: list[dict[str, Any]]
) -> list[NetworkPolicy]:
    rules = {direction: part.rules for direction, part in parts.items() if part.rules}
    for part in parts.values():
        evidence += [{"policy": name, **row} for row in part.evidence]
    if not rules:
        return []
    ways = rules.get(INGRESS, ()), rules.get(EGRESS, ())
    return [NetworkPolicy(subject.namespace, name, subject.selector, tuple(rules), *ways)]


def _evidence(rows: list[dict[str, Any]]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=list(EVIDENCE))
    times = {name: pd.to_datetime(table[name], utc=True).astype("datetime64[ms, UTC]") for name in ("first", "last")}
    texts = [name for name in EVIDENCE if name not in ("rule", "proto", "connections", *times)]
    return table.assign(**times).astype(
        {**dict.fromkeys(texts, "str"), "rule": "int64", "connections": "int64", "proto": "int64"}
    )


def _notes(matrix: FlowMatrix, scene: Scene) -> tuple[str, ...]:
    """What a reader of the set must know of the data behind it."""
    said = matrix.provenance
    sampled = said.sampling if said.sampling and said.sampling > 1 else None
    notes = [*scene.inventory.notes]
    if sampled:
        notes.append(f"sampled 1:{sampled}: short connections may be missing, and would be denied")
    if matrix.unnamed is None:
        notes.append("the matrix was not made of flows: outside addresses are known by their subnet label alone")
    notes += [f"left out of the flows: {count:,} {reason}" for reason, count in said.losses.items()]
    return tuple(notes)
