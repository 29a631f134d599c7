"""How fast flows get names and direction: `python -m benchmarks.enrich [--flows 10000000]`.

The claim (2 cores): owners and subnet labels at 5 M flows/s or more, direction with all its statistics at 2 M flows/s or
more, 30 times a per-row loop as flowlogs-pipeline does it. Peers in the same run: pytricia for each distinct address, and
such a loop over a prefix of the same flows. Flows, addresses and ranges are made up from a seed; a pod in ten starts while
they run. Direction is measured twice: with handshakes in half of the conversations, and where only statistics can decide.
"""

from __future__ import annotations

import argparse
import ipaddress
import os
import resource
import time
import warnings

import numpy as np
import pandas as pd

import flowkit as fk
from flowkit.contract import conform
from flowkit.enrich.addresses import pack

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
        "status": {
            "podIP": address,
            "hostIP": f"192.168.0.{number % NODES}",
            "phase": "Running",
            "startTime": f"1970-01-01T00:{number % 60:02}:00Z" if number % 10 == 0 else "1969-12-31T20:00:00Z",
        },
    }


def blind(flows):
    """The same flows without a handshake and with ephemeral ports on both ends: fan-in and popularity must decide."""
    return flows.assign(
        Flags=np.full(len(flows), 16, "uint16"),
        SrcPort=flows["SrcPort"] | np.uint16(1 << 15),
        DstPort=flows["DstPort"] | np.uint16(1 << 15),
    )


def timed(what, flows, work):
    """The best of three runs, in flows/s of wall time; the CPU seconds of that run are shown beside it."""
    best, busy = min(_seconds(work) for _ in range(3))
    print(f"  {what:<40} {best:8.2f} s {busy:8.2f} CPU s {flows / best / 1e6:9.2f} M flows/s")
    return flows / best


def _seconds(work):
    started, busy = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - started, time.process_time() - busy


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
    print(f"{count:,} flows, {count // 10:,} addresses, 20,000 CIDRs, 50,000 pods; load {os.getloadavg()[0]:.1f}")
    started = time.perf_counter()
    inventory, labels = fk.Inventory.load(cluster), fk.SubnetLabels.load(cidrs)
    print(f"  inventory and labels loaded in {time.perf_counter() - started:.2f} s")
    named = timed("owners and subnet labels", count, lambda: fk.enrich(flows, cluster=inventory, subnets=labels))
    turned = timed("direction", count, lambda: fk.orient(flows))
    hard = blind(flows)
    statistics = timed("direction, by statistics alone", count, lambda: fk.orient(hard))
    addresses = flows["SrcAddr"].cat.categories
    mine = timed("labels, each distinct address", count // 10, lambda: labels.lookup(pack(addresses)))
    trie = timed("the same by pytricia", count // 10, lambda: with_pytricia(addresses, cidrs))
    part = flows.iloc[:PREFIX]
    loop = timed(f"row by row (100 CIDRs), {PREFIX:,}", PREFIX, lambda: by_row(part, inventory, cidrs))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    print(f"peak memory {peak} MB; load {os.getloadavg()[0]:.1f}; {mine / trie:.1f} × pytricia")
    for what, found, mark in (
        ("owners and labels", named / 1e6, 5),
        ("direction", turned / 1e6, 2),
        ("direction, by statistics alone", statistics / 1e6, 2),
        ("× the loop", named / loop, 30),
    ):
        print(f"{'met   ' if found >= mark else 'missed'} {what}: {found:.2f} (mark {mark})")


if __name__ == "__main__":
    main()
