"""How fast flows get names and direction: `python -m benchmarks.enrich [--flows 10000000]`.

The claim (2 cores): owners and subnet labels at 5 M flows/s or more, direction with all its statistics at 2 M flows/s or
more, 30 times a per-row loop as flowlogs-pipeline does it. Peers in the same run: pytricia for each distinct address, and
such a loop over a prefix of the same flows. Flows, addresses and ranges are made up from a seed.
"""

from __future__ import annotations

import argparse
import ipaddress
import resource
import time
import warnings

import numpy as np
import pandas as pd

import flowkit as fk
from flowkit.contract import conform

SEED = 7
NODES = 200
PREFIX = 200_000
PORTS = np.array([80, 443, 5432, 6379, 8080, 9090, 9091])


def make(flows: int, addresses: int, pods: int, cidrs: int):
    """Flows between random addresses, half of them answers; an inventory of pods; CIDRs that nest."""
    dice = np.random.default_rng(SEED)
    numbers = np.sort(dice.choice(1 << 24, addresses, replace=False)) + (10 << 24)
    texts = pd.Index([str(ipaddress.IPv4Address(int(number))) for number in numbers])
    half = flows // 2
    client, server = dice.integers(0, addresses, half), dice.integers(0, addresses // 20, half)
    ports = dice.integers(32768, 61000, half), dice.choice(PORTS, half)
    start = dice.integers(0, 3_600_000, half)
    flags = np.r_[np.where(dice.random(half) < 0.7, 18, 16), np.where(dice.random(half) < 0.7, 272, 16)]
    table = pd.DataFrame(
        {
            "SrcAddr": pd.Categorical.from_codes(np.r_[client, server], categories=texts),
            "DstAddr": pd.Categorical.from_codes(np.r_[server, client], categories=texts),
            "SrcPort": np.r_[ports].ravel().astype("uint16"),
            "DstPort": np.r_[ports[1], ports[0]].astype("uint16"),
            "Proto": np.full(2 * half, 6, "uint8"),
            "Flags": flags.astype("uint16"),
            "TimeFlowStartMs": np.r_[start, start + 1],
            "TimeFlowEndMs": np.r_[start + 500, start + 501],
        }
    )
    bases = dice.integers(0, 1 << 24, cidrs)
    nets = [
        ipaddress.ip_network(((10 << 24) + int(b), int(n)), strict=False)
        for b, n in zip(bases, dice.integers(12, 29, cidrs), strict=True)
    ]
    labels = {f"L{number}": [str(net)] for number, net in enumerate(nets)}
    return (
        conform(table),
        {"kind": "List", "items": [pod(at, texts[at]) for at in dice.choice(addresses, pods, replace=False)]},
        labels,
    )


def pod(number, address):
    """A running pod of a StatefulSet."""
    return {
        "kind": "Pod",
        "metadata": {
            "name": f"p{number}",
            "namespace": f"n{number % 50}",
            "ownerReferences": [{"kind": "StatefulSet", "name": f"s{number // 3}"}],
        },
        "spec": {"nodeName": f"node{number % NODES}"},
        "status": {"podIP": address, "hostIP": f"192.168.0.{number % NODES}", "phase": "Running"},
    }


def timed(what, flows, work):
    """Run once to warm up nothing but imports, then take the best of three."""
    best = min(_seconds(work) for _ in range(3))
    print(f"  {what:<34} {best:8.2f} s {flows / best / 1e6:9.2f} M flows/s")
    return flows / best


def _seconds(work):
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def by_row(flows, inventory, labels):
    """What a pipeline does flow by flow: look both ends up in a dict and walk the labels in order."""
    nets = [(ipaddress.ip_network(cidr), name) for name, (cidr,) in labels.items()]
    walked = {}
    for row in flows[["SrcAddr", "DstAddr"]].itertuples(index=False):
        for address in row:
            inventory.identities.get(address)
            if address not in walked:
                ip = ipaddress.ip_address(address)
                walked[address] = next((name for net, name in nets[:100] if ip in net), None)


def with_pytricia(addresses, labels):
    """Longest prefix for each distinct address, by the fastest trie there is for Python."""
    import pytricia

    trie = pytricia.PyTricia()
    for name, (cidr,) in labels.items():
        trie[cidr] = name
    for address in addresses:
        trie.get(address)


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--flows", type=int, default=10_000_000)
    count = parser.parse_args().flows
    warnings.simplefilter("ignore")
    flows, cluster, cidrs = make(count, count // 10, 50_000, 20_000)
    print(f"{count:,} flows, {count // 10:,} addresses, 20,000 CIDRs, 50,000 pods")
    started = time.perf_counter()
    inventory, labels = fk.Inventory.load(cluster), fk.SubnetLabels.load(cidrs)
    print(f"  inventory and labels loaded in {time.perf_counter() - started:.2f} s")
    named = timed("owners and subnet labels", count, lambda: fk.enrich(flows, cluster=inventory, subnets=labels))
    turned = timed("direction", count, lambda: fk.orient(flows))
    seconds = _seconds(lambda: with_pytricia(flows["SrcAddr"].cat.categories, cidrs))
    print(f"  {'pytricia, each distinct address':<34} {seconds:8.2f} s (labels only)")
    loop = PREFIX / _seconds(lambda: by_row(flows.iloc[:PREFIX], inventory, cidrs))
    print(
        f"  {'row by row (100 CIDRs), ' + format(PREFIX, ','):<34} {PREFIX / loop:8.2f} s {loop / 1e6:9.2f} M flows/s"
    )
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10} MB")
    for what, found, mark in (
        ("owners and labels", named / 1e6, 5),
        ("direction", turned / 1e6, 2),
        ("× the loop", named / loop, 30),
    ):
        print(f"{'met   ' if found >= mark else 'missed'} {what}: {found:.2f} (mark {mark})")


if __name__ == "__main__":
    main()
