"""The difference of two policy sets in what they allow, cell by cell, not in their text."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from flowkit.contract import conform
from flowkit.enrich import Inventory
from flowkit.policy.judge.reasons import ALLOWED, VERDICTS
from flowkit.policy.judge.ruling import Ruling
from flowkit.policy.policyset import PolicySet
from flowkit.policy.profiles import Profile, profile_of
from flowkit.policy.verify.calls import Calls
from flowkit.policy.verify.universe import Universe
from flowkit.policy.world import World

COLUMNS = ("change", "client", "server", "port", "proto", "before", "after")
ADDED, REMOVED, CHANGED = "added", "removed", "changed"


def policy_diff(
    before: PolicySet,
    after: PolicySet,
    inventory: Inventory | str | Path,
    profile: str | Profile = "generic",
    *,
    flows: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """List the cells that two policy sets judge differently: what `after` allows in addition, and what it no longer does.

    Columns: ``change`` (added, removed, or changed where one of them is undecided), ``client server port proto before after``.
    Cells are all pairs of workloads, nodes and outside addresses, on every port that either set names, a container declares or
    `flows` show. Sorted by change, client, server.

    >>> pod = {"kind": "Pod", "metadata": {"name": "a", "namespace": "shop"}, "status": {"podIPs": [{"ip": "10.128.0.5"}]}}
    >>> import warnings
    >>> with warnings.catch_warnings(action="ignore"):
    ...     len(policy_diff(PolicySet(), PolicySet(), Inventory.load({"kind": "List", "items": [pod]})))
    0
    """
    inventory, chosen = Inventory.load(inventory), profile_of(profile)
    world = World.of(inventory)
    calls = Calls.of(conform(flows), world) if flows is not None else Calls.none(world)
    both = PolicySet((*before.policies, *after.policies), (*before.tiers, *after.tiers))
    whole = Ruling.of(both, world, chosen)
    universe = Universe.of(whole, calls, inventory, _ports(both), _addresses(both))
    old, new = (Ruling.of(each, world, chosen) for each in (before, after))
    found = []
    cuts = [(ruling, universe.classes_of(ruling)) for ruling in (old, new)]
    for slab in universe.slabs():
        possible = [universe.may(ruling, classes, slab) for ruling, classes in cuts]
        for part in universe.portions(slab, slab.valid & (possible[0] | possible[1])):
            cells = [universe.cells(classes, part.client, part.service) for _, classes in cuts]
            verdicts = [ruling.judge(each).verdict for (ruling, _), each in zip(cuts, cells, strict=True)]
            rows = np.flatnonzero(verdicts[0] != verdicts[1])
            found.append(_table(universe, part.client[rows], part.service[rows], [each[rows] for each in verdicts]))
    table = pd.concat(found, ignore_index=True) if found else pd.DataFrame(columns=list(COLUMNS))
    return table.drop_duplicates().sort_values(list(COLUMNS[:5]), ignore_index=True)


def _table(universe: Universe, client: np.ndarray, service: np.ndarray, verdicts: list[np.ndarray]) -> pd.DataFrame:
    names, words = np.array(universe.ends.names, dtype=object), np.array(VERDICTS, dtype=object)
    before, after = (each.astype(np.int64) for each in verdicts)
    return pd.DataFrame(
        {
            "change": np.select(
                [(after == ALLOWED) & (before == 1), (before == ALLOWED) & (after == 1)], [ADDED, REMOVED], CHANGED
            ),
            "client": names[client],
            "server": names[universe.server[service]],
            "port": universe.port[service],
            "proto": universe.proto[service],
            "before": words[before],
            "after": words[after],
        }
    )


def _ports(policies: PolicySet) -> list[tuple[int, int]]:
    """Every numbered port that a rule names, of a range its ends."""
    rules = [rule.ports for policy in policies.policies for rule in (*policy.ingress, *policy.egress)]
    rules += [rule.ports for policy in policies.tiers for rule in (*policy.ingress, *policy.egress)]
    ports = [port for listed in rules for port in listed]
    return sorted({(p.protocol, number) for p in ports for number in (p.port, p.end) if isinstance(number, int)})


def _addresses(policies: PolicySet) -> list[str]:
    """The first address of every block: whatever a set names outside is asked for."""
    peers = [peer for p in policies.policies for rule in (*p.ingress, *p.egress) for peer in rule.peers]
    return sorted({peer.block.cidr.partition("/")[0] for peer in peers if peer.block})
