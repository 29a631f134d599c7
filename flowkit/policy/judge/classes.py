"""Pods in groups that no policy of a set tells apart, and classes of ends: a pod group, a node or nobody, at an address atom.

A class is one number, kind · atoms + atom, where kind 0 is nobody, then come the pod groups, then the nodes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from flowkit.enrich.sides import Codes, Mask
from flowkit.policy.judge.atoms import NO_ADDRESS, AddressAtoms
from flowkit.policy.judge.lines import Entry
from flowkit.policy.model import Peer, Requirement, Selector
from flowkit.policy.profiles import Profile
from flowkit.policy.world import Pod, World

Names = tuple[tuple[str, int, int], ...]


@dataclass(frozen=True)
class Grouping:
    """The group of every pod (-1: none), and of every group its namespace (a number), labels and named ports as far as any
    policy mentions them, and whether its pods are in the host network.
    """

    group: Codes
    namespaces: tuple[str, ...]
    namespace: Codes
    labels: tuple[dict[str, str], ...]
    ports: tuple[Names, ...]
    host_network: Mask

    @classmethod
    def of(cls, pods: tuple[Pod, ...], keys: frozenset[str], names: frozenset[str]) -> Grouping:
        """Group pods by namespace, host network, labels of these `keys` and container ports of these `names`."""
        seen: dict[tuple[str, bool, tuple[tuple[str, str], ...], Names], int] = {}
        group = np.array([seen.setdefault(_shape(pod, keys, names), len(seen)) for pod in pods], dtype=np.int64)
        spaces = tuple(dict.fromkeys(shape[0] for shape in seen))
        place = {name: at for at, name in enumerate(spaces)}
        return cls(
            group,
            spaces,
            np.array([place[shape[0]] for shape in seen], dtype=np.int64),
            tuple(dict(shape[2]) for shape in seen),
            tuple(shape[3] for shape in seen),
            np.array([shape[1] for shape in seen], dtype=bool),
        )

    def __len__(self) -> int:
        return len(self.labels)

    @cached_property
    def _values(self) -> dict[str, tuple[Codes, dict[str, int]]]:
        return {}

    @cached_property
    def _known(self) -> dict[Selector, Mask]:
        return {}

    def matches(self, selector: Selector) -> Mask:
        """Whether a selector selects the pods of each group."""
        if selector not in self._known:
            self._known[selector] = self._selected(selector)
        return self._known[selector]

    def _selected(self, selector: Selector) -> Mask:
        result = np.ones(len(self), dtype=bool)
        for key, value in selector.labels:
            codes, known = self._column(key)
            result &= codes == known.get(value, len(known))
        for requirement in selector.expressions:
            result &= self._meets(requirement)
        return result

    def _meets(self, requirement: Requirement) -> Mask:
        codes, known = self._column(requirement.key)
        if requirement.operator in ("Exists", "DoesNotExist"):
            there: Mask = codes >= 0
            return there if requirement.operator == "Exists" else ~there
        listed: Mask = np.isin(codes, [known[value] for value in requirement.values if value in known])
        return listed if requirement.operator == "In" else ~listed

    def _column(self, key: str) -> tuple[Codes, dict[str, int]]:
        """The value of one label in every group, as codes (-1: absent)."""
        if key not in self._values:
            known: dict[str, int] = {}
            codes = [known.setdefault(each[key], len(known)) if key in each else -1 for each in self.labels]
            self._values[key] = np.array(codes, dtype=np.int64), known
        return self._values[key]


def _shape(
    pod: Pod, keys: frozenset[str], names: frozenset[str]
) -> tuple[str, bool, tuple[tuple[str, str], ...], Names]:
    labels = tuple(sorted((key, value) for key, value in pod.labels.items() if key in keys))
    return pod.namespace, pod.host_network, labels, tuple(sorted(port for port in pod.ports if port[0] in names))


@dataclass(frozen=True)
class Classes:
    """The classes of a world under one policy set and profile."""

    world: World
    profile: Profile
    grouping: Grouping
    atoms: AddressAtoms

    @classmethod
    def of(cls, world: World, profile: Profile, entries: tuple[Entry, ...]) -> Classes:
        """Cut the world as these policies do."""
        peers = [*_peers(entries)]
        selectors = [peer.pods for peer in peers if peer.pods]
        keys = frozenset(key for each in selectors for key, _ in each.labels)
        keys |= {requirement.key for each in selectors for requirement in each.expressions}
        ports = (port.port for entry in entries for line in entry.lines for port in line.ports)
        names = frozenset(port for port in ports if isinstance(port, str) and profile.named_ports)
        blocks = (peer.block for peer in peers if peer.block)
        return cls(world, profile, Grouping.of(world.pods, keys, names), AddressAtoms.of(blocks))

    def of_ends(self, party: Codes, atom: Codes) -> Codes:
        """The class of ends: the party of each (negative: outside), and the atom of its address."""
        pods, hosts = len(self.world.pods), len(self.world.hosts)
        group = self.grouping.group
        kinds = np.concatenate([1 + group, 1 + len(self.grouping) + np.arange(hosts), [0]]).astype(np.int64)
        blind = np.concatenate(
            [
                np.full(pods, not self.profile.blocks_match_pods),
                np.full(hosts, not self.profile.blocks_match_nodes),
                [False],
            ]
        )
        place = np.where(party < 0, pods + hosts, party)
        result: Codes = kinds[place] * self.atoms.count + np.where(blind[place], NO_ADDRESS, atom)
        return result

    @property
    def kinds(self) -> int:
        """How many kinds of ends there are: nobody, the pod groups, the nodes."""
        return 1 + len(self.grouping) + len(self.world.hosts)

    def parts(self, classes: Codes) -> tuple[Codes, Codes]:
        """The kind and the address atom of classes."""
        kind, atom = np.divmod(classes, self.atoms.count)
        return kind, atom

    def groups(self, classes: Codes) -> Codes:
        """The pod group of classes, -1 for what is no pod of the pod network."""
        kind = classes // self.atoms.count
        found: Codes = np.where(kind <= len(self.grouping), kind, 0) - 1
        return found


def _peers(entries: tuple[Entry, ...]) -> Iterator[Peer]:
    for entry in entries:
        yield entry.subject
        for line in entry.lines:
            yield from line.peers or ()
