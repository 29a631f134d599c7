"""Drift: what a policy set denies of later flows, and which of its rules those flows no longer use."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from flowkit.contract import conform
from flowkit.enrich import Inventory
from flowkit.matrix.flowmatrix import STATES
from flowkit.policy.judge.ruling import Ruling
from flowkit.policy.policyset import PolicySet
from flowkit.policy.profiles import Profile, profile_of
from flowkit.policy.verify.calls import Calls
from flowkit.policy.verify.completeness import Replay
from flowkit.policy.verify.irredundancy import redundant
from flowkit.policy.world import World


@dataclass(frozen=True)
class Drift:
    """`denied`: answered calls that the set denies now, with the reason (another port, another peer, a new label); `unused`:
    rules, peers and ports without a call. Columns as in `Verification.refused` and `Verification.redundant`.
    """

    denied: pd.DataFrame
    unused: pd.DataFrame

    def __repr__(self) -> str:
        return f"Drift: {len(self.denied)} edges denied, {len(self.unused)} rules, peers and ports unused"


def drift(
    policies: PolicySet, flows: pd.DataFrame, inventory: Inventory | str | Path, profile: str | Profile = "generic"
) -> Drift:
    """Hold later flows against a policy set: what it denies of them now, and which rules they do not use.

    Reasons tell what is new: another port of a known peer, another peer, right labels in another namespace.
    """
    inventory, chosen = Inventory.load(inventory), profile_of(profile)
    calls = Calls.of(conform(flows), World.of(inventory), STATES[:1])
    ruling = Ruling.of(policies, calls.world, chosen)
    refused = Replay.of(calls, ruling).refused(inventory)
    denied = refused[refused["verdict"] == "denied"].reset_index(drop=True)
    return Drift(denied, redundant(policies, calls, ruling))
