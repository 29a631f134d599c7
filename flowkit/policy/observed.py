"""What the network plugin did, against what the judge says: NetworkEvents and drop causes in the flows.

Sources: NetObserv's NetworkEvents (OVN-Kubernetes: Feature acl, Action allow or drop, with the policy's name) and
PktDropLatestDropCause (OVS and kernel causes that a policy can have).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from flowkit.contract import conform, provenance, with_provenance
from flowkit.enrich import Inventory
from flowkit.enrich.sides import distinct
from flowkit.policy.judge import judge
from flowkit.policy.policyset import PolicySet
from flowkit.policy.profiles import Profile

COLUMNS = (
    "SrcAddr",
    "DstAddr",
    "DstPort",
    "Proto",
    "observed",
    "observed_by",
    "verdict",
    "judged_by",
    "reason",
    "flows",
)
ALLOWED, DENIED = "allowed", "denied"
_ACTIONS = {
    "allow": ALLOWED,
    "allow-related": ALLOWED,
    "allow-stateless": ALLOWED,
    "drop": DENIED,
    "reject": DENIED,
    "deny": DENIED,
}
# Drops by rule; congestion, checksums, closed sockets and the like say nothing of policies.
_BY_POLICY = (
    "OVS_DROP_EXPLICIT",
    "OVS_DROP_LAST_ACTION",
    "SKB_DROP_REASON_NETFILTER_DROP",
    "SKB_DROP_REASON_BPF_CGROUP_EGRESS",
)
_EVENT = "NetworkEvent_"


def observed(flows: pd.DataFrame) -> pd.DataFrame:
    """What the network plugin said of each flow: columns ``observed`` (allowed, denied, missing: nothing) and ``observed_by``.

    One denial of several events denies. Drop causes that no policy has count as nothing.

    >>> event = {"Feature": "acl", "Action": "drop", "Type": "NetworkPolicy", "Namespace": "shop", "Name": "deny"}
    >>> flows = pd.DataFrame({"SrcAddr": ["10.0.0.1", "10.0.0.2"], "NetworkEvents": [[event], None]})
    >>> observed(flows)["observed"].fillna("").tolist()
    ['denied', '']
    """
    said = (
        [_of_events(each) for each in flows["NetworkEvents"]]
        if "NetworkEvents" in flows.columns
        else [None] * len(flows)
    )
    dropped = _of_causes(flows)
    both = [cause if cause else event for event, cause in zip(said, dropped, strict=True)]
    return pd.DataFrame(
        {
            "observed": pd.array([each[0] if each else None for each in both], dtype="str"),
            "observed_by": pd.array([each[1] if each else None for each in both], dtype="str"),
        },
        index=flows.index,
    )


_Said = tuple[str, str] | None


def _of_events(events: Any) -> _Said:
    acls = [_of_event(event) for event in events if isinstance(event, dict)] if isinstance(events, list) else []
    told = [each for each in acls if each]
    return next((each for each in told if each[0] == DENIED), told[0] if told else None)


def _of_event(event: dict[str, Any]) -> _Said:
    action = _ACTIONS.get(str(event.get("Action", "")).lower())
    if action is None or str(event.get("Feature", "acl")).lower() != "acl":
        return None
    name = "/".join(str(event[key]) for key in ("Namespace", "Name") if event.get(key))
    way = f" {event['Direction']}" if event.get("Direction") else ""
    return action, f"{event.get('Type', '')} {name}{way}".strip()


def _of_causes(flows: pd.DataFrame) -> list[_Said]:
    if "PktDropLatestDropCause" not in flows.columns:
        return [None] * len(flows)
    codes, causes = distinct(flows["PktDropLatestDropCause"])
    meant: list[_Said] = [(DENIED, str(cause)) if _is_policy(str(cause)) else None for cause in causes]
    return [[*meant, None][code] for code in codes]


def _is_policy(cause: str) -> bool:
    return cause in _BY_POLICY or cause.startswith(_EVENT)


def disagreements(
    policies: PolicySet | str | Path,
    flows: pd.DataFrame,
    inventory: Inventory | str | Path,
    profile: str | Profile = "generic",
) -> pd.DataFrame:
    """List where the network did otherwise than the judge says, with both reasons (columns ``COLUMNS``), most flows first.

    The provenance notes how many flows say what was done to them; the others cannot be compared. Undecided verdicts are listed
    as well: the network knows.
    """
    flows = conform(flows)
    told = observed(flows)
    known = told["observed"].notna()
    part = flows[known].reset_index(drop=True)
    said = provenance(flows).noting(f"{int(known.sum()):,} of {len(flows):,} flows say what the network did to them")
    if part.empty:
        return with_provenance(pd.DataFrame(columns=list(COLUMNS)), said)
    judged = judge(policies, part, inventory, profile)
    both = told[known].reset_index(drop=True)
    rule = judged["rule"].astype("str").fillna("")
    table = part.assign(
        observed=both["observed"],
        observed_by=both["observed_by"],
        verdict=judged["verdict"].astype("str"),
        judged_by=rule.where(rule != "", judged["policy"].astype("str").fillna("")),
        reason=judged["reason"].astype("str"),
    )
    other = table[table["observed"] != table["verdict"]]
    keys = [name for name in COLUMNS if name != "flows" and name in other.columns]
    counted = other.groupby(keys, sort=True, dropna=False, observed=True).size().rename("flows").reset_index()
    return with_provenance(counted.sort_values("flows", ascending=False, kind="stable", ignore_index=True), said)
