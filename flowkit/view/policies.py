"""A policy set as the views take it: verdicts of the matrix's edges, each policy with its YAML and what its rules stand on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from flowkit.enrich import Inventory
from flowkit.matrix import FlowMatrix
from flowkit.policy.edges import judge_edges
from flowkit.policy.model import EGRESS, INGRESS, ClusterPolicy, Direction, NetworkPolicy
from flowkit.policy.policyset import PolicySet
from flowkit.policy.profiles import Profile
from flowkit.policy.synthesis.cleaning import edge_name
from flowkit.view.judged import Judged, PolicyText, RuleText

Policies = PolicySet | str | Path | Iterable[PolicySet | str | Path]
_NAMES = {6: "TCP", 17: "UDP", 132: "SCTP"}
_NOT_JUDGED = (
    "The policies are listed, not judged, for that takes the cluster's objects: fk.judged(matrix, policies, inventory)."
)
_Rule = tuple[str, str, str, int]


@dataclass(frozen=True)
class Judge:
    """Policies that are judged anew for every matrix that is shown, see `judged`."""

    policies: PolicySet
    inventory: Inventory | None = None
    profile: str | Profile = "generic"

    @classmethod
    def of(
        cls, policies: Policies, inventory: Inventory | str | Path | None = None, profile: str | Profile | None = None
    ) -> Judge:
        """Read policies and inventory, from paths where they are that."""
        known = None if inventory is None else Inventory.load(inventory)
        return cls(loaded(policies), known, "generic" if profile is None else profile)

    def judged(self, matrix: FlowMatrix) -> Judged:
        """What the policies say of a matrix."""
        return judged(matrix, self.policies, self.inventory, self.profile)


def loaded(policies: Policies) -> PolicySet:
    """Read a policy set, a folder or file of YAML or JSON, or several of these: of one kind and name the last counts.

    >>> loaded([])
    PolicySet: no policies
    """
    if isinstance(policies, PolicySet | str | Path):
        return PolicySet.load(policies)
    found = PolicySet()
    for each in policies:
        found = found.having(each)
    return found


def judged(
    matrix: FlowMatrix,
    policies: Policies,
    inventory: Inventory | str | Path | None = None,
    profile: str | Profile = "generic",
) -> Judged:
    """Judge a matrix by workload and describe the policies, for `flowkit.report` and the widget.

    `policies` is a policy set, a file or folder, or several of these. A rule shows the edges that it was made from; where the
    set has no evidence, those whose verdict it decides. Without an inventory nothing is judged, and a note says so. Errors
    are those of `flowkit.judge_edges`.

    >>> import warnings
    >>> from flowkit.matrix import EDGE_COLUMNS
    >>> pod = {"kind": "Pod", "metadata": {"name": "a", "namespace": "shop"}, "status": {"podIPs": [{"ip": "10.128.0.5"}]}}
    >>> with warnings.catch_warnings(action="ignore"):
    ...     inventory = Inventory.load({"kind": "List", "items": [pod]})
    >>> judged(FlowMatrix(pd.DataFrame(columns=list(EDGE_COLUMNS))), PolicySet(), inventory).policies
    ()
    """
    policies = loaded(policies)
    verdicts = None if inventory is None else judge_edges(policies, matrix, inventory, profile)
    stands_on = _stands_on(policies, matrix, verdicts)
    said = _words(policies.evidence)
    texts = (_policy_text(policy, policies, stands_on, said) for policy in policies.policies)
    notes = (*policies.notes, *([] if inventory is not None else [_NOT_JUDGED]))
    return Judged(verdicts, (*texts, *map(_cluster_text, policies.tiers)), notes)


def _stands_on(policies: PolicySet, matrix: FlowMatrix, verdicts: pd.DataFrame | None) -> Mapping[_Rule, set[int]]:
    if policies.evidence is not None:
        return _from_evidence(policies.evidence, matrix)
    return {} if verdicts is None else _from_verdicts(verdicts)


def _policy_text(
    policy: NetworkPolicy, policies: PolicySet, stands_on: Mapping[_Rule, set[int]], said: Mapping[_Rule, str]
) -> PolicyText:
    alone = replace(policies, policies=(policy,), tiers=())
    rules = [
        RuleText(said.get(key, f"{direction} rule {key[3]}"), tuple(sorted(stands_on.get(key, ()))))
        for direction in (INGRESS, EGRESS)
        for key in _keys(policy, direction)
    ]
    return PolicyText(policy.namespace, policy.name, alone.yaml(), tuple(rules))


def _keys(policy: NetworkPolicy, direction: Direction) -> Iterable[_Rule]:
    return ((policy.namespace, policy.name, direction, number) for number in range(len(policy.rules(direction))))


def _cluster_text(policy: ClusterPolicy) -> PolicyText:
    """A cluster-wide policy is shown by its place: its rules are written by other hands and kept in other files."""
    return PolicyText("", f"{policy.kind}/{policy.name}", f"# {policy.kind} {policy.name}, read from {policy.place}\n")


def _words(evidence: pd.DataFrame | None) -> dict[_Rule, str]:
    """What each rule says: whom, and on which ports."""
    if evidence is None:
        return {}
    found = {}
    for key, rows in evidence.groupby(["namespace", "policy", "direction", "rule"], sort=False):
        namespace, policy, direction, number = map(str, key)
        ports = dict.fromkeys(rows["port"].astype("str") + "/" + rows["proto"].map(_NAMES))
        way = "to" if direction == EGRESS else "from"
        said = f"{direction} {way} {', '.join(dict.fromkeys(rows['peer']))} on {', '.join(ports)}"
        found[namespace, policy, direction, int(number)] = said
    return found


def _from_evidence(evidence: pd.DataFrame, matrix: FlowMatrix) -> dict[_Rule, set[int]]:
    rows: dict[str, list[int]] = {}
    for at, edge in enumerate(matrix.edges.itertuples(index=False)):
        rows.setdefault(edge_name(edge), []).append(at)
    found: dict[_Rule, set[int]] = {}
    columns = (evidence[name].astype("str") for name in ("namespace", "policy", "direction", "rule", "edge"))
    for namespace, policy, direction, number, edge in zip(*columns, strict=True):
        found.setdefault((namespace, policy, direction, int(number)), set()).update(rows.get(edge, ()))
    return found


def _from_verdicts(verdicts: pd.DataFrame) -> dict[_Rule, set[int]]:
    """Rules are called ``shop/web ingress[0]`` in verdicts; that of a denied edge is only the one that comes nearest."""
    parts = verdicts["rule"].str.extract(
        r"^(?P<namespace>[^/]*)/(?P<policy>.*) (?P<way>ingress|egress)\[(?P<number>\d+)\]$"
    )
    known = parts.assign(at=range(len(parts)))[verdicts["verdict"] == "allowed"].dropna()
    found: dict[_Rule, set[int]] = {}
    for namespace, policy, way, number, at in zip(*(known[name].astype("str") for name in known), strict=True):
        found.setdefault((namespace, policy, way.capitalize(), int(number)), set()).add(int(at))
    return found
