"""The judge: a million flows against a thousand policies, in CPU seconds, and how that grows.

A seeded cluster of 100 namespaces with 20 workloads of 3 pods; ten policies a namespace: a default-deny, and nine with peers by
pod labels, by namespace, and by networks, port ranges and names among their ports. Flows are random pairs of pods, nodes and
outside addresses on a hundred ports, a quarter of the rows replies.

    python -m benchmarks.judge [--flows 1000000] [--policies 1000]
"""

from __future__ import annotations

import argparse
import resource
from random import Random

import numpy as np
import pandas as pd

import flowkit as fk
from flowkit.contract import FLAG_BITS, conform
from flowkit.policy.model import Block, NetworkPolicy, Peer, Port, Rule, Selector
from flowkit.policy.world import Host, Pod, World

WORKLOADS, REPLICAS, SPACES = 20, 3, 100
PORTS = [80, 443, 5432, 6379, 8080, 9090, *range(10000, 10094)]


def world() -> World:
    """The cluster: 6,000 pods on 50 nodes."""
    pods = []
    for space in range(SPACES):
        for workload in range(WORKLOADS):
            for replica in range(REPLICAS):
                at = len(pods)
                labels = {
                    "app": f"w{workload}",
                    "tier": "front" if workload < 5 else "back",
                    "pod-template-hash": f"{at}",
                }
                address = f"10.128.{at // 250}.{at % 250 + 1}"
                node = f"n{at % 50}"
                pods.append(
                    Pod(
                        f"ns{space}", f"w{workload}-{replica}", labels, (("http", 8080, 6),), node, addresses=(address,)
                    )
                )
    hosts = tuple(Host(f"n{at}", {}, (f"10.0.0.{at + 1}",)) for at in range(50))
    return World(tuple(pods), hosts, {f"ns{at}": {"team": f"t{at % 10}"} for at in range(SPACES)})


def policies(count: int, random: Random) -> fk.PolicySet:
    """`count` policies spread over the namespaces, the first of each a default-deny."""
    made = []
    for at in range(count):
        space, number = f"ns{at % SPACES}", at // SPACES
        if number == 0:
            made.append(NetworkPolicy(space, "default-deny", Selector(), ("Ingress", "Egress")))
        else:
            subject = Selector((("app", f"w{(number * 7) % WORKLOADS}"),))
            rules = [tuple(_rule(random) for _ in range(3)) for _ in range(2)]
            made.append(NetworkPolicy(space, f"p{number}", subject, ("Ingress", "Egress"), *rules))
    return fk.PolicySet(tuple(made))


def _rule(random: Random) -> Rule:
    peers = (
        Peer(Selector((("app", f"w{random.randrange(WORKLOADS)}"),))),
        Peer(Selector((("tier", "front"),)), Selector((("team", f"t{random.randrange(10)}"),))),
        Peer(block=Block(f"203.0.{random.randrange(100)}.0/24")),
        Peer(namespaces=Selector((("kubernetes.io/metadata.name", f"ns{random.randrange(SPACES)}"),))),
    )
    start = random.choice(PORTS)
    ports = (Port(6, start), Port(6, 10000, 10000 + random.randrange(94)), Port(6, "http"), Port(17, 53))
    return Rule(tuple(random.sample(peers, 2)), tuple(random.sample(ports, 2)))


def flows(count: int, world: World) -> pd.DataFrame:
    """Random connections, a third of which are answered by a row of their own."""
    rng = np.random.default_rng(1)
    addresses = [a for each in (*world.pods, *world.hosts) for a in each.addresses]
    addresses += [f"203.0.{a}.{b}" for a in range(100) for b in range(1, 11)]
    asked = count * 3 // 4
    src, dst = rng.integers(0, len(addresses), (2, asked))
    ports = np.stack([rng.integers(32768, 61000, asked), rng.choice(PORTS, asked)])
    replies = np.arange(count - asked)
    table = pd.DataFrame(
        {
            "SrcAddr": pd.Categorical.from_codes(np.concatenate([src, dst[replies]]), addresses),
            "DstAddr": pd.Categorical.from_codes(np.concatenate([dst, src[replies]]), addresses),
            "SrcPort": np.concatenate([ports[0], ports[1][replies]]),
            "DstPort": np.concatenate([ports[1], ports[0][replies]]),
            "Proto": 6,
            "Flags": np.where(np.arange(count) < asked, FLAG_BITS["SYN"] | FLAG_BITS["ACK"], FLAG_BITS["SYN_ACK"]),
            "TimeFlowStartMs": 1_768_204_800_000 + np.arange(count),
            "TimeFlowEndMs": 1_768_204_801_000 + np.arange(count),
        }
    )
    return conform(table)


def main() -> None:
    """Run it and print CPU seconds, verdicts and memory."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--flows", type=int, nargs="+", default=[1_000_000])
    parser.add_argument("--policies", type=int, nargs="+", default=[1_000])
    asked = parser.parse_args()
    cluster = world()
    print("flows      policies  CPU s  peak MB  allowed  denied")
    for rows in asked.flows:
        table = flows(rows, cluster)
        for count in asked.policies:
            chosen = policies(count, Random(1))
            begun = _cpu()
            verdicts = fk.judge(chosen, table, cluster)["verdict"].value_counts()
            took = _cpu() - begun
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
            print(
                f"{rows:<10} {count:<9} {took:5.2f}  {peak:7}  {verdicts['allowed']:7}  {verdicts['denied']:6}",
                flush=True,
            )


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
