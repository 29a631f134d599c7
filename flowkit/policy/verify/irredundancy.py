"""Irredundancy: would any observed connection break if a rule, a peer or a port were taken away?

Every rule is taken apart into single peers and ports, and each connection is asked which of these admit it. A part is needed
when some connection is admitted by nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from flowkit.enrich.sides import Codes
from flowkit.policy.judge.ruling import FROM_OWN_NODE, SAME_POD, Ruling
from flowkit.policy.model import EGRESS, INGRESS, Direction, NetworkPolicy, Peer, Port, Rule, Selector
from flowkit.policy.policyset import PolicySet
from flowkit.policy.profiles import Profile
from flowkit.policy.synthesis.annotations import CHOSEN
from flowkit.policy.synthesis.relations import OBSERVED
from flowkit.policy.verify.calls import Calls

COLUMNS = ("policy", "direction", "rule", "part", "what", "by_choice")
_EVERY = "every"
_SHORT = 64


@dataclass(frozen=True)
class _Piece:
    """A single peer and port of a rule: where it comes from."""

    policy: str
    direction: Direction
    rule: int
    peer: int
    port: int


def redundant(policies: PolicySet, calls: Calls, profile: Profile) -> pd.DataFrame:
    """The rules, peers and ports without which every call would still be admitted (columns ``COLUMNS``).

    `part` is ``rule``, ``peer`` or ``port``, `what` shows it, `by_choice` says that the set's evidence gives another reason for
    it (infrastructure, all ranges of a subnet label).
    """
    found = [row for way in (EGRESS, INGRESS) for row in _of_direction(policies, calls, profile, way)]
    table = pd.DataFrame(found, columns=list(COLUMNS))
    return table.astype({"rule": "int64", "by_choice": "bool"})


def _of_direction(
    policies: PolicySet, calls: Calls, profile: Profile, direction: Direction
) -> Iterator[tuple[str, str, int, str, str, bool]]:
    pieces, single = _taken_apart(policies, direction)
    if not pieces:
        return
    ruling = Ruling.of(single, calls.world, profile)
    cells = calls.cells(ruling)
    cell, line = ruling.admitting(cells, direction)
    free = (cells.relation == SAME_POD) | ((cells.relation == FROM_OWN_NODE) & (direction == INGRESS))
    rest = ~free[cell]
    needed = _Needed.of(cell[rest], line[rest], pieces)
    chosen = _Chosen.of(policies.evidence)
    said = {f"{policy.namespace}/{policy.name}": _said(policy) for policy in policies.policies}
    for policy in policies.policies:
        for number, rule in enumerate(policy.rules(direction)):
            name = f"{policy.namespace}/{policy.name}"
            for part, what in needed.lacking((name, direction, number), rule):
                by_choice = chosen.says((name, direction, number), what)
                in_file = what is not None and f"{direction.lower()}[{number}]" in said[name]
                yield name, direction, number, part, _shown(what), by_choice or in_file


def _said(policy: NetworkPolicy) -> list[str]:
    """The rules that a policy's own annotation says to allow more by choice."""
    return dict(policy.annotations).get(CHOSEN, "").split(", ")


def _taken_apart(policies: PolicySet, direction: Direction) -> tuple[list[_Piece], PolicySet]:
    """Every rule of a direction as rules of one peer and one port, in the order in which a ruling counts them."""
    pieces: list[_Piece] = []
    single: list[NetworkPolicy] = []
    for policy in policies.policies:
        rules: list[Rule] = []
        for number, rule in enumerate(policy.rules(direction)):
            for at, peer in enumerate(_peers(rule) or (None,)):
                for to, port in enumerate(_ports(rule) or (None,)):
                    pieces.append(_Piece(f"{policy.namespace}/{policy.name}", direction, number, at, to))
                    rules.append(Rule((peer,) if peer else (), (port,) if port else ()))
        single.append(replace(policy, ingress=tuple(rules) if direction == INGRESS else (), egress=()))
        if direction == EGRESS:
            single[-1] = replace(policy, ingress=(), egress=tuple(rules))
    return pieces, PolicySet(tuple(single))


def _peers(rule: Rule) -> tuple[Peer, ...]:
    """Single peers: one of a folded ``In`` for each of its values."""
    found: list[Peer] = []
    for peer in rule.peers:
        folded = peer.pods.expressions if peer.pods else ()
        if len(folded) == 1 and folded[0].operator == "In" and peer.pods is not None:
            labels = ((*peer.pods.labels, (folded[0].key, value)) for value in folded[0].values)
            found += [replace(peer, pods=Selector(tuple(sorted(each)))) for each in labels]
        else:
            found.append(peer)
    return tuple(found)


def _ports(rule: Rule) -> tuple[Port, ...]:
    """Single ports: a short range as its numbers."""
    found: list[Port] = []
    for port in rule.ports:
        if isinstance(port.port, int) and port.end and port.end - port.port < _SHORT:
            found += [Port(port.protocol, number) for number in range(port.port, port.end + 1)]
        else:
            found.append(port)
    return tuple(found)


_Key = tuple[str, str, int]


@dataclass(frozen=True)
class _Needed:
    """The rules, peers and ports that some call is admitted by alone."""

    rules: frozenset[_Key]
    peers: frozenset[tuple[_Key, int]]
    ports: frozenset[tuple[_Key, int]]

    @classmethod
    def of(cls, cell: Codes, line: Codes, pieces: list[_Piece]) -> _Needed:
        """Read which pieces admit each call: a part is needed when all pieces of some call share it."""
        keys = [(piece.policy, piece.direction, piece.rule) for piece in pieces]
        number = {key: at for at, key in enumerate(dict.fromkeys(keys))}
        rule = np.array([number[key] for key in keys], dtype=np.int64)
        width = 1 + max((max(piece.peer, piece.port) for piece in pieces), default=0)
        peer = rule * width + np.array([piece.peer for piece in pieces], dtype=np.int64)
        port = rule * width + np.array([piece.port for piece in pieces], dtype=np.int64)
        names = list(number)
        alone = [np.unique(_alone(cell, part[line])).tolist() for part in (rule, peer, port)]
        return cls(
            frozenset(names[each] for each in alone[0]),
            *(frozenset((names[each // width], each % width) for each in part) for part in alone[1:]),
        )

    def lacking(self, key: _Key, rule: Rule) -> Iterator[tuple[str, Peer | Port | None]]:
        """The parts of one rule that nobody needs; of a rule that nobody needs only the rule."""
        if key not in self.rules:
            yield "rule", None
            return
        peers, ports = _peers(rule), _ports(rule)
        if len(peers) > 1:
            yield from (("peer", peer) for at, peer in enumerate(peers) if (key, at) not in self.peers)
        if len(ports) > 1:
            yield from (("port", port) for at, port in enumerate(ports) if (key, at) not in self.ports)


def _alone(cell: Codes, part: Codes) -> Codes:
    """The parts that are the only one of some cell."""
    if not len(cell):
        return part
    order = np.argsort(cell, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(cell[order]) > 0])
    low, high = (ufunc.reduceat(part[order], starts) for ufunc in (np.minimum, np.maximum))
    found: Codes = low[low == high]
    return found


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
