"""Verdicts of whole tables of cells: client class × server class × port × protocol. What `fk.judge` stands on, and the door
for everything that asks about cells no flow shows (tightness, redundant rules, diff).

    ruling = Ruling.of(policies, World.of(inventory), "generic")
    ends = ruling.ends(["10.128.0.5", "203.0.113.9"])             # classes of addresses, now; or of_ends(party, atom)
    cells = Cells.of(client=ends[[0]], server=ends[[1]], port=[443], proto=[6])
    found = ruling.judge(cells)
    found.verdict                # 0 allowed, 1 denied, 2 undecided (VERDICTS)
    found.egress.line            # rule that decides the client's side: a row of ruling.lines("Egress"), -1: none
    ruling.admitting(cells, "Ingress")                            # all pairs (cell, line) of rules that admit

Ends of one class are alike to every rule, apart from who shares a pod or a node: `Cells.relation` says that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from flowkit.enrich import Inventory
from flowkit.enrich.numbering import paired
from flowkit.enrich.sides import ICMP, ICMPV6, Codes, Mask
from flowkit.policy.judge.atoms import PortAtoms
from flowkit.policy.judge.classes import Classes
from flowkit.policy.judge.lines import ADMIN, NETWORK, TIERS, Line, entries
from flowkit.policy.judge.reasons import ALLOWED, DENIED, UNDECIDED, Reason
from flowkit.policy.judge.services import Naming, Services
from flowkit.policy.judge.tiers import ACCEPT, DENY, PASS, Outcome, Questions, Tier
from flowkit.policy.model import EGRESS, INGRESS, PROTOCOLS, Direction, Port
from flowkit.policy.policyset import PolicySet
from flowkit.policy.profiles import Profile, profile_of
from flowkit.policy.world import World

APART, SAME_POD, FROM_OWN_NODE, TO_OWN_NODE = range(4)
_DIRECTIONS: tuple[Direction, Direction] = (EGRESS, INGRESS)


@dataclass(frozen=True)
class Cells:
    """Connections as the rules see them: classes of client and server, server port (-1: none), IP protocol, and relation
    (APART, SAME_POD, FROM_OWN_NODE: the client is the server pod's node, TO_OWN_NODE: the server is the client pod's).
    """

    client: Codes
    server: Codes
    port: Codes
    proto: Codes
    relation: Codes

    @classmethod
    def of(cls, client: Any, server: Any, port: Any, proto: Any, relation: Any = APART) -> Cells:
        """Cells of arrays, or of numbers that hold for all of them."""
        each = np.broadcast_arrays(
            *(np.asarray(part, dtype=np.int64) for part in (client, server, port, proto, relation))
        )
        return cls(*(np.atleast_1d(part) for part in each))

    def __len__(self) -> int:
        return len(self.client)

    def take(self, rows: Codes) -> Cells:
        """Some of the cells."""
        return Cells(*(part[rows] for part in (self.client, self.server, self.port, self.proto, self.relation)))

    def distinct(self) -> tuple[Codes, Codes]:
        """Number the distinct cells: the number of each, and the first cell of each number."""
        ends, _ = paired(self.client, self.server)
        service, _ = paired(self.port << 9 | (self.proto + 1), self.relation)
        return paired(ends, service)


@dataclass(frozen=True)
class Side:
    """What one end says to every cell: `allows` and `denies` (both: undecided), why, by which line (a row of
    `Ruling.lines`, -1: none), and the policies its pod is under (a row of `Ruling.sets`, -1: none).
    """

    allows: Mask
    denies: Mask
    reason: npt.NDArray[np.int8]
    line: Codes
    under: Codes


@dataclass(frozen=True)
class Judgement:
    """The verdict of every cell (index into VERDICTS), and what each end says."""

    verdict: npt.NDArray[np.int8]
    egress: Side
    ingress: Side


@dataclass(frozen=True)
class Ruling:
    """A policy set made ready for a world and a profile."""

    classes: Classes
    ports: PortAtoms
    naming: Naming
    tiers: Mapping[tuple[str, Direction], Tier]

    @classmethod
    def of(cls, policies: PolicySet, world: World | Inventory, profile: str | Profile = "generic") -> Ruling:
        """Cut the world into classes, ports and addresses into atoms, and find out whom each policy is about."""
        world = world if isinstance(world, World) else World.of(world)
        listed = {(tier, way): entries(policies, tier, way) for tier in TIERS for way in _DIRECTIONS}
        every = tuple(entry for each in listed.values() for entry in each)
        classes = Classes.of(world, profile_of(profile), every)
        named = (Port(proto, number) for each in classes.grouping.ports for _, number, proto in each)
        ports = PortAtoms.of([*named, *(port for entry in every for line in entry.lines for port in line.ports)])
        tiers = {
            (tier, way): Tier.of(each, classes, way, DENY if tier == NETWORK else PASS)
            for (tier, way), each in listed.items()
        }
        return cls(classes, ports, Naming.of(classes.grouping), tiers)

    def ends(self, addresses: Sequence[str]) -> Codes:
        """The classes of addresses, whoever has them now; an address the inventory lacks is an outside address."""
        party = np.array([self.classes.world.party(address) for address in addresses], dtype=np.int64)
        return self.of_ends(party, self.atoms(pd.Index(list(addresses), dtype="str")))

    def of_ends(self, party: Codes, atom: Codes) -> Codes:
        """The classes of ends by party (see `World`) and address atom."""
        return self.classes.of_ends(party, atom)

    def atoms(self, addresses: pd.Index[Any]) -> Codes:
        """The address atom of each of these addresses."""
        return self.classes.atoms.of_addresses(addresses)

    def relation(self, client: Codes, server: Codes) -> Codes:
        """How the parties of connections stand to each other."""
        pods, hosts = self.classes.world.pods, self.classes.world.hosts
        place = {host.name: len(pods) + at for at, host in enumerate(hosts)}
        none = np.full(len(hosts) + 1, -3)
        node = np.concatenate([np.array([place.get(pod.node, -3) for pod in pods], dtype=np.int64), none])
        where = len(pods) + len(hosts)
        of_client, of_server = (node[np.where(party < 0, where, party)] for party in (client, server))
        same = (client == server) & (client >= 0) & (client < len(pods))
        found: Codes = np.select(
            [same, of_server == client, of_client == server], [SAME_POD, FROM_OWN_NODE, TO_OWN_NODE], APART
        ).astype(np.int64)
        return found

    def lines(self, direction: Direction) -> tuple[Line, ...]:
        """The rules of a direction in the order of evaluation, as `Side.line` counts them."""
        return self._lines[direction]

    @cached_property
    def _lines(self) -> dict[str, tuple[Line, ...]]:
        return {way: tuple(line for tier in TIERS for line in self.tiers[tier, way].lines) for way in _DIRECTIONS}

    def sets(self, direction: Direction) -> tuple[str, ...]:
        """The names of the NetworkPolicies that isolate a pod together, as `Side.under` counts them."""
        return self.tiers[NETWORK, direction].titles

    def judge(self, cells: Cells) -> Judgement:
        """Judge every cell."""
        services = self.services(cells)
        egress, ingress = (self._side(cells, services, way) for way in _DIRECTIONS)
        allowed = egress.allows & ingress.allows
        denied = egress.denies | ingress.denies
        verdict = np.where(allowed & denied, UNDECIDED, np.where(allowed, ALLOWED, DENIED)).astype(np.int8)
        return Judgement(verdict, egress, ingress)

    def admitting(self, cells: Cells, direction: Direction) -> tuple[Codes, Codes]:
        """All pairs of a cell and a NetworkPolicy rule that surely admits it: numbers of cells, and of `lines(direction)`."""
        services = self.services(cells)
        cell, line = self.tiers[NETWORK, direction].admitting(self._questions(cells, services, direction))
        return cell, line + self.offset(direction)

    def offset(self, direction: Direction) -> int:
        """Where the rules of NetworkPolicies begin among `lines(direction)`."""
        return len(self.tiers[ADMIN, direction].lines)

    def may_enter(self, servers: Cells, clients: Codes) -> Mask:
        """Which `clients` (columns: classes) a NetworkPolicy rule may admit to the server and port of each cell (rows); all of
        them where no NetworkPolicy isolates the server, or where the Admin tier speaks first.
        """
        if self.tiers[ADMIN, INGRESS].entries:
            return np.ones((len(servers), len(clients)), dtype=bool)
        asked = self._questions(servers, self.services(servers), INGRESS)
        return self.tiers[NETWORK, INGRESS].may_accept(asked, *self.classes.parts(clients))

    def services(self, cells: Cells) -> Services:
        """What rules can tell of the cells' ports."""
        return Services.of(self.ports, self.naming, self.classes.groups(cells.server), cells.port, cells.proto)

    def _questions(self, cells: Cells, services: Services, direction: Direction) -> Questions:
        subject, peer = (cells.client, cells.server) if direction == EGRESS else (cells.server, cells.client)
        return Questions(self.classes.groups(subject), *self.classes.parts(peer), services)

    def _side(self, cells: Cells, services: Services, direction: Direction) -> Side:
        asked = self._questions(cells, services, direction)
        outcomes = {tier: self.tiers[tier, direction].decide(asked) for tier in TIERS}
        network = _without_ports(outcomes[NETWORK], cells.proto)
        undecided_egress = self.classes.profile.own_node_egress == "undecided"
        if direction == EGRESS and undecided_egress:
            network = _own_node_egress(network, cells.relation)
        outcomes[NETWORK] = network
        return _exempt(
            _combined(outcomes, self._offsets(direction), self._domains(direction)), cells.relation, direction
        )

    def _offsets(self, direction: Direction) -> dict[str, int]:
        counts = [len(self.tiers[tier, direction].lines) for tier in TIERS]
        return dict(zip(TIERS, np.cumsum([0, *counts[:-1]]).tolist(), strict=True))

    def _domains(self, direction: Direction) -> Mask:
        """Which lines have peers by domain name."""
        lines = self.lines(direction)
        return np.array([any(peer.domains for peer in line.peers or ()) for line in lines], dtype=bool)


def _without_ports(outcome: Outcome, proto: Codes) -> Outcome:
    """The API leaves open what NetworkPolicy does with protocols other than TCP, UDP and SCTP."""
    beyond = (outcome.possible != PASS) & ~np.isin(proto, list(PROTOCOLS.values()))
    why = np.where(np.isin(proto, (ICMP, ICMPV6)), Reason.ICMP, Reason.OTHER_PROTOCOL)
    return Outcome(
        np.where(beyond, ACCEPT | DENY, outcome.possible).astype(np.uint8),
        np.where(beyond, -1, outcome.line),
        np.where(beyond, why, outcome.miss).astype(np.int8),
        outcome.under,
    )


def _own_node_egress(outcome: Outcome, relation: Codes) -> Outcome:
    """The API text and the documentation differ on whether a pod may always reach its own node."""
    differs = (relation == TO_OWN_NODE) & (outcome.possible & DENY != 0)
    return Outcome(
        np.where(differs, ACCEPT | DENY, outcome.possible).astype(np.uint8),
        outcome.line,
        np.where(differs & (outcome.miss != Reason.ICMP), Reason.OWN_NODE_EGRESS, outcome.miss).astype(np.int8),
        outcome.under,
    )


def _combined(outcomes: Mapping[str, Outcome], offsets: Mapping[str, int], domains: Mask) -> Side:
    """Admin tier, then NetworkPolicy, then Baseline, each asked as far as the one before may pass."""
    open_ = np.ones(len(outcomes[ADMIN].possible), dtype=bool)
    allows, denies = np.zeros_like(open_), np.zeros_like(open_)
    first = last = (np.full(len(open_), Reason.NOT_ISOLATED), np.full(len(open_), -1))
    for tier in TIERS:
        outcome = outcomes[tier]
        accepts, refuses = open_ & (outcome.possible & ACCEPT != 0), open_ & (outcome.possible & DENY != 0)
        said = _said(tier, outcome, accepts, offsets[tier], domains)
        first = _where((accepts | refuses) & ~(allows | denies), said, first)
        last = _where(accepts | refuses, said, last)
        allows, denies = allows | accepts, denies | refuses
        open_ = open_ & (outcome.possible & PASS != 0)
    allows |= open_
    # What is undecided hangs on the first tier that spoke; what is not was settled by the last one.
    reason, line = _where(allows & denies, first, last)
    return Side(allows, denies, reason.astype(np.int8), line, outcomes[NETWORK].under)


def _where(here: Mask, these: tuple[Codes, Codes], those: tuple[Codes, Codes]) -> tuple[Codes, Codes]:
    return np.where(here, these[0], those[0]), np.where(here, these[1], those[1])


def _said(tier: str, outcome: Outcome, accepts: Mask, offset: int, domains: Mask) -> tuple[Codes, Codes]:
    """The reason a tier gives where it says anything but "pass", and its line."""
    line = np.where(outcome.line >= 0, outcome.line + offset, -1)
    unknown = np.where(np.append(domains, False)[line], Reason.UNKNOWN_DOMAIN, Reason.UNKNOWN_LABELS)
    unsure = np.where(outcome.miss == 0, unknown, outcome.miss)
    if tier == NETWORK:
        sure = np.where(accepts, Reason.ADMITTED, outcome.miss)
    else:
        sure = np.where(accepts, Reason.ACCEPTED, Reason.REFUSED)
    return np.where(np.bitwise_count(outcome.possible) > 1, unsure, sure).astype(np.int64), line


def _exempt(side: Side, relation: Codes, direction: Direction) -> Side:
    """A pod's traffic with itself, and what comes from its own node, are never denied."""
    itself = relation == SAME_POD
    from_node = (relation == FROM_OWN_NODE) & (direction == INGRESS)
    free = itself | from_node
    reason = np.where(itself, Reason.OWN_POD, np.where(from_node, Reason.OWN_NODE, side.reason)).astype(np.int8)
    return Side(side.allows | free, side.denies & ~free, reason, np.where(free, -1, side.line), side.under)
