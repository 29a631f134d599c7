"""Random clusters, policies and connections for property tests, small enough that rules meet and large enough to differ."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from flowkit.policy.model import (
    ANY_PROTOCOL,
    Block,
    ClusterPolicy,
    NetworkPolicy,
    OrderedRule,
    Peer,
    Port,
    Requirement,
    Rule,
    Selector,
)
from flowkit.policy.policyset import PolicySet
from flowkit.policy.world import Host, Pod, World

KEYS, VALUES = ("app", "tier", "release"), ("a", "b", "")
SPACES = ("shop", "data", "ops")
BLOCKS = ("10.0.0.0/24", "10.0.0.0/28", "10.1.0.0/16", "0.0.0.0/0", "10.0.0.4/31", "fd00::/64", "::/0", "fd00::4/126")
PORTS, NAMES = (53, 80, 8080, 9000), ("http", "dns")
OUTSIDE = ("203.0.113.9", "10.1.2.3", "2001:db8::1", "255.255.255.255")


def world(random: Random) -> World:
    """Up to nine pods on two nodes, some in the host network, of dual stack, with named ports; some labels unknown."""
    pods = tuple(_pod(random, at) for at in range(random.randint(2, 9)))
    hosts = tuple(
        Host(f"n{at}", random.choice([None, {"zone": random.choice("ab")}]), (f"10.9.0.{at}", f"fd09::{at}"))
        for at in (1, 2)
    )
    namespaces = {space: random.choice([None, _labels(random), _labels(random)]) for space in SPACES}
    return World(pods, hosts, namespaces)


def _labels(random: Random) -> dict[str, str]:
    return {key: random.choice(VALUES) for key in KEYS if random.random() < 0.6}


def _pod(random: Random, at: int) -> Pod:
    names = tuple(
        (random.choice(NAMES), random.choice(PORTS), random.choice((6, 17))) for _ in range(random.randint(0, 2))
    )
    host = random.random() < 0.15
    addresses = () if host else (f"10.0.0.{at + 1}", f"fd00::{at + 1:x}")
    return Pod(random.choice(SPACES), f"p{at}", _labels(random), names, random.choice(("n1", "n2")), host, addresses)


def policies(random: Random) -> PolicySet:
    """A few policies of every kind."""
    network = tuple(_network(random, at) for at in range(random.randint(0, 5)))
    return PolicySet(network, tuple(_cluster(random, at) for at in range(random.choice((0, 0, 1, 3)))))


def crowd(random: Random) -> PolicySet:
    """So many policies in one namespace that the rules of a pod take several words of bits."""
    network = (_network(random, at) for at in range(250))
    return PolicySet(tuple(replace(policy, namespace=SPACES[0]) for policy in network))


def _network(random: Random, at: int) -> NetworkPolicy:
    directions = random.choice((("Ingress",), ("Egress",), ("Ingress", "Egress")))
    ingress, egress = (tuple(_rule(random) for _ in range(random.randint(0, 3))) for _ in range(2))
    return NetworkPolicy(random.choice(SPACES), f"np{at}", _selector(random), directions, ingress, egress)


def _rule(random: Random) -> Rule:
    peers = tuple(_peer(random) for _ in range(random.choice((0, 1, 1, 2))))
    return Rule(peers, tuple(_port(random) for _ in range(random.choice((0, 1, 1, 2)))))


def _peer(random: Random) -> Peer:
    kind = random.randrange(4)
    if kind == 0:
        return Peer(pods=_selector(random))
    if kind == 1:
        return Peer(namespaces=_selector(random))
    if kind == 2:
        return Peer(_selector(random), _selector(random))
    return Peer(block=random.choice((Block(random.choice(BLOCKS)), Block("10.0.0.0/24", ("10.0.0.4/31",)))))


def _selector(random: Random) -> Selector:
    if random.random() < 0.25:
        return Selector()
    if random.random() < 0.2:
        return Selector((("kubernetes.io/metadata.name", random.choice(SPACES)),))
    if random.random() < 0.5:
        return Selector(((random.choice(KEYS), random.choice(VALUES)),))
    operator = random.choice(("In", "NotIn", "Exists", "DoesNotExist"))
    values = tuple(sorted(random.sample(VALUES, random.randint(1, 2)))) if "In" in operator else ()
    return Selector((), (Requirement(random.choice(KEYS), operator, values),))


def _port(random: Random) -> Port:
    proto = random.choice((6, 6, 17, 132))
    kind = random.randrange(4)
    if kind == 0:
        return Port(proto)
    if kind == 1:
        return Port(proto, random.choice(NAMES))
    start = random.choice(PORTS)
    return Port(proto, start, random.choice((None, start, start + 1000)))


def _cluster(random: Random, at: int) -> ClusterPolicy:
    tier = random.choice(("Admin", "Baseline"))
    subject = random.choice((Peer(None, _selector(random)), Peer(_selector(random), _selector(random))))
    ingress, egress = (
        tuple(_ordered(random, way) for _ in range(random.randint(0, 3))) for way in ("Ingress", "Egress")
    )
    return ClusterPolicy("ClusterNetworkPolicy", f"cnp{at}", tier, random.randrange(3), subject, ingress, egress)


def _ordered(random: Random, direction: str) -> OrderedRule:
    action = random.choice(("Accept", "Deny", "Pass"))
    kinds = ["pods", "pods", "namespaces", "unknown"] + (["block", "nodes", "domains"] if direction == "Egress" else [])
    made = {
        "pods": Peer(_selector(random), _selector(random)),
        "namespaces": Peer(None, _selector(random)),
        "unknown": Peer() if random.random() < 0.2 else Peer(None, _selector(random)),
        "block": Peer(block=Block(random.choice(BLOCKS))),
        "nodes": Peer(nodes=Selector((("zone", "a"),))),
        "domains": Peer(domains=("example.org",)) if action == "Accept" else Peer(block=Block("0.0.0.0/0")),
    }
    peers = tuple(made[random.choice(kinds)] for _ in range(random.choice((1, 1, 2))))
    ports = tuple(_port(random) for _ in range(random.choice((0, 1))))
    named = (Port(ANY_PROTOCOL, random.choice(NAMES)),) if random.random() < 0.2 else ports
    return OrderedRule(action, peers, named)


def connections(random: Random, world: World, count: int) -> list[tuple[str, str, int, int]]:
    """Connections between all kinds of ends: source, destination, port, protocol."""
    known = [a for pod in world.pods for a in pod.addresses] + [a for host in world.hosts for a in host.addresses]
    ends = [*known, *known, *OUTSIDE]
    return [
        (
            random.choice(ends),
            random.choice(ends),
            random.choice((*PORTS, 81, 8500)),
            random.choice((6, 6, 6, 17, 132, 1, 47)),
        )
        for _ in range(count)
    ]
