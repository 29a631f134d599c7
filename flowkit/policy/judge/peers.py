"""Whom the peers of rules reach, in three values: surely, possibly, and by their labels alone.

Possibly is what hangs on namespace or node labels the inventory does not tell, and on the domain names of outside addresses.
Each distinct peer is looked up once a ruling, however many rules name it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from flowkit.enrich.sides import Codes, Mask
from flowkit.policy.judge.classes import Classes
from flowkit.policy.model import EGRESS, Block, Direction, Peer, Selector
from flowkit.policy.world import NAME_LABEL

_NOTHING = Selector()


@dataclass(frozen=True)
class Match:
    """By pod group: whether it surely matches, whether it possibly does (a superset), whether only its namespace is wrong."""

    sure: Mask
    possible: Mask
    by_labels: Mask


@dataclass(frozen=True)
class Reach:
    """Whom peers reach: kinds of ends (see `flowkit.policy.judge.classes`) surely, possibly (a superset) and by their labels
    alone, and blocks of addresses; or `everyone`.
    """

    sure: Codes
    possible: Codes
    by_labels: Codes
    blocks: tuple[Block, ...] = ()
    everyone: bool = False

    @classmethod
    def of(cls, sure: Codes, possible: Codes, by_labels: Codes, blocks: tuple[Block, ...] = ()) -> Reach:
        """Put together what is reached; what is possible is the very array of what is sure where nothing is unsure."""
        return cls(sure, sure if np.array_equal(sure, possible) else possible, by_labels, blocks)

    @property
    def is_sure(self) -> bool:
        """Whether nothing of it hangs on what nobody knows."""
        return self.sure is self.possible


_NOBODY = np.zeros(0, dtype=np.int64)
_EVERYONE = Reach(_NOBODY, _NOBODY, _NOBODY, everyone=True)


class Reaches:
    """Whom peers reach in one direction; each distinct peer is looked up once."""

    def __init__(self, classes: Classes, direction: Direction) -> None:
        self._classes, self._direction = classes, direction
        self._known: dict[tuple[str | None, Peer], Reach] = {}
        self._seen: dict[str | None, dict[int, Reach]] = {}
        self._kept: list[Peer] = []
        self._pods = ~classes.grouping.host_network
        self._spaces: dict[Selector | str | None, tuple[Mask, Mask]] = {}

    def any_of(self, namespace: str | None, peers: tuple[Peer, ...] | None) -> Reach:
        """Whom the peers of a rule in `namespace` reach; None is every peer."""
        if peers is None:
            return _EVERYONE
        found = [self.of(namespace, peer) for peer in peers]
        if len(found) == 1:
            return found[0]
        sure, by_labels = (np.concatenate(part) for part in zip(*((r.sure, r.by_labels) for r in found), strict=True))
        is_sure = all(reach.is_sure for reach in found)
        possible = sure if is_sure else np.concatenate([reach.possible for reach in found])
        return Reach(sure, possible, by_labels, tuple(block for reach in found for block in reach.blocks))

    def of(self, namespace: str | None, peer: Peer) -> Reach:
        """Whom one peer of a rule in `namespace` reaches: the same value for peers that say the same."""
        # By identity first: comparing what a peer says costs more than most of what follows.
        seen = self._seen.setdefault(namespace, {})
        if id(peer) not in seen:
            key = (namespace if peer.namespaces is None and peer.block is None else None), peer
            if key not in self._known:
                self._known[key] = self._reached(namespace, peer)
            self._kept.append(peer)  # so that nobody else is given its identity
            seen[id(peer)] = self._known[key]
        return seen[id(peer)]

    def _reached(self, namespace: str | None, peer: Peer) -> Reach:
        if peer.block is not None:
            return Reach(_NOBODY, _NOBODY, _NOBODY, (peer.block,))
        if peer.nodes is not None:
            sure, possible = (self._hosts_at(each) for each in self._labelled_hosts(peer.nodes))
            return Reach.of(sure, possible, _NOBODY)
        if peer.domains:
            return Reach.of(_NOBODY, np.zeros(1, dtype=np.int64), _NOBODY)
        groups = self._groups(namespace, peer)
        by_labels = 1 + np.flatnonzero(groups.by_labels & self._pods)
        sure = possible = 1 + np.flatnonzero(groups.sure & self._pods)
        if groups.possible is not groups.sure:
            possible = 1 + np.flatnonzero(groups.possible & self._pods)
        if self._knows_hosts:
            surely, possibly = (self._hosts_at(each) for each in self._hosts(peer, groups))
            return Reach.of(np.concatenate([sure, surely]), np.concatenate([possible, possibly]), by_labels)
        return Reach(sure, possible, by_labels)

    def _hosts_at(self, hosts: Mask) -> Codes:
        kinds: Codes = 1 + len(self._classes.grouping) + np.flatnonzero(hosts)
        return kinds

    def subjects(self, namespace: str | None, peer: Peer) -> Match:
        """Which pod groups a policy is about; never the host network's."""
        groups = self._groups(namespace, peer)
        return Match(groups.sure & self._pods, groups.possible & self._pods, groups.by_labels & self._pods)

    def _groups(self, namespace: str | None, peer: Peer) -> Match:
        grouping = self._classes.grouping
        pods = grouping.matches(peer.pods) if peer.pods else np.ones(len(grouping), dtype=bool)
        chosen = namespace if peer.namespaces is None else peer.namespaces
        if chosen not in self._spaces:
            sure, possible = (each[grouping.namespace] for each in self._namespaces(chosen))
            self._spaces[chosen] = sure, sure if np.array_equal(sure, possible) else possible
        sure, possible = self._spaces[chosen]
        inside = pods & possible
        told = peer.pods is not None and peer.pods != _NOTHING
        by_labels = pods & ~possible if told else np.zeros_like(inside)
        return Match(inside if sure is possible else pods & sure, inside, by_labels)

    def _namespaces(self, chosen: Selector | str | None) -> tuple[Mask, Mask]:
        """Which namespaces a selector chooses, or which one has a name."""
        world, names = self._classes.world, self._classes.grouping.namespaces
        if not isinstance(chosen, Selector):
            return _three_valued([name == chosen for name in names])
        known = [world.labels_of_namespace(name) for name in names]
        return _three_valued([chosen.matches(labels) if whole else chosen.decides(labels) for labels, whole in known])

    def _labelled_hosts(self, selector: Selector) -> tuple[Mask, Mask]:
        hosts = self._classes.world.hosts
        return _three_valued(
            [selector.decides({}) if host.labels is None else selector.matches(host.labels) for host in hosts]
        )

    @cached_property
    def _knows_hosts(self) -> bool:
        """Whether a profile lets selectors reach nodes at all."""
        profile = self._classes.profile
        return profile.host_pods_by_selector or bool(dict(profile.host_namespace))

    def _hosts(self, peer: Peer, groups: Match) -> tuple[Mask, Mask]:
        """Nodes that a profile lets selectors reach: by their host-network pods, or by the namespace that stands for nodes."""
        count = len(self._classes.world.hosts)
        sure, possible = np.zeros(count, dtype=bool), np.zeros(count, dtype=bool)
        if self._classes.profile.host_pods_by_selector and peer.pods is not None:
            host, group = self._host_groups
            np.logical_or.at(sure, host, groups.sure[group])
            np.logical_or.at(possible, host, groups.possible[group])
        if self._stands_for_nodes(peer):
            sure[:] = possible[:] = True
        return sure, possible

    def _stands_for_nodes(self, peer: Peer) -> bool:
        labels = dict(self._classes.profile.host_namespace)
        if not labels or self._direction == EGRESS or peer.namespaces is None or (peer.pods or _NOTHING) != _NOTHING:
            return False
        told = self._classes.world.namespaces.get(labels[NAME_LABEL]) or {}
        return peer.namespaces.matches({**told, **labels})

    @cached_property
    def _host_groups(self) -> tuple[Codes, Codes]:
        """Pairs of a node and a group of host-network pods on it."""
        world, group = self._classes.world, self._classes.grouping.group
        place = {host.name: at for at, host in enumerate(world.hosts)}
        pairs = sorted(
            {
                (place[pod.node], int(group[at]))
                for at, pod in enumerate(world.pods)
                if pod.host_network and pod.node in place
            }
        )
        table = np.array(pairs, dtype=np.int64).reshape(-1, 2)
        return table[:, 0], table[:, 1]


def _three_valued(verdicts: list[Any]) -> tuple[Mask, Mask]:
    """Whether each verdict is surely and possibly true; None is unknown."""
    sure = np.array([verdict is True for verdict in verdicts], dtype=bool)
    return sure, np.array([verdict is not False for verdict in verdicts], dtype=bool)
