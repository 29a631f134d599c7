"""Time hold-out: policies made of the first part of the observation, held against the rest of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from flowkit.contract import conform
from flowkit.enrich import Inventory
from flowkit.enrich.sides import integers
from flowkit.enrich.subnets import Source
from flowkit.errors import PolicyError
from flowkit.matrix import matrix
from flowkit.policy.profiles import Profile
from flowkit.policy.synthesis import Options, synthesise
from flowkit.policy.verify.verifying import verify


@dataclass(frozen=True)
class HoldOut:
    """What policies of the first part would have denied of the rest: connections and edges, of how many, and which."""

    split: pd.Timestamp
    connections: int
    denied_connections: int
    denied: pd.DataFrame

    @property
    def share(self) -> float:
        """The share of the later connections that would have been denied."""
        return self.denied_connections / self.connections if self.connections else 0.0

    def __repr__(self) -> str:
        return (
            f"HoldOut: {self.denied_connections:,} of {self.connections:,} connections after {self.split:%Y-%m-%d %H:%M:%S} "
            f"would have been denied ({self.share:.1%})"
        )


def hold_out(
    flows: pd.DataFrame,
    inventory: Inventory | str | Path,
    profile: str | Profile = "generic",
    *,
    share: float = 0.7,
    subnets: Source | None = None,
) -> HoldOut:
    """Make policies of the first `share` of the time (denied by default everywhere), and replay the rest.

    Raises `PolicyError` for flows without times, or a share that leaves nothing on either side.
    """
    flows = conform(flows)
    ends = integers(flows, "TimeFlowEndMs")
    known = ends[ends >= 0]
    cut = int(known.min() + share * (known.max() - known.min())) if len(known) else 0
    early, late = (flows[mask].reset_index(drop=True) for mask in ((ends >= 0) & (ends <= cut), ends > cut))
    if early.empty or late.empty:
        raise PolicyError(
            f"a hold-out of {share:.0%} leaves no flows on one side: take another share, or flows with times"
        )
    inventory = Inventory.load(inventory)
    options = Options(default_deny="always")
    policies = synthesise(matrix(early), inventory, profile, subnets=subnets, options=options)
    later = verify(policies, late, inventory, profile)
    denied = int(later.broken["connections"].sum())
    return HoldOut(
        pd.Timestamp(cut, unit="ms", tz="UTC"), later.connections, denied, later.broken.reset_index(drop=True)
    )
