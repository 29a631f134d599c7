"""The law of synthesis, checked by the plain-Python reference: python -m tests.policy.synthesis_law --count 500.

Every observed connection is allowed, every other cell is denied save those reported, and nothing can be taken away.
"""

from __future__ import annotations

import argparse
import sys
from random import Random

import flowkit as fk
from flowkit.policy.profiles import PROFILES
from flowkit.policy.synthesis import Options, synthesise
from flowkit.policy.verify.verifying import verify
from flowkit.policy.world import World
from tests.policy import reference, traffic

CELLS = 400


def check(seed: int, profile: str = "generic", cells: int | None = CELLS) -> tuple[int, list[str]]:
    """Check one random cluster: how many cells were judged, and every fault as a sentence."""
    random = Random(seed)
    made = traffic.cluster(random)
    if not made.edges:
        return 0, []
    inventory = traffic.inventory(made)
    labels = {traffic.LABEL: list(traffic.RANGES)}
    flows = fk.enrich(traffic.table(made), cluster=inventory, subnets=labels)
    options = Options(default_deny="always", ports=random.choice(("numbers", "names")))
    policies = synthesise(fk.matrix(flows), inventory, profile, subnets=labels, options=options)
    expectation = traffic.Expectation.of(made, policies.findings)
    covered = {policy.namespace for policy in policies.policies}
    faults = []
    world = World.of(inventory)
    asked = _cells(random, made, cells)
    for source, target, port, proto in asked:
        said = reference.verdict(policies, world, (source, target, port, proto), PROFILES[profile])
        wanted = expectation.allows(source, target, port, proto, covered)
        if (said == "allowed") != wanted:
            faults.append(f"seed {seed} {profile}: {source} → {target}:{port}/{proto} is {said}, wanted {wanted}")
    verification = verify(policies, flows, inventory, profile)
    faults += [f"seed {seed} {profile}: removable {row}" for row in verification.removable.to_dict("records")]
    lost = expectation.unselectable
    if not lost and not verification.is_complete:
        faults.append(f"seed {seed} {profile}: {verification.line}")
    return len(asked), faults


def _cells(random: Random, made: traffic.Cluster, count: int | None) -> list[tuple[str, str, int, int]]:
    """Every observed call, and others between all kinds of ends."""
    seen = [(row["SrcAddr"], row["DstAddr"], row["DstPort"], row["Proto"]) for row in made.flows]
    ends = [*made.of, *traffic.NODES.values(), *traffic.OUTSIDE, "192.0.2.1"]
    others = [
        (source, target, port, proto)
        for source in ends
        for target in ends
        if (":" in source) == (":" in target) and source != target
        for port in (*traffic.PORTS, 53, 9003, 1)
        for proto in (6, 17)
    ]
    return seen + (others if count is None else random.sample(others, min(count, len(others))))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--start", type=int, default=0)
    parser.add_argument("--all-cells", action="store_true")
    options = parser.parse_args()
    cells = faults = 0
    for seed in range(options.start, options.start + options.count):
        profile = list(PROFILES)[seed % len(PROFILES)]
        asked, found = check(seed, profile, None if options.all_cells else CELLS)
        cells, faults = cells + asked, faults + len(found)
        for fault in found:
            sys.stdout.write(fault + "\n")
    sys.stdout.write(f"{options.count} clusters, {cells:,} cells judged by the reference, {faults} faults\n")
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
