"""Which peers of rules match which classes, in three values: surely, possibly, and by their labels alone.

Possibly is what hangs on namespace or node labels the inventory does not tell, and on the domain names of outside addresses.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from flowkit.enrich.sides import Codes, Mask
from flowkit.policy.judge.classes import Classes
from flowkit.policy.model import EGRESS, Direction, Peer, Selector
from flowkit.policy.world import NAME_LABEL

_NOTHING = Selector()


@dataclass(frozen=True)
class Match:
    """By column: whether it surely matches, whether it possibly does (a superset), whether only its namespace is wrong."""

    sure: Mask
    possible: Mask
    by_labels: Mask

    def __or__(self, other: Match) -> Match:
        return Match(self.sure | other.sure, self.possible | other.possible, self.by_labels | other.by_labels)


class PeerMatches:
    """The matches of peers over some classes (the columns) in one direction; each distinct peer is computed once."""

    def __init__(self, classes: Classes, columns: Codes, direction: Direction) -> None:
        self._classes, self._direction = classes, direction
        self._group, self._host, self._atom = classes.parts(columns)
        self._count = len(columns)
        self._known: dict[tuple[str | None, tuple[Peer, ...]], Match] = {}
        self._spaces: dict[Selector, tuple[Mask, Mask]] = {}

    def any_of(self, namespace: str | None, peers: tuple[Peer, ...] | None) -> Match:
        """Whether any of the peers of a rule in `namespace` matches; None is every peer."""
        if peers is None:
            every, none = np.ones(self._count, dtype=bool), np.zeros(self._count, dtype=bool)
            return Match(every, every, none)
        own = namespace if any(peer.pods and peer.namespaces is None for peer in peers) else None
        if (own, peers) not in self._known:
            found = self._peer(namespace, peers[0])
            for peer in peers[1:]:
                found |= self._peer(namespace, peer)
            self._known[own, peers] = found
        return self._known[own, peers]

    def _peer(self, namespace: str | None, peer: Peer) -> Match:
        if peer.block is not None:
            inside = self._classes.atoms.within(peer.block, self._atom)
            return Match(inside, inside, np.zeros(self._count, dtype=bool))
        if peer.nodes is not None:
            sure, possible = self._labelled_hosts(peer.nodes)
            return Match(self._of_hosts(sure), self._of_hosts(possible), np.zeros(self._count, dtype=bool))
        if peer.domains:
            outside = (self._group < 0) & (self._host < 0)
            return Match(np.zeros(self._count, dtype=bool), outside, np.zeros(self._count, dtype=bool))
        groups = self._groups(namespace, peer)
        pods = ~self._classes.grouping.host_network
        sure, possible = self._hosts(peer, groups)
        return Match(
            self._of_groups(groups.sure & pods) | self._of_hosts(sure),
            self._of_groups(groups.possible & pods) | self._of_hosts(possible),
            self._of_groups(groups.by_labels & pods),
        )

    def subjects(self, namespace: str | None, peer: Peer) -> Match:
        """Which pod groups (not columns) a policy is about; never the host network's."""
        groups, pods = self._groups(namespace, peer), ~self._classes.grouping.host_network
        return Match(groups.sure & pods, groups.possible & pods, groups.by_labels & pods)

    def _groups(self, namespace: str | None, peer: Peer) -> Match:
        grouping = self._classes.grouping
        pods = grouping.matches(peer.pods) if peer.pods else np.ones(len(grouping), dtype=bool)
        if peer.namespaces is None:
            own = np.array([each == namespace for each in grouping.namespaces], dtype=bool)
            sure = possible = own
        else:
            sure, possible = self._namespaces(peer.namespaces)
        space = grouping.namespace
        told = peer.pods is not None and peer.pods != _NOTHING
        return Match(pods & sure[space], pods & possible[space], pods & ~possible[space] & told)

    def _namespaces(self, selector: Selector) -> tuple[Mask, Mask]:
        if selector not in self._spaces:
            world = self._classes.world
            known = [world.labels_of_namespace(name) for name in self._classes.grouping.namespaces]
            verdicts = [selector.matches(labels) if whole else selector.decides(labels) for labels, whole in known]
            self._spaces[selector] = _three_valued(verdicts)
        return self._spaces[selector]

    def _labelled_hosts(self, selector: Selector) -> tuple[Mask, Mask]:
        hosts = self._classes.world.hosts
        return _three_valued(
            [selector.decides({}) if host.labels is None else selector.matches(host.labels) for host in hosts]
        )

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

    def _of_groups(self, groups: Mask) -> Mask:
        return np.append(groups, False)[self._group]

    def _of_hosts(self, hosts: Mask) -> Mask:
        return np.append(hosts, False)[self._host]


def _three_valued(verdicts: list[bool | None]) -> tuple[Mask, Mask]:
    sure = np.array([verdict is True for verdict in verdicts], dtype=bool)
    return sure, np.array([verdict is not False for verdict in verdicts], dtype=bool)
