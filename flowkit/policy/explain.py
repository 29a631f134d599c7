"""Explain one connection: allowed or denied, by which rule of which policy, or what is missing."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from flowkit.enrich import Inventory
from flowkit.enrich.addresses import parse, spelled
from flowkit.errors import PolicyError
from flowkit.manifests.node import hint
from flowkit.policy.judge.notes import named_ports
from flowkit.policy.judge.reasons import VERDICTS, Reason
from flowkit.policy.judge.ruling import Cells, Judgement, Ruling, Side
from flowkit.policy.model import EGRESS, INGRESS, PROTOCOLS, Direction
from flowkit.policy.policyset import PolicySet
from flowkit.policy.profiles import Profile
from flowkit.policy.world import Pod, World

_SERVER = re.compile(r"(?P<name>\[[^\]]+\]|[^:]+):(?P<port>\d{1,5})(?:/(?P<proto>\w+))?")
_ADVICE = {
    Reason.OTHER_PORT: "that rule has this peer: it would need the port",
    Reason.OTHER_PEER: "that rule has this port: it would need the peer",
    Reason.WRONG_NAMESPACE: "that rule has the port and the pod's labels, but of other namespaces",
    Reason.NOTHING_NEAR: "no rule has this peer or this port",
    Reason.UNKNOWN_LABELS: "the inventory does not tell the labels that rule asks for",
}


@dataclass(frozen=True)
class SideExplained:
    """What one end's policies say: its verdict and reason, the policies that isolate it, the rule that decides or comes
    nearest, and all rules that admit the connection.
    """

    direction: str
    verdict: str
    reason: str
    isolated_by: tuple[str, ...]
    rule: str
    admitted_by: tuple[str, ...]
    advice: str = ""


@dataclass(frozen=True)
class Explanation:
    """One connection, its verdict, both sides, and what to know (pods of one workload that are judged otherwise)."""

    source: str
    server: str
    verdict: str
    sides: tuple[SideExplained, SideExplained]
    notes: tuple[str, ...] = ()

    def lines(self) -> Iterator[str]:
        """The explanation for a reader, line by line."""
        yield f"{self.verdict}: {self.source} → {self.server}"
        for side in self.sides:
            yield f"  {side.direction.lower():<8}{side.verdict}: {side.reason}" + (
                f", {side.rule}" if side.rule else ""
            )
            if side.isolated_by:
                yield f"          isolated by {', '.join(side.isolated_by)}"
            if side.advice:
                yield f"          {side.advice}"
        yield from (f"  {note}" for note in self.notes)


@dataclass(frozen=True)
class Question:
    """A connection by names: an end is ``namespace/workload`` (or pod), a node's name, or an address."""

    source: str
    server: str
    port: int
    proto: int

    @classmethod
    def parse(cls, source: str, server: str) -> Question:
        """Read ``SRC`` and ``DST:PORT[/PROTO]``; the protocol is tcp, udp, sctp or its number, and tcp where it is not told.

        >>> Question.parse("shop/frontend", "data/redis:6379")
        Question(source='shop/frontend', server='data/redis', port=6379, proto=6)
        """
        read = _SERVER.fullmatch(server)
        if read is None or not 0 < int(read["port"]) <= 65535:
            raise PolicyError(f"'{server}' is no server: write namespace/workload:port, or address:port, [v6]:port")
        word = (read["proto"] or "TCP").upper()
        if word not in PROTOCOLS and not word.isdecimal():
            raise PolicyError(f"'{read['proto']}' is no protocol: {', '.join(PROTOCOLS).lower()} or a number")
        proto = PROTOCOLS[word] if word in PROTOCOLS else int(word)
        return cls(source.strip("[]"), read["name"].strip("[]"), int(read["port"]), proto)


def explain(
    policies: PolicySet | str | Path | Mapping[str, Any],
    question: Question,
    inventory: Inventory | str | Path | Mapping[str, Any],
    profile: str | Profile = "generic",
) -> Explanation:
    """Explain what a policy set says to one connection of workloads, pods, nodes or addresses.

    A workload's pods are judged one by one; the first pair is explained, and the notes count the pairs judged otherwise. Raises
    `PolicyError` with a near name for an end that the inventory lacks.

    >>> pods = [{"kind": "Pod", "metadata": {"name": name, "namespace": "shop"}, "status": {"podIPs": [{"ip": ip}]}}
    ...         for name, ip in (("web", "10.0.0.1"), ("db", "10.0.0.2"))]
    >>> import warnings
    >>> with warnings.catch_warnings(action="ignore"):
    ...     found = explain(PolicySet(), Question.parse("shop/web", "shop/db:5432"), {"kind": "List", "items": pods})
    >>> print(*found.lines(), sep="\\n")
    allowed: shop/web → shop/db:5432/TCP
      egress  allowed: not isolated
      ingress allowed: not isolated
    """
    inventory = Inventory.load(inventory)
    world, policies = World.of(inventory), PolicySet.load(policies)
    ruling = Ruling.of(policies, world, profile)
    clients, servers = _ends(question.source, inventory, world), _ends(question.server, inventory, world)
    pairs = [(client, server) for client in clients for server in servers]
    cells = _cells(question, pairs, ruling)
    found = ruling.judge(cells)
    others = [pair for pair, verdict in zip(pairs, found.verdict, strict=True) if verdict != found.verdict[0]]
    client, server = (_title(end, world) for end in pairs[0])
    return Explanation(
        client,
        f"{server}:{question.port}/{_protocol(question.proto)}",
        VERDICTS[found.verdict[0]],
        (_side(found, cells, ruling, EGRESS), _side(found, cells, ruling, INGRESS)),
        (*policies.notes, *named_ports(ruling), *_otherwise(others, len(pairs), world)),
    )


def _otherwise(others: list[tuple[str, str]], count: int, world: World) -> Iterator[str]:
    if others:
        client, server = (_title(end, world) for end in others[0])
        yield f"{len(others)} of {count} pairs of pods are judged otherwise, e.g. {client} → {server}"


def _ends(name: str, inventory: Inventory, world: World) -> list[str]:
    """The addresses of an end: of all pods of a workload, of a node, or the address itself."""
    if parse(name):
        return [spelled(name)]
    hosts = {host.name: host.addresses for host in world.hosts}
    owners = {(who.namespace, who.name): who.owner_name for who in inventory.people if who.type == "Pod"}
    found: dict[str, list[str]] = {}
    for pod in world.pods:
        own = pod.addresses[:1] or hosts.get(pod.node, ())[:1]
        for each in dict.fromkeys((owners.get((pod.namespace, pod.name), pod.name), pod.name)):
            found.setdefault(f"{pod.namespace}/{each}", []).extend(own)
    found.update({host: list(addresses[:1]) for host, addresses in hosts.items()})
    if not found.get(name):
        raise PolicyError(f"no pod, workload or node '{name}' with an address in this inventory.{hint(name, found)}")
    return found[name]


def _cells(question: Question, pairs: list[tuple[str, str]], ruling: Ruling) -> Cells:
    world = ruling.classes.world
    parties = [np.array([world.party(address) for address in end], dtype=np.int64) for end in zip(*pairs, strict=True)]
    client, server = (ruling.ends(list(end)) for end in zip(*pairs, strict=True))
    return Cells.of(client, server, question.port, question.proto, ruling.relation(parties[0], parties[1]))


def _side(found: Judgement, cells: Cells, ruling: Ruling, direction: Direction) -> SideExplained:
    side: Side = found.egress if direction == EGRESS else found.ingress
    lines = [f"{line.policy} {line.rule}" for line in ruling.lines(direction)]
    reason = Reason(int(side.reason[0]))
    cell, line = ruling.admitting(cells, direction)
    under = int(side.under[0])
    return SideExplained(
        direction,
        "undecided" if side.allows[0] and side.denies[0] else "allowed" if side.allows[0] else "denied",
        reason.words,
        tuple(ruling.sets(direction)[under].split(", ")) if under >= 0 else (),
        lines[side.line[0]] if side.line[0] >= 0 else "",
        tuple(lines[at] for at in line[cell == 0]),
        _ADVICE.get(reason, ""),
    )


def _title(address: str, world: World) -> str:
    party = world.party(address)
    if party < 0:
        return f"[{address}]" if ":" in address else address
    if party >= len(world.pods):
        return world.hosts[party - len(world.pods)].name
    pod: Pod = world.pods[party]
    return f"{pod.namespace}/{pod.name}"


def _protocol(proto: int) -> str:
    return next((name for name, number in PROTOCOLS.items() if number == proto), str(proto))
