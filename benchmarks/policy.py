"""Policies made of a large matrix and proven: `python -m benchmarks.policy [--workloads 2000] [--edges 40000] [--flows N]`.

The claim, in CPU seconds: synthesis of 2,000 workloads and 40,000 edges under 10 s, verification of 10 million flows under
10 s. Growth is shown from 100 workloads on, for both. Peers in the same run: a naive judge, one Python call a flow (a hundred
flows, scaled), and network-config-analyzer's connectivity map of a small cluster, beside our verification of it.
The cluster is made up from a seed: 50 workloads a namespace, two pods each, three ports a server, Helm's labels.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import time
import warnings
from pathlib import Path
from random import Random

import numpy as np
import pandas as pd

import flowkit as fk
from benchmarks import policy_peers
from flowkit.contract import FLAG_BITS, conform
from flowkit.policy.profiles import PROFILES
from flowkit.policy.world import World
from tests.policy import reference

SPACE, PODS, PORTS = 50, 2, (8080, 9090, 9443)
START = 1_800_000_000_000
MARK, SMALL, PATIENCE = 10, 100, 120  # seconds, workloads, seconds


def cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def cluster(workloads: int) -> tuple[fk.Inventory, list[list[str]]]:
    """The inventory, and the addresses of each workload."""
    items, addresses = [], []
    for at in range(workloads):
        space, name = f"ns{at // SPACE}", f"w{at % SPACE}"
        labels = {"app.kubernetes.io/name": name, "app.kubernetes.io/instance": f"r{at % 7}", "pod-template-hash": "x"}
        own = [
            f"10.{128 + (at * PODS + pod) // 65536}.{(at * PODS + pod) // 256 % 256}.{(at * PODS + pod) % 256}"
            for pod in range(PODS)
        ]
        addresses.append(own)
        for pod, address in enumerate(own):
            meta = {
                "name": f"{name}-{pod}",
                "namespace": space,
                "labels": labels,
                "ownerReferences": [{"kind": "StatefulSet", "name": name}],
            }
            status = {"phase": "Running", "hostIP": "192.168.0.1", "podIPs": [{"ip": address}]}
            items.append({"kind": "Pod", "metadata": meta, "spec": {"nodeName": "n1"}, "status": status})
    with warnings.catch_warnings(action="ignore"):
        return fk.Inventory.load({"kind": "List", "items": items}), addresses


def flows(count: int, edges: int, addresses: list[list[str]]) -> pd.DataFrame:
    """Connections over `edges` random edges, every edge at least once, one row each."""
    rng = np.random.default_rng(1)
    client, server = rng.integers(0, len(addresses), (2, edges))
    server = np.where(server == client, (server + 1) % len(addresses), server)
    port = rng.choice(PORTS, edges)
    pick = np.concatenate([np.arange(edges), rng.integers(0, edges, max(0, count - edges))])
    texts = [address for own in addresses for address in own]
    ends = [each[pick] * PODS + rng.integers(0, PODS, len(pick)) for each in (client, server)]
    when = START + rng.integers(0, 3_600_000, len(pick))
    return conform(
        pd.DataFrame(
            {
                "SrcAddr": pd.Categorical.from_codes(ends[0], texts),
                "DstAddr": pd.Categorical.from_codes(ends[1], texts),
                "SrcPort": rng.integers(32768, 61000, len(pick)).astype("uint16"),
                "DstPort": port[pick].astype("uint16"),
                "Proto": np.full(len(pick), 6, "uint8"),
                "Flags": np.full(len(pick), FLAG_BITS["SYN"] | FLAG_BITS["ACK"], "uint16"),
                "Bytes": np.full(len(pick), 500, "int64"),
                "Packets": np.full(len(pick), 5, "int64"),
                "TimeFlowStartMs": when,
                "TimeFlowEndMs": when + 5,
            }
        )
    )


def synthesised(workloads: int, edges: int) -> tuple[float, fk.PolicySet, fk.Inventory, list[list[str]]]:
    inventory, addresses = cluster(workloads)
    matrix = fk.matrix(fk.enrich(flows(edges, edges, addresses), cluster=inventory))
    began = cpu()
    made = fk.synthesise(matrix, inventory, options=fk.Options(default_deny="always"))
    return cpu() - began, made, inventory, addresses


def naive(policies: fk.PolicySet, table: pd.DataFrame, inventory: fk.Inventory, count: int = 100) -> float:
    """CPU seconds a flow of a judge that asks every policy of every flow."""
    world = World.of(inventory)
    rows = (
        table.head(count)[["SrcAddr", "DstAddr", "DstPort", "Proto"]].astype(object).itertuples(index=False, name=None)
    )
    asked, began = list(rows), cpu()
    Random(1).shuffle(asked)
    for flow in asked:
        reference.verdict(policies, world, flow, PROFILES["generic"])
    return (cpu() - began) / count


def verified(made: fk.PolicySet, table: pd.DataFrame, inventory: fk.Inventory) -> tuple[float, float, fk.Verification]:
    """CPU and clock seconds of a verification, and what it says."""
    began, clock = cpu(), time.perf_counter()
    found = fk.verify(made, table, inventory)
    return cpu() - began, time.perf_counter() - clock, found


def analysed(program: Path, made: fk.PolicySet, inventory: fk.Inventory) -> str:
    """What network-config-analyzer takes for the same policies: CPU seconds for every pair's connections."""
    pods, spaces = policy_peers.objects(World.of(inventory))
    manifests = [policy_peers.manifest(policy) for policy in made.policies]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    try:
        policy_peers.answers(program, pods, spaces, manifests, PATIENCE)
    except subprocess.TimeoutExpired:
        return f"more than {PATIENCE} s (stopped)"
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return f"{after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime:.1f} s"


def mark(spent: float) -> str:
    return f"{spent:6.1f} s  {'met' if spent < MARK else 'missed'} (< {MARK} s)"


def grown(workloads: int, edges: int, count: int) -> None:
    """One line of the growth: a smaller cluster with as many edges and flows a workload."""
    spent, made, inventory, addresses = synthesised(workloads, edges)
    proof, _, _ = verified(made, flows(count, edges, addresses), inventory)
    print(
        f"{workloads:>6,} workloads  {len(made):>6,} policies  {count:>11,} flows  {spent:6.1f} s  {proof:6.1f} s",
        flush=True,
    )


def peers(small: int, edges: int, program: Path | None) -> None:
    """Ours beside network-config-analyzer on a small cluster."""
    _, made, inventory, addresses = synthesised(small, edges)
    ours, _, _ = verified(made, flows(edges, edges, addresses), inventory)
    theirs = analysed(program or policy_peers.installed(), made, inventory)
    print(
        f"network-config-analyzer, {small} workloads, {len(made)} policies: map alone {theirs}; ours, whole, {ours:.2f} s"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workloads", type=int, default=2000)
    parser.add_argument("--edges", type=int, default=40_000)
    parser.add_argument("--flows", type=int, default=10_000_000)
    parser.add_argument("--nca", type=Path, help="network-config-analyzer's program; installed where it is not given")
    asked = parser.parse_args()
    print("growth: synthesis and verification, CPU seconds")
    for workloads in (100, 500, 1000):
        share = workloads / asked.workloads
        grown(workloads, int(asked.edges * share), int(asked.flows * share))
    spent, made, inventory, addresses = synthesised(asked.workloads, asked.edges)
    print(
        f"synthesis  {asked.workloads:,} workloads, {asked.edges:,} edges, {len(made):,} policies  {mark(spent)}",
        flush=True,
    )
    table = flows(asked.flows, asked.edges, addresses)
    spent, clock, verification = verified(made, table, inventory)
    print(
        f"verify     {len(table):,} flows  {mark(spent)}, {clock:.1f} s by the clock\n           {verification.line}",
        flush=True,
    )
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2:.1f} GiB")
    each = naive(made, table, inventory)
    print(f"naive judge (100 flows, scaled) {each * len(table):,.0f} s, {each * len(table) / spent:,.0f} times as long")
    peers(SMALL, SMALL * asked.edges // asked.workloads, asked.nca)


if __name__ == "__main__":
    main()
