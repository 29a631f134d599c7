"""A policy set held against observed flows, for a pipeline: what it denies, what nobody uses, and whom nobody has tested."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from flowkit.contract import conform
from flowkit.enrich import Inventory
from flowkit.errors import PolicyError
from flowkit.policy.model import PROTOCOLS
from flowkit.policy.policyset import PolicySet
from flowkit.policy.profiles import Profile, profile_of
from flowkit.policy.verify.calls import Calls
from flowkit.policy.verify.names import workloads_of
from flowkit.policy.verify.rows import rows_of
from flowkit.policy.verify.verifying import Verification, verification
from flowkit.policy.world import World

KINDS = ("denied", "unused", "untested")
COLUMNS = ("kind", "policy", "place", "what", "detail", "connections")
_PROTOCOL_NAMES = {number: name for name, number in PROTOCOLS.items()}


@dataclass(frozen=True)
class Check:
    """The `findings` (columns ``COLUMNS``) and the verification behind them.

    ``denied``: answered connections that the policies deny. ``unused``: rules, peers and ports that no connection needs and
    nobody chose to keep (annotation ``flowkit/chosen``).
    ``untested``: workloads that a policy isolates and of which no connection was seen: nobody knows what would break.
    """

    findings: pd.DataFrame
    verification: Verification

    def failing(self, kinds: Iterable[str]) -> pd.DataFrame:
        """The findings of these kinds; raises `PolicyError` for a kind that there is not."""
        asked = list(kinds)
        for kind in asked:
            if kind not in KINDS:
                raise PolicyError(f"no kind of finding '{kind}': choose among {', '.join(KINDS)}")
        return self.findings[self.findings["kind"].isin(asked)].reset_index(drop=True)

    @property
    def line(self) -> str:
        """The check in one line: the verification, and how many findings of each kind."""
        counts = self.findings["kind"].value_counts()
        return f"{self.verification.line}; " + ", ".join(f"{counts.get(kind, 0)} {kind}" for kind in KINDS)


def check(
    policies: PolicySet | str | Path,
    flows: pd.DataFrame,
    inventory: Inventory | str | Path,
    profile: str | Profile = "generic",
) -> Check:
    """Check policies (see `PolicySet.load`) against flows that were observed.

    >>> pod = {"kind": "Pod", "metadata": {"name": "a", "namespace": "shop"}, "status": {"podIPs": [{"ip": "10.128.0.5"}]}}
    >>> deny = {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
    ...         "metadata": {"name": "deny", "namespace": "shop"}, "spec": {"podSelector": {}}}
    >>> flows = pd.DataFrame({"SrcAddr": ["203.0.113.9"], "DstAddr": ["10.128.0.5"], "SrcPort": [51000], "DstPort": [80],
    ...                       "Proto": [6], "Flags": [["SYN", "ACK"]]})
    >>> import warnings
    >>> with warnings.catch_warnings(action="ignore"):
    ...     check(PolicySet.load(deny), flows, Inventory.load({"kind": "List", "items": [pod]})).findings["what"].tolist()
    ['203.0.113.9 → shop/a:80/TCP']
    """
    policies, inventory, chosen = PolicySet.load(policies), Inventory.load(inventory), profile_of(profile)
    calls = Calls.of(conform(flows), World.of(inventory))
    found = verification(policies, calls, inventory, chosen)
    places = {f"{policy.namespace}/{policy.name}": policy.place for policy in policies.policies}
    rows = [*_denied(found), *_unused(found), *_untested(policies, calls, inventory)]
    table = pd.DataFrame(rows, columns=[name for name in COLUMNS if name != "place"])
    table["place"] = [places.get(policy.split(", ")[0], "") for policy in table["policy"]]
    texts = [name for name in COLUMNS if name != "connections"]
    return Check(table[list(COLUMNS)].astype({**dict.fromkeys(texts, "str"), "connections": "int64"}), found)


_Row = tuple[str, str, str, str, int]


def _denied(found: Verification) -> list[_Row]:
    return [
        (
            "denied",
            str(row.policy),
            f"{row.client} → {row.server}:{row.port}/{_PROTOCOL_NAMES[row.proto]}",
            f"{row.direction}: {row.reason}{f' ({row.rule})' if row.rule else ''}",
            int(row.connections),
        )
        for row in rows_of(found.broken)
    ]


def _unused(found: Verification) -> list[_Row]:
    return [
        (
            "unused",
            str(row.policy),
            f"{str(row.direction).lower()}[{row.rule}] {row.part} {row.what}".strip(),
            "no connection needs it",
            0,
        )
        for row in rows_of(found.removable)
    ]


def _untested(policies: PolicySet, calls: Calls, inventory: Inventory) -> list[_Row]:
    """Workloads of the pod network under any policy, of which no call was seen."""
    owners = workloads_of(calls.world, inventory)
    seen = {owners[party] for parties in calls.parties for party in parties if 0 <= party < len(owners)}
    under: dict[tuple[str, str, str], str] = {}
    for pod, owner in zip(calls.world.pods, owners, strict=True):
        if pod.addresses and not pod.host_network and owner not in seen:
            names = [
                f"{policy.namespace}/{policy.name}"
                for policy in policies.policies
                if policy.namespace == pod.namespace and policy.subject.matches(pod.labels)
            ]
            if names:
                under[owner] = ", ".join(names)
    return [
        ("untested", names, f"{kind} {namespace}/{name}", "isolated, and no connection of it was seen", 0)
        for (namespace, kind, name), names in sorted(under.items())
    ]
