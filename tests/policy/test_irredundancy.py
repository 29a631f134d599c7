"""Irredundancy against a plain-Python search: every rule taken apart into single peers and ports, every call asked of each."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from random import Random

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowkit.contract import conform
from flowkit.policy.judge import Ruling
from flowkit.policy.model import NetworkPolicy, Peer, Port, Rule, Selector
from flowkit.policy.policyset import PolicySet
from flowkit.policy.profiles import PROFILES
from flowkit.policy.verify import parts
from flowkit.policy.verify.calls import Calls
from flowkit.policy.verify.irredundancy import redundant
from flowkit.policy.verify.parts import peers_of, ports_of
from flowkit.policy.world import Host, Pod, World
from tests.policy import clusters, reference


def searched(policies: PolicySet, calls: list[tuple], world: World, profile) -> set[tuple]:
    """What could be taken away: (policy, direction, rule, part, place of the part)."""
    found = set()
    for direction in ("Egress", "Ingress"):
        needed = _needed(policies, calls, world, profile, direction)
        for policy in policies.policies:
            for number, rule in enumerate(policy.rules(direction)):
                key = (f"{policy.namespace}/{policy.name}", direction, number)
                if (*key, "rule", 0) not in needed:
                    found.add((*key, "rule", 0))
                    continue
                for part, single in (("peer", peers_of(rule)), ("port", ports_of(rule))):
                    every = {(*key, part, at) for at in range(len(single))}
                    found |= every - needed if len(single) > 1 else set()
    return found


def _needed(policies, calls, world, profile, direction) -> set[tuple]:
    """The rules, peers and ports that all pieces admitting some call have in common."""
    needed = set()
    for call in calls:
        ends = [(reference.whose(world, address), address) for address in call[:2]]
        subject, peer = ends if direction == "Egress" else ends[::-1]
        if not isinstance(subject[0], Pod) or subject[0] is peer[0]:
            continue
        if direction == "Ingress" and isinstance(peer[0], Host) and subject[0].node == peer[0].name:
            continue
        pieces = list(_pieces(policies, world, profile, direction, (subject, peer, (ends[1][0], *call[2:]))))
        common = defaultdict(set)
        for key, at_peer, at_port in pieces:
            for part, at in (("rule", 0), ("peer", at_peer), ("port", at_port)):
                common[part].add((*key, part, at))
        needed |= {each for parts in common.values() if len(parts) == 1 for each in parts}
    return needed


def _pieces(policies, world, profile, direction, call):
    subject, peer, service = call
    for policy in policies.policies:
        pod = subject[0]
        if policy.namespace != pod.namespace or not reference.selects(policy.subject, pod.labels):
            continue
        for number, rule in enumerate(policy.rules(direction)):
            for at_peer, one in enumerate(peers_of(rule) or (None,)):
                for at_port, port in enumerate(ports_of(rule) or (None,)):
                    peers, ports = ((one,) if one else ()), ((port,) if port else ())
                    if (
                        reference.peers_match(peers, policy.namespace, world, profile, direction, peer) is True
                        and reference.ports_match(ports, profile, service) is True
                    ):
                        yield (f"{policy.namespace}/{policy.name}", direction, number), at_peer, at_port


def told(policies: PolicySet, table: pd.DataFrame) -> set[tuple]:
    """The same of what `redundant` says."""
    rules = {
        (f"{policy.namespace}/{policy.name}", way, at): rule
        for policy in policies.policies
        for way in ("Egress", "Ingress")
        for at, rule in enumerate(policy.rules(way))
    }
    shown = table.groupby(["policy", "direction", "rule", "part"])["what"].apply(list)
    assert all(len(set(each)) == len(each) for key, each in shown.items() if key[3] == "rule")
    found = defaultdict(int)
    for row in table.itertuples():
        found[row.policy, row.direction, row.rule, row.part] += 1
    assert {key[:3] for key in found} <= set(rules)
    return dict(found)


def counted(parts: set[tuple]) -> dict[tuple, int]:
    found = defaultdict(int)
    for part in parts:
        found[part[:4]] += 1
    return dict(found)


def calls_of(random: Random, world: World, count: int) -> list[tuple]:
    asked = [each for each in clusters.connections(random, world, count) if each[3] in (6, 17, 132)]
    return [
        each for each in asked if each[0] != each[1] and each[1] != "255.255.255.255" and each[0] != "255.255.255.255"
    ]


def flows_of(calls: list[tuple]) -> pd.DataFrame:
    table = pd.DataFrame(calls, columns=["SrcAddr", "DstAddr", "DstPort", "Proto"])
    return conform(table.assign(SrcPort=range(40000, 40000 + len(calls)), Flags=2 + 16, Initiator="Src"))


@pytest.mark.parametrize("profile", PROFILES)
@settings(max_examples=40)
@given(seed=st.integers(0, 2**32))
def test_what_is_removable_is_what_a_search_finds(profile, seed):
    random = Random(seed)
    world = clusters.world(random)
    policies = replace(clusters.policies(random), tiers=())
    calls = calls_of(random, world, 30)
    if not calls:
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parts, "_AT_ONCE", random.choice((3, 1000)))  # one answer, however it is portioned
        table = redundant(policies, Calls.of(flows_of(calls), world), Ruling.of(policies, world, profile))
    assert told(policies, table) == counted(searched(policies, calls, world, PROFILES[profile]))


def test_a_range_and_a_list_of_values_are_taken_apart():
    world = World(
        (
            Pod("shop", "web", {"app": "web"}, addresses=("10.0.0.1",)),
            Pod("shop", "api", {"app": "api"}, addresses=("10.0.0.2",)),
            Pod("shop", "db", {"app": "db"}, addresses=("10.0.0.3",)),
        )
    )
    some = Selector((), (clusters.Requirement("app", "In", ("api", "web")),))
    rule = Rule((Peer(some),), (Port(6, 9000, 9002),))
    policies = PolicySet((NetworkPolicy("shop", "db", Selector((("app", "db"),)), ("Ingress",), (rule,)),))
    calls = flows_of([("10.0.0.1", "10.0.0.3", 9000, 6), ("10.0.0.1", "10.0.0.3", 9002, 6)])
    table = redundant(policies, Calls.of(calls, world), Ruling.of(policies, world))
    assert table[["part", "what"]].values.tolist() == [["peer", "app=api"], ["port", "9001/6"]]
