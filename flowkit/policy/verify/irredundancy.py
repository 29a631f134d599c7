"""Irredundancy: would any observed connection break if a rule, a peer or a port were taken away?

Each connection is asked which rules admit it, and where that is one alone, which single peers and ports of that rule do. A
part is needed when some connection is admitted by nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from flowkit.policy.judge.atoms import PortAtoms
from flowkit.policy.judge.lines import NETWORK
from flowkit.policy.judge.ruling import FROM_OWN_NODE, SAME_POD, Cells, Ruling
from flowkit.policy.model import EGRESS, INGRESS, PROTOCOLS, Direction, NetworkPolicy, Peer, Port, Rule
from flowkit.policy.policyset import PolicySet
from flowkit.policy.synthesis.annotations import CHOSEN
from flowkit.policy.synthesis.relations import OBSERVED
from flowkit.policy.verify.calls import Calls
from flowkit.policy.verify.parts import Parts, Table, peers_of, peers_table, ports_of, ports_table

COLUMNS = ("policy", "direction", "rule", "part", "what", "by_choice")
_EVERY = "every"


_Key = tuple[str, str, int]


def redundant(policies: PolicySet, calls: Calls, ruling: Ruling) -> pd.DataFrame:
    """The rules, peers and ports without which every call would still be admitted (columns ``COLUMNS``); `ruling` is that of
    the policies.

    `part` is ``rule``, ``peer`` or ``port``, `what` shows it, `by_choice` says that the set's evidence gives another reason for
    it (infrastructure, all ranges of a subnet label).
    """
    found = [row for way in (EGRESS, INGRESS) for row in _of_direction(policies, calls, ruling, way)]
    table = pd.DataFrame(found, columns=list(COLUMNS))
    return table.astype({"rule": "int64", "by_choice": "bool"})


def _of_direction(
    policies: PolicySet, calls: Calls, ruling: Ruling, direction: Direction
) -> Iterator[tuple[str, str, int, str, str, bool]]:
    rules = _Rules.of(policies, direction)
    if not rules.rules:
        return
    needed = _Needed.of(rules, calls.cells(ruling), ruling)
    chosen = _Chosen.of(policies.evidence)
    said = {f"{policy.namespace}/{policy.name}": _said(policy) for policy in policies.policies}
    for at, (name, number) in enumerate(rules.keys):
        in_file = f"{direction.lower()}[{number}]" in said[name]
        for part, what in needed.lacking(at, rules):
            by_choice = chosen.says((name, direction, number), what) or (what is not None and in_file)
            yield name, direction, number, part, _shown(what), by_choice


def _said(policy: NetworkPolicy) -> list[str]:
    """The rules that a policy's own annotation says to allow more by choice."""
    return dict(policy.annotations).get(CHOSEN, "").split(", ")


@dataclass(frozen=True)
class _Rules:
    """The rules of a direction as a ruling counts its lines: policy and number of each, its namespace, and its single parts."""

    direction: Direction
    keys: tuple[tuple[str, int], ...]
    spaces: tuple[str, ...]
    rules: tuple[Rule, ...]
    peers: tuple[tuple[Peer, ...], ...]
    ports: tuple[tuple[Port, ...], ...]

    @classmethod
    def of(cls, policies: PolicySet, direction: Direction) -> _Rules:
        """List the rules of NetworkPolicies."""
        listed = [(policy, at) for policy in policies.policies for at in range(len(policy.rules(direction)))]
        rules = tuple(policy.rules(direction)[at] for policy, at in listed)
        keys = tuple((f"{policy.namespace}/{policy.name}", at) for policy, at in listed)
        spaces = tuple(policy.namespace for policy, _ in listed)
        return cls(direction, keys, spaces, rules, tuple(map(peers_of, rules)), tuple(map(ports_of, rules)))


@dataclass(frozen=True)
class _Needed:
    """The rules that some call is admitted by alone, and the peers and ports (rule and place) of these that do it alone."""

    rules: frozenset[int]
    peers: frozenset[tuple[int, int]]
    ports: frozenset[tuple[int, int]]

    @classmethod
    def of(cls, rules: _Rules, cells: Cells, ruling: Ruling) -> _Needed:
        """Count, for every distinct call, the rules that admit it; where that is one, the peers and ports that do."""
        cells = cells.take(cells.distinct()[1])
        cell, line = ruling.admitting(cells, rules.direction)
        from_node = (cells.relation == FROM_OWN_NODE) & (rules.direction == INGRESS)
        is_free = (cells.relation == SAME_POD) | from_node
        sole = (np.bincount(cell, minlength=len(cells)) == 1)[cell] & ~is_free[cell]
        cell, line = cell[sole], line[sole] - ruling.offset(rules.direction)
        peers, ports = _peers_alone(rules, cells, ruling), _ports_alone(rules, cells, ruling)
        alone = (part.alone(line, cell, table) for part, table in (peers, ports))
        return cls(
            frozenset(np.unique(line).tolist()),
            *(frozenset(zip(rule.tolist(), at.tolist(), strict=True)) for rule, at in alone),
        )

    def lacking(self, at: int, rules: _Rules) -> Iterator[tuple[str, Peer | Port | None]]:
        """The parts of one rule that nobody needs; of a rule that nobody needs only the rule."""
        if at not in self.rules:
            yield "rule", None
            return
        peers, ports = rules.peers[at], rules.ports[at]
        if len(peers) > 1:
            yield from (("peer", peer) for place, peer in enumerate(peers) if (at, place) not in self.peers)
        if len(ports) > 1:
            yield from (("port", port) for place, port in enumerate(ports) if (at, place) not in self.ports)


def _peers_alone(rules: _Rules, cells: Cells, ruling: Ruling) -> tuple[Parts, Table]:
    """The single peers of all rules, and which of them match the other end of each cell."""
    reached = ruling.tiers[NETWORK, rules.direction].reached.peers
    found = [
        [reached.of(space, peer) for peer in peers] for space, peers in zip(rules.spaces, rules.peers, strict=True)
    ]
    # Peers that say the same reach the very same value.
    known = {id(reach): reach for each in found for reach in each}
    place = {key: number for number, key in enumerate(known)}
    numbers = [[place[id(reach)] for reach in each] for each in found]
    ends = cells.server if rules.direction == EGRESS else cells.client
    return Parts.of(numbers), peers_table(list(known.values()), ruling.classes, ends)


def _ports_alone(rules: _Rules, cells: Cells, ruling: Ruling) -> tuple[Parts, Table]:
    """The single ports of all rules, and which of them match each cell: by the very number, not by its atom."""
    known: dict[Port, int] = {}
    numbers = [[known.setdefault(port, len(known)) for port in ports] for ports in rules.ports]
    exact = replace(ruling, ports=PortAtoms.of([*map(_number, np.unique(cells.port).tolist())]))
    return Parts.of(numbers), ports_table(list(known), exact.services(cells), ruling.classes.profile)


def _number(port: int) -> Port:
    return Port(PROTOCOLS["TCP"], port)


@dataclass(frozen=True)
class _Chosen:
    """What a set's evidence gives another reason for than observation: rules, with the blocks and ports concerned."""

    rules: dict[_Key, tuple[frozenset[str], frozenset[str], bool]]

    @classmethod
    def of(cls, evidence: pd.DataFrame | None) -> _Chosen:
        rules: dict[_Key, tuple[frozenset[str], frozenset[str], bool]] = {}
        if evidence is not None:
            chosen = evidence[evidence["basis"] != OBSERVED]
            for key, rows in chosen.groupby(["namespace", "policy", "direction", "rule"]):
                space, policy, way, rule = (str(each) for each in key)
                cidrs = frozenset(each for text in rows["cidrs"] for each in text.split(", "))
                ports = frozenset(f"{port}/{proto}" for port, proto in zip(rows["port"], rows["proto"], strict=True))
                rules[f"{space}/{policy}", way, int(rule)] = (cidrs, ports, bool((rows["cidrs"] == "").any()))
        return cls(rules)

    def says(self, key: _Key, what: Peer | Port | None) -> bool:
        """Whether a part is there by choice."""
        cidrs, ports, by_selector = self.rules.get(key, (frozenset(), frozenset(), False))
        if isinstance(what, Peer):
            return what.block.cidr in cidrs if what.block else by_selector
        if isinstance(what, Port):
            last = what.end or what.port
            numbers = (
                range(what.port, last + 1) if isinstance(what.port, int) and isinstance(last, int) else [what.port]
            )
            return all(f"{number}/{what.protocol}" in ports for number in numbers)
        return key in self.rules


def _shown(what: Peer | Port | None) -> str:
    if isinstance(what, Port):
        return f"{what.port if what.port is not None else _EVERY}{f'-{what.end}' if what.end else ''}/{what.protocol}"
    if isinstance(what, Peer):
        if what.block:
            return what.block.cidr
        parts = [f"{key}={value}" for part in (what.namespaces, what.pods) if part for key, value in part.labels]
        parts += [
            f"{each.key} {each.operator} {', '.join(each.values)}"
            for part in (what.namespaces, what.pods)
            if part
            for each in part.expressions
        ]
        return " ".join(parts) or _EVERY
    return ""
