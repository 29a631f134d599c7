"""What the parties of a world are called in results: a pod by its workload, nodes as one, outside addresses by themselves."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from flowkit.enrich import Inventory
from flowkit.enrich.sides import Codes
from flowkit.matrix.endpoints import NODES
from flowkit.policy.world import World


def workloads_of(world: World, inventory: Inventory) -> list[tuple[str, str, str]]:
    """The workload (namespace, kind, name) of each pod of a world; a pod nobody made is its own."""
    owners = {(p.namespace, p.name): (p.owner_type, p.owner_name) for p in inventory.people if p.type == "Pod"}
    found = []
    for pod in world.pods:
        kind, name = owners.get((pod.namespace, pod.name)) or owners.get(("", pod.name)) or ("Pod", pod.name)
        found.append((pod.namespace, kind, name))
    return found


def names_of_parties(world: World, inventory: Inventory) -> np.ndarray[tuple[int], np.dtype[np.object_]]:
    """The name of each party of a world, and at the end ``""`` for whoever is none."""
    called = [f"{namespace}/{name}" for namespace, _, name in workloads_of(world, inventory)]
    return np.array([*called, *([NODES] * len(world.hosts)), ""], dtype=object)


def names_of(
    parties: Codes, addresses: Sequence[str], world: World, inventory: Inventory
) -> np.ndarray[tuple[int], np.dtype[np.object_]]:
    """The name of each party; of outside ones the address."""
    inside = names_of_parties(world, inventory)[np.maximum(parties, -1)]
    return np.where(parties < 0, np.asarray(addresses, dtype=object), inside)
