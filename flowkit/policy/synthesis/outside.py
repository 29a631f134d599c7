"""Step 5, on request: outside addresses as prefixes, or as everywhere outside. Each is a choice, and marked as one."""

from __future__ import annotations

import ipaddress

from flowkit.policy.synthesis.ends import ADDRESS, ANYWHERE, RANGE, End
from flowkit.policy.synthesis.grouping import Served
from flowkit.policy.synthesis.ranges import PRIVATE, own_ranges, prefixes
from flowkit.policy.synthesis.relations import Needs
from flowkit.policy.synthesis.scene import Scene


def widened_outside(need: Needs, scene: Scene) -> Needs:
    """What a subject needs, with its outside addresses widened as the options say; the same where they say nothing."""
    if scene.options.widen is None and scene.options.anywhere is None:
        return need
    found, places = Needs(), _places(need, scene)
    for (end, served), behind in need.behind.items():
        for each in behind:
            found.add(places.get((end.name, served), end) if end.kind == ADDRESS else end, served, each)
    return found


def _places(need: Needs, scene: Scene) -> dict[tuple[str, Served], End]:
    """What each address becomes on each port, where it becomes anything else."""
    seen: dict[Served, set[str]] = {}
    for end, ports in need.ports.items():
        for served in ports if end.kind == ADDRESS else ():
            seen.setdefault(served, set()).add(end.name)
    return {(name, served): end for served, names in seen.items() for name, end in _chosen(names, scene).items()}


def _chosen(names: set[str], scene: Scene) -> dict[str, End]:
    options, taken = scene.options, own_ranges(scene)
    addresses = {name: ipaddress.ip_address(name) for name in names}
    if options.anywhere is not None and len(names) >= options.anywhere:
        closed = [*PRIVATE, *taken]
        return {
            name: End(ANYWHERE, name=f"IPv{each.version}")
            for name, each in addresses.items()
            if not any(each in network for network in closed)
        }
    found: dict[str, End] = {}
    for version in (4, 6) if options.widen is not None else ():
        own = {int(each): name for name, each in addresses.items() if each.version == version}
        for network, inside in prefixes(own, version, options.widen or 1.0, taken):
            if len(inside) < network.num_addresses:
                found.update({own[each]: End(RANGE, name=str(network)) for each in inside})
    return found
