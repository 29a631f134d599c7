"""Which peers of rules match which classes, in three values: surely, possibly, and by their labels alone.

Possibly is what hangs on namespace or node labels the inventory does not tell, and on the domain names of outside addresses.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from flowkit.enrich.sides import Codes, Mask
from flowkit.policy.judge.classes import Classes
from flowkit.policy.model import EGRESS, Block, Direction, Peer, Selector
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


@dataclass(frozen=True)
class Reach:
    """Whom the peers of a rule reach, before it is asked of whom: pod groups and nodes (each with one more, nobody), blocks of
    addresses, and whether they reach outside names too. `peers` keeps what it was made of.
    """

    peers: tuple[Peer, ...]
    groups: Match
    hosts: tuple[Mask, Mask]
    blocks: tuple[Block, ...]
    has_domains: bool


class PeerMatches:
    """The matches of peers over some classes (the columns) in one direction; whom a rule reaches is computed once a ruling."""

    def __init__(self, classes: Classes, columns: Codes, direction: Direction) -> None:
        self._classes, self._direction = classes, direction
        self._group, self._host, self._atom = classes.parts(columns)
        self._count = len(columns)
        self._known: dict[tuple[str | None, int], Match] = {}

    def any_of(self, namespace: str | None, peers: tuple[Peer, ...] | None) -> Match:
        """Whether any of the peers of a rule in `namespace` matches; None is every peer."""
        if peers is None:
            every, none = np.ones(self._count, dtype=bool), np.zeros(self._count, dtype=bool)
            return Match(every, every, none)
        # By identity: comparing what a rule says costs more than finding out whom it reaches.
        key = namespace, id(peers)
        if key not in self._known:
            self._known[key] = self._over_columns(self._reach(namespace, peers))
        return self._known[key]

    def _over_columns(self, reach: Reach) -> Match:
        sure = reach.groups.sure[self._group] | reach.hosts[0][self._host]
        possible = reach.groups.possible[self._group] | reach.hosts[1][self._host]
        for block in reach.blocks:
            inside = self._classes.atoms.within(block, self._atom)
            sure, possible = sure | inside, possible | inside
        if reach.has_domains:
            possible = possible | ((self._group < 0) & (self._host < 0))
        return Match(sure, possible, reach.groups.by_labels[self._group])

    def _reach(self, namespace: str | None, peers: tuple[Peer, ...]) -> Reach:
        key = self._direction, namespace, id(peers)
        if key not in self._classes.reaches:
            self._classes.reaches[key] = self._reached(namespace, peers)
        found: Reach = self._classes.reaches[key]
        return found

    def _reached(self, namespace: str | None, peers: tuple[Peer, ...]) -> Reach:
        pods = [peer for peer in peers if peer.block is None and peer.nodes is None and not peer.domains]
        groups, hosts = self._nobody()
        for peer in pods:
            found = self._groups(namespace, peer)
            reached = self._hosts(peer, found)
            groups, hosts = groups | found, (hosts[0] | reached[0], hosts[1] | reached[1])
        for peer in peers:
            if peer.block is None and peer.nodes is not None:
                labelled = self._labelled_hosts(peer.nodes)
                hosts = hosts[0] | labelled[0], hosts[1] | labelled[1]
        mine = ~self._classes.grouping.host_network
        return Reach(
            peers,
            Match(*(np.append(each & mine, False) for each in (groups.sure, groups.possible, groups.by_labels))),
            (np.append(hosts[0], False), np.append(hosts[1], False)),
            tuple(peer.block for peer in peers if peer.block is not None),
            any(peer.domains for peer in peers if peer.block is None and peer.nodes is None),
        )

    def _nobody(self) -> tuple[Match, tuple[Mask, Mask]]:
        groups = np.zeros(len(self._classes.grouping), dtype=bool)
        hosts = np.zeros(len(self._classes.world.hosts), dtype=bool)
        return Match(groups, groups, groups), (hosts, hosts)

    def subjects(self, namespace: str | None, peer: Peer) -> Match:
        """Which pod groups (not columns) a policy is about; never the host network's."""
        groups, pods = self._groups(namespace, peer), ~self._classes.grouping.host_network
        return Match(groups.sure & pods, groups.possible & pods, groups.by_labels & pods)

    def _groups(self, namespace: str | None, peer: Peer) -> Match:
        grouping = self._classes.grouping
        pods = grouping.matches(peer.pods) if peer.pods else np.ones(len(grouping), dtype=bool)
        if peer.namespaces is None:
            sure = possible = np.array([each == namespace for each in grouping.namespaces], dtype=bool)
        else:
            sure, possible = self._namespaces(peer.namespaces)
        space = grouping.namespace
        told = peer.pods is not None and peer.pods != _NOTHING
        return Match(pods & sure[space], pods & possible[space], pods & ~possible[space] & told)

    def _namespaces(self, selector: Selector) -> tuple[Mask, Mask]:
        if selector not in self._classes.spaces:
            world = self._classes.world
            known = [world.labels_of_namespace(name) for name in self._classes.grouping.namespaces]
            verdicts = [selector.matches(labels) if whole else selector.decides(labels) for labels, whole in known]
            self._classes.spaces[selector] = _three_valued(verdicts)
        return self._classes.spaces[selector]

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


def _three_valued(verdicts: list[bool | None]) -> tuple[Mask, Mask]:
    sure = np.array([verdict is True for verdict in verdicts], dtype=bool)
    return sure, np.array([verdict is not False for verdict in verdicts], dtype=bool)
