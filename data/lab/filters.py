"""Policies as nftables rules: what each node does to the packets of its pods.

A node sees every packet of its pods after Service translation, as it routes them all, even to the pod next door. So:

    forward ── established? accept ── from a pod here: chain egress ── to a pod here: chain ingress
    input   ── established? accept ── from a pod here: chain egress        (to the node's own processes)

The node's own packets to its pods come by another hook (output), which is why a pod's own node is never filtered. Replies
are the connection tracker's business. Kubernetes leaves open what policies do to protocols without ports; here they pass.
A refused packet is answered, by one ICMP code for egress and another for ingress, so that the client can tell at once.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

from data.lab.matches import FAMILIES, Subject, lines, pod_network, selects
from data.lab.model import Node, Scenario
from data.lab.network import Network, load_rules, namespace
from data.lab.placement import Pod
from flowkit.policy.model import EGRESS, INGRESS, ClusterPolicy, Direction, NetworkPolicy, OrderedRule
from flowkit.policy.policyset import PolicySet

TABLE = "policies"
DIRECTIONS: tuple[Direction, Direction] = (EGRESS, INGRESS)
TELL = {EGRESS: ("net-prohibited", "no-route"), INGRESS: ("host-prohibited", "addr-unreachable")}
# The kernel would answer only one refused packet a second and client.
TALKATIVE = ("net.ipv4.icmp_ratemask=0", "net.ipv6.icmp.ratelimit=0")

Lines = list[str]


def apply(network: Network, policies: PolicySet) -> None:
    """Let every node of the standing network filter by these policies, and by no others any more."""
    for node in network.scenario.nodes:
        place = namespace(node)
        subprocess.run(["ip", "netns", "exec", place, "sysctl", "-qw", *TALKATIVE], check=True)
        load_rules(place, filter_rules(policies, network.scenario, node))


def filter_rules(policies: PolicySet, scenario: Scenario, node: Node) -> str:
    """Write a node's table; loading it replaces the one that was there."""
    here = [pod for pod in pod_network(scenario) if pod.node == node]
    chains = {chain: body for direction in DIRECTIONS for chain, body in _chains(policies, scenario, here, direction)}
    guard = ["ct state established,related accept", "meta l4proto != { tcp, udp, sctp } accept"]
    text = [f"table inet {TABLE}", f"delete table inet {TABLE}", f"table inet {TABLE} {{"]
    for chain, body in chains.items():
        text += [f"  chain {chain} {{", *(f"    {line}" for line in body), "  }"]
    for hook, jumps in (("forward", ("jump egress", "jump ingress")), ("input", ("jump egress",))):
        head = f"type filter hook {hook} priority -100; policy accept;"
        text += [f"  chain {hook} {{", *(f"    {line}" for line in (head, *guard, *jumps)), "  }"]
    return "\n".join([*text, "}"]) + "\n"


def _chains(
    policies: PolicySet, scenario: Scenario, here: list[Pod], direction: Direction
) -> Iterator[tuple[str, Lines]]:
    """Write the chains of one direction, those that are jumped to first: nftables wants them known."""
    filtered: dict[str, str] = {}
    for number, pod in enumerate(here):
        name = f"{direction.lower()}_{number}"
        first, then = _pod_chains(policies, Subject(scenario, pod, direction), name)
        if first or then:
            yield f"{name}_policies", then
            yield name, [*first, f"goto {name}_policies"]
            filtered |= dict.fromkeys(pod.addresses, name)
    side = "saddr" if direction == EGRESS else "daddr"
    yield direction.lower(), [line for family in FAMILIES for line in _dispatch(family, side, filtered)]


def _dispatch(family: int, side: str, chains: dict[str, str]) -> Iterator[str]:
    of_family = [f"{a} : goto {chain}" for a, chain in chains.items() if (":" in a) == (family == 6)]
    if of_family:
        yield f"{FAMILIES[family]} {side} vmap {{ {', '.join(of_family)} }}"


def _pod_chains(policies: PolicySet, subject: Subject, name: str) -> tuple[Lines, Lines]:
    """Write what comes first, the tier of the admins, and what it passes on to: NetworkPolicies, else the baseline."""
    admin = _tier(policies, "Admin", subject, f"goto {name}_policies")
    isolating = [policy for policy in policies.policies if isolates(policy, subject)]
    if isolating:
        return admin, [line for policy in isolating for line in _admitting(policy, subject)] + refuse(subject.direction)
    return admin, _tier(policies, "Baseline", subject, "return")


def isolates(policy: NetworkPolicy, subject: Subject) -> bool:
    """Tell whether a policy chooses the subject and speaks of its direction."""
    labels = subject.labels
    here = policy.namespace == subject.pod.workload.namespace and subject.direction in policy.directions
    return here and policy.subject.matches(labels)


def _admitting(policy: NetworkPolicy, subject: Subject) -> Lines:
    subject = subject.of(policy.namespace)
    rules = policy.rules(subject.direction)
    return [f"{match.text} return".strip() for rule in rules for match in lines(subject, rule.peers, rule.ports)]


def _tier(policies: PolicySet, tier: str, subject: Subject, pass_on: str) -> Lines:
    """Write a tier's rules in their order: the first that matches decides."""
    chosen = [policy for policy in policies.tiers if policy.tier == tier and _speaks_of(policy, subject)]
    ordered = [
        rule
        for policy in sorted(chosen, key=lambda policy: policy.priority)
        for rule in policy.rules(subject.direction)
    ]
    return [line for rule in ordered for line in _deciding(rule, subject, pass_on)]


def _speaks_of(policy: ClusterPolicy, subject: Subject) -> bool:
    return selects(policy.subject, subject.pod, "")


def _deciding(rule: OrderedRule, subject: Subject, pass_on: str) -> Iterator[str]:
    then = {"Accept": ["return"], "Pass": [pass_on], "Deny": refuse(subject.direction)}[rule.action]
    for match in lines(subject, rule.peers, rule.ports):
        for verdict in then:
            if match.family and verdict.startswith(f"meta nfproto ipv{10 - match.family}"):
                continue
            yield f"{match.text} {verdict}".strip()


def refuse(direction: Direction) -> Lines:
    """Write the lines that refuse whatever comes to them, in words that tell the direction."""
    four, six = TELL[direction]
    return [
        f"meta nfproto ipv4 reject with icmp type {four}",
        f"meta nfproto ipv6 reject with icmpv6 type {six}",
    ]
