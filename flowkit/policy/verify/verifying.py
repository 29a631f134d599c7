"""The verification of a policy set: completeness, tightness, irredundancy and both ends, as one value and one line."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from flowkit.contract import conform
from flowkit.enrich import Inventory
from flowkit.errors import PolicyError
from flowkit.manifests.documents import Manifest
from flowkit.matrix.flowmatrix import STATES
from flowkit.policy.judge.ruling import Ruling
from flowkit.policy.model import NetworkPolicy
from flowkit.policy.policyset import PolicySet
from flowkit.policy.profiles import Profile, profile_of
from flowkit.policy.verify.calls import Calls
from flowkit.policy.verify.completeness import Replay
from flowkit.policy.verify.irredundancy import redundant
from flowkit.policy.verify.tightness import Causes, Tightness
from flowkit.policy.world import World

_NEEDED = STATES[0]


@dataclass(frozen=True)
class Verification:
    """What a policy set does to what was seen, and to what was not.

    `refused`: calls that are not allowed (columns of `flowkit.policy.verify.completeness`); of answered ones each is something
    that would break. `tightness`: what is allowed and was never seen, by rule and cause. `redundant`: rules, peers and ports
    that no observed connection needs. `both_ends`: calls this set allows and policies of other namespaces refuse. `calls`,
    `connections`: how many were observed and answered; `others`, `denied`, `undecided`: cells beyond the observed ones.
    """

    calls: int
    connections: int
    refused: pd.DataFrame
    others: int
    denied: int
    undecided: int
    tightness: pd.DataFrame
    redundant: pd.DataFrame
    both_ends: pd.DataFrame

    @property
    def broken(self) -> pd.DataFrame:
        """Answered calls that the set denies: what would break."""
        return self.refused[(self.refused["state"] == _NEEDED) & (self.refused["verdict"] == "denied")]

    @property
    def removable(self) -> pd.DataFrame:
        """What could be taken away and nobody chose to keep."""
        return self.redundant[~self.redundant["by_choice"]]

    @property
    def is_complete(self) -> bool:
        """Whether every observed connection is allowed."""
        return self.broken.empty

    @property
    def line(self) -> str:
        """The verification in one line.

        >>> empty = pd.DataFrame({"state": [], "verdict": [], "connections": [], "by_choice": pd.Series([], dtype=bool)})
        >>> Verification(3, 9, empty, 40, 38, 0, empty, empty, empty).line
        'every observed connection allowed (9 on 3 calls), 38 of 40 other cells denied, nothing removable'
        """
        return ", ".join([self._kept(), *self._unsure(), self._tight(), self._needed()])

    def _kept(self) -> str:
        if self.is_complete:
            return f"every observed connection allowed ({self.connections:,} on {self.calls:,} calls)"
        lost = int(self.broken["connections"].sum())
        return f"{lost:,} of {self.connections:,} observed connections denied ({len(self.broken):,} edges)"

    def _unsure(self) -> list[str]:
        unsure = self.refused[(self.refused["state"] == _NEEDED) & (self.refused["verdict"] == "undecided")]
        return [f"{int(unsure['connections'].sum()):,} of them undecided"] if len(unsure) else []

    def _tight(self) -> str:
        unsure = f" ({self.undecided:,} undecided)" if self.undecided else ""
        return f"{self.denied:,} of {self.others:,} other cells denied{unsure}"

    def _needed(self) -> str:
        return f"{len(self.removable):,} parts removable" if len(self.removable) else "nothing removable"

    def __repr__(self) -> str:
        return f"Verification: {self.line}"


def verify(
    policies: PolicySet, flows: pd.DataFrame, inventory: Inventory | str | Path, profile: str | Profile = "generic"
) -> Verification:
    """Replay `flows` against `policies`, judge every cell nobody used, and look for what could be taken away.

    Policies of other namespaces that the inventory holds (NetworkPolicy objects) are asked too: see `Verification.both_ends`.
    Raises `PolicyError` for flows without a single connection.

    >>> from flowkit.policy.policyset import PolicySet
    >>> import warnings
    >>> pods = [{"kind": "Pod", "metadata": {"name": name, "namespace": "shop"}, "status": {"podIPs": [{"ip": address}]}}
    ...         for name, address in (("web", "10.128.0.5"), ("api", "10.128.0.6"))]
    >>> flows = pd.DataFrame({"SrcAddr": ["10.128.0.5"], "DstAddr": ["10.128.0.6"], "SrcPort": [51000], "DstPort": [80],
    ...                       "Proto": [6], "Flags": [["SYN", "ACK"]]})
    >>> with warnings.catch_warnings(action="ignore"):
    ...     verify(PolicySet(), flows, Inventory.load({"kind": "List", "items": pods})).is_complete
    True
    """
    inventory, chosen = Inventory.load(inventory), profile_of(profile)
    calls = Calls.of(conform(flows), World.of(inventory))
    if not len(calls):
        raise PolicyError("these flows hold no connection over TCP, UDP or SCTP to verify policies with")
    return verification(policies, calls, inventory, chosen)


def verification(policies: PolicySet, calls: Calls, inventory: Inventory, profile: Profile) -> Verification:
    """Verify with calls that are read already."""
    ruling = Ruling.of(policies, calls.world, profile)
    needed = calls.only((calls.table["state"] == STATES.index(_NEEDED)).to_numpy())
    refused, others = Replay.of(calls, ruling).refused(inventory), _of_others(policies, inventory)
    tight = Tightness.of(ruling, needed, inventory, Causes.of(policies.evidence, policies.findings))
    return Verification(
        len(needed),
        int(needed.table["connections"].sum()),
        refused,
        tight.others,
        tight.denied,
        tight.undecided,
        tight.table,
        redundant(policies, needed, ruling),
        _both_ends(policies, others, needed, inventory, profile) if others else refused.head(0),
    )


def _both_ends(
    policies: PolicySet, others: tuple[NetworkPolicy, ...], calls: Calls, inventory: Inventory, profile: Profile
) -> pd.DataFrame:
    """The calls that policies of other namespaces, as the inventory has them, deny although this set allows them."""
    everything = replace(policies, policies=(*policies.policies, *others))
    refused = Replay.of(calls, Ruling.of(everything, calls.world, profile)).refused(inventory)
    named = {f"{policy.namespace}/{policy.name}" for policy in others}
    by_others = [bool(named & set(text.split(", "))) for text in refused["policy"]]
    return refused[by_others].reset_index(drop=True)


def _of_others(policies: PolicySet, inventory: Inventory) -> tuple[NetworkPolicy, ...]:
    """The policies the inventory holds of namespaces that this set says nothing about."""
    ours = {policy.namespace for policy in policies.policies}
    bodies = inventory.bodies.get("NetworkPolicy", ())
    there = PolicySet.of([Manifest(dict(body), "inventory", "NetworkPolicy") for body in bodies])
    return tuple(policy for policy in there.policies if policy.namespace not in ours)
