"""Policies made of a large matrix and proven: `python -m benchmarks.policy [--workloads 2000] [--edges 40000] [--flows N]`.

The claim, in CPU seconds: synthesis of 2,000 workloads and 40,000 edges under 10 s, verification of 10 million flows under
10 s.
Growth is shown from 100 workloads on. Peer in the same run: a naive judge, one Python call a flow (a hundred flows, scaled).
The cluster is made up from a seed: 50 workloads a namespace, two pods each, three ports a server, Helm's labels.
"""

from __future__ import annotations

import argparse
import resource
import warnings
from random import Random

import numpy as np
import pandas as pd

import flowkit as fk
from flowkit.contract import FLAG_BITS, conform
from flowkit.policy.profiles import PROFILES
from flowkit.policy.world import World
from tests.policy import reference

SPACE, PODS, PORTS = 50, 2, (8080, 9090, 9443)
START = 1_800_000_000_000


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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workloads", type=int, default=2000)
    parser.add_argument("--edges", type=int, default=40_000)
    parser.add_argument("--flows", type=int, default=10_000_000)
    asked = parser.parse_args()
    for workloads in (100, 500, 1000):
        spent, made, _, _ = synthesised(workloads, asked.edges * workloads // asked.workloads)
        print(f"synthesis  {workloads:>6,} workloads  {len(made):>6,} policies  {spent:6.1f} s", flush=True)
    spent, made, inventory, addresses = synthesised(asked.workloads, asked.edges)
    print(
        f"synthesis  {asked.workloads:>6,} workloads  {len(made):>6,} policies  {spent:6.1f} s  {'met' if spent < 10 else 'missed'} (< 10 s)",  # noqa: E501
        flush=True,
    )
    table = flows(asked.flows, asked.edges, addresses)
    began = cpu()
    verification = fk.verify(made, table, inventory)
    spent = cpu() - began
    print(
        f"verify     {len(table):,} flows  {spent:6.1f} s  {'met' if spent < 10 else 'missed'} (< 10 s)\n           {verification.line}",  # noqa: E501
        flush=True,
    )
    each = naive(made, table, inventory)
    print(f"naive      {each * len(table):,.0f} s for as many flows, {each * len(table) / spent:,.0f} times as long")
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2:.1f} GiB")


if __name__ == "__main__":
    main()
