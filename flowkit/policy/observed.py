"""What the network plugin did, against what the judge says: NetworkEvents and drop causes in the flows.

Sources: NetObserv's NetworkEvents (OVN-Kubernetes: Feature acl, Action allow or drop, with the policy's name) and
PktDropLatestDropCause (OVS and kernel causes that a policy can have).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from flowkit.contract import conform, provenance, with_provenance
from flowkit.enrich import Inventory
from flowkit.enrich.sides import column, distinct
from flowkit.policy.judge import judge
from flowkit.policy.policyset import PolicySet
from flowkit.policy.profiles import Profile
from flowkit.transform.network_events import network_events

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
    events = network_events(flows.reset_index(drop=True))
    found = _acls(events).reindex(range(len(flows)))
    cause = _of_causes(flows)
    told = pd.DataFrame(
        {
            "observed": found["observed"].mask(cause.notna(), DENIED),
            "observed_by": cause.where(cause.notna(), found["policy"]),
        }
    ).astype("str")
    return with_provenance(told.set_axis(flows.index), provenance(events))


def _acls(events: pd.DataFrame) -> pd.DataFrame:
    """What the access lists of each flow said, by its row: one denial of several events denies."""
    of_acl = events["Feature"].fillna("acl").str.lower() == "acl"
    action = events["Action"].str.lower().map(_ACTIONS)
    known = events.loc[of_acl & action.notna(), ["row", "policy"]].assign(observed=action)
    # "denied" sorts behind "allowed"
    first = known.sort_values(["row", "observed"], ascending=[True, False], kind="stable").drop_duplicates("row")
    return first.set_index("row")


def _of_causes(flows: pd.DataFrame) -> pd.Series[Any]:
    """The drop cause of each flow where it is one that policies have."""
    codes, causes = distinct(column(flows, "PktDropLatestDropCause"))
    meant = [str(cause) if _is_policy(str(cause)) else None for cause in causes]
    return pd.Series(np.array([*meant, None], dtype=object)[codes], dtype="str")


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
    said = provenance(told).noting(f"{int(known.sum()):,} of {len(flows):,} flows say what the network did to them")
    if not known.any():
        return with_provenance(pd.DataFrame(columns=list(COLUMNS)), said)
    # All flows are judged: a reply is known by its request, of which the network may say nothing.
    judged, both = judge(policies, flows, inventory, profile)[known], told[known]
    rule = judged["rule"].astype("str").fillna("")
    table = flows[known].assign(
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
