"""The judge against network-config-analyzer (NCA) on random clusters: do they agree on every connection?

NCA's conventions are kept to: an ipBlock matches no pod (profile `cilium` reads it so), TCP and UDP, labels without empty
values and explicit policyTypes (its two known errors), no host network. It answers by a connectivity map, which is read back
cell by cell.

    python -m benchmarks.policy_peers [--nca PROGRAM] [--clusters 30]

Its requirements clash with ours, so it lives in an environment of its own, made at the first run unless a program is given.
"""

from __future__ import annotations

import argparse
import csv
import json
import re
import subprocess
import tempfile
import venv
import warnings
from dataclasses import replace
from ipaddress import ip_address, ip_network, summarize_address_range
from pathlib import Path
from random import Random
from typing import Any

import pandas as pd

import flowkit as fk
from flowkit.policy.model import NetworkPolicy, Peer, Rule, Selector
from flowkit.policy.world import Pod, World
from tests.policy import clusters

OUTSIDE = "203.0.113.9"
NCA, HOME = "network-config-analyzer==2.1.0", Path(".venv/nca")
CELLS = [(port, proto) for port in (53, 80, 81, 8080, 8500, 9000) for proto in (6, 17)]
NAMES = {6: "TCP", 17: "UDP", 132: "SCTP"}


def selector(wanted: Selector) -> dict[str, Any]:
    """A selector as a manifest has it; an empty value becomes another, since NCA takes one for an absent key."""
    expressions = [
        {
            "key": each.key,
            "operator": each.operator,
            **({"values": [v or "c" for v in each.values]} if each.values else {}),
        }
        for each in wanted.expressions
    ]
    return {"matchLabels": {key: value or "c" for key, value in wanted.labels}, "matchExpressions": expressions}


def manifest(policy: NetworkPolicy) -> dict[str, Any]:
    """A policy as a manifest."""
    spec: dict[str, Any] = {
        "podSelector": selector(policy.subject),
        "policyTypes": list(policy.directions),
    }
    # NCA refuses rules of a direction that is not listed, which the API takes as inert.
    for direction, key in (("Ingress", "from"), ("Egress", "to")):
        if direction in policy.directions:
            spec[direction.lower()] = [rule(each, key) for each in policy.rules(direction)]
    meta = {"name": policy.name, "namespace": policy.namespace}
    return {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": meta, "spec": spec}


def rule(wanted: Rule, key: str) -> dict[str, Any]:
    """A rule as a manifest has it."""
    ports = [
        {
            "protocol": NAMES[port.protocol],
            **({"port": port.port} if port.port else {}),
            **({"endPort": port.end} if port.end else {}),
        }
        for port in wanted.ports
    ]
    return {key: [peer(each) for each in wanted.peers], "ports": ports}


def peer(wanted: Peer) -> dict[str, Any]:
    """A peer as a manifest has it."""
    if wanted.block:
        return {"ipBlock": {"cidr": wanted.block.cidr, "except": list(wanted.block.excluded)}}
    made = {}
    if wanted.pods is not None:
        made["podSelector"] = selector(wanted.pods)
    if wanted.namespaces is not None:
        made["namespaceSelector"] = selector(wanted.namespaces)
    return made


def objects(world: World) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Pods and namespaces as manifests."""
    pods = []
    for pod in world.pods:
        ports = {name: {"name": name, "containerPort": n, "protocol": NAMES[p]} for name, n, p in pod.ports}
        labels = {key: value or "c" for key, value in pod.labels.items()}
        pods.append(
            {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {"name": pod.name, "namespace": pod.namespace, "labels": labels},
                "spec": {
                    "nodeName": pod.node,
                    "containers": [{"name": "c", "image": "i", "ports": list(ports.values())}],
                },
                "status": {"podIP": pod.addresses[0], "podIPs": [{"ip": pod.addresses[0]}], "hostIP": "10.9.0.1"},
            }
        )
    spaces = [
        {
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {
                "name": name,
                "labels": {**{k: v or "c" for k, v in (labels or {}).items()}, "kubernetes.io/metadata.name": name},
            },
        }
        for name, labels in world.namespaces.items()
    ]
    return pods, spaces


class Unread(Exception):
    """NCA does not take this input, or answers in words that are not read here."""


def installed() -> Path:
    """NCA's program, in an environment of its own."""
    program = HOME / "bin" / "nca"
    if not program.exists():
        venv.create(HOME, with_pip=True)
        subprocess.run([HOME / "bin" / "pip", "install", "--quiet", NCA], check=True)
    return program


def answers(
    nca: Path, pods: list[Any], spaces: list[Any], policies: list[Any], patience: float | None = None
) -> list[dict[str, str]]:
    """NCA's connectivity map, a row a block of connections; it is stopped after so many seconds."""
    with tempfile.TemporaryDirectory() as folder:
        files = {}
        for name, items in (("pods", pods), ("spaces", spaces), ("policies", policies)):
            files[name] = Path(folder) / f"{name}.json"
            files[name].write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
        asked = [
            str(nca),
            "--connectivity",
            str(files["policies"]),
            "-p",
            str(files["pods"]),
            "-n",
            str(files["spaces"]),
        ]
        asked += ["-o", "csv", "--output_endpoints", "pods", "--return_0"]
        done = subprocess.run(asked, capture_output=True, text=True, check=True, timeout=patience)
    lines = [line for line in done.stdout.splitlines() if line.startswith('"')]
    if not lines:
        raise Unread((done.stdout + done.stderr).strip().splitlines()[-1])
    return list(csv.DictReader(lines))


def matches(spaces: str, pods: str, end: Pod | None) -> bool:
    """Whether one end of a row covers a pod, or the outside address."""
    if end is None:
        return not spaces and any(
            ip_address(OUTSIDE) in net for part in pods.split(",") for net in networks(part.strip())
        )
    if end.namespace not in spaces.strip("[]").split(","):
        return False
    return any(named(part.strip(), end) for part in pods.strip("[]").split(","))


def named(text: str, pod: Pod) -> bool:
    """Whether NCA's words for pods cover this one: ``*``, its name, or alternatives by labels."""
    return any(_term(term.strip(), pod) for term in text.split(" or "))


def _term(text: str, pod: Pod) -> bool:
    read = re.fullmatch(r"(?P<no>!?)has\((?P<key>\w+)\)|(?P<label>\w+)=(?P<value>\w+)|(?P<name>\*|p\d+)", text)
    if read is None:
        raise Unread(f"its answer names pods {text!r}")
    if read["key"]:
        return (read["key"] in pod.labels) != bool(read["no"])
    if read["label"]:
        return read["label"] in pod.labels and (pod.labels[read["label"]] or "c") == read["value"]
    return read["name"] in ("*", pod.name)


def networks(text: str) -> list[Any]:
    """The networks of a CIDR, or of a range of addresses; none for anything else."""
    if "-" in text:
        return list(summarize_address_range(*(ip_address(each) for each in text.split("-"))))
    return [ip_network(text)] if re.fullmatch(r"[\d.]+(/\d+)?", text) else []


def covers(connection: str, port: int, proto: int) -> bool:
    """Whether a row's connections hold a port and protocol."""
    if connection == "All connections":
        return True
    for block in re.findall(r"{([^}]*)}", connection):
        read = re.match(r"protocols:([A-Z, ]+?)(?:,dst_ports:([\d,\-]+))?$", block)
        if not read:
            raise Unread(f"its answer names connections {connection!r}")
        ranges = [each.split("-") for each in (read[2] or "0-65535").split(",")]
        if NAMES[proto] in re.split(", ?", read[1]) and any(int(r[0]) <= port <= int(r[-1]) for r in ranges):
            return True
    return False


def compare(nca: Path, seed: int) -> tuple[int, int, list[str]]:
    """How many cells of one random cluster agree, of how many, and those that do not."""
    random = Random(seed)
    world = clusters.world(random)
    world = replace(
        world,
        pods=tuple(replace(pod, ports=pod.ports[:1]) for pod in world.pods if not pod.host_network),
        namespaces={name: labels or {} for name, labels in world.namespaces.items()},
    )
    pods, spaces = objects(world)
    policies = [manifest(policy) for policy in clusters.policies(random).policies]
    if not policies or not pods:
        return 0, 0, []
    rows = answers(nca, pods, spaces, policies)
    ends = world.pods
    asked = [
        (src, dst, port, proto) for src in [*ends, None] for dst in [*ends, None] for port, proto in CELLS if src != dst
    ]
    flows = pd.DataFrame(
        [(address(s), address(d), p, proto) for s, d, p, proto in asked],
        columns=["SrcAddr", "DstAddr", "DstPort", "Proto"],
    ).assign(SrcPort=range(len(asked)))
    with warnings.catch_warnings(action="ignore"):
        ours = fk.judge(
            {"kind": "List", "items": policies}, flows, {"kind": "List", "items": [*pods, *spaces]}, "cilium"
        )
    differ = []
    for cell, verdict in zip(asked, ours["verdict"], strict=True):
        theirs = any(
            matches(row["src_ns"], row["src_pods"], cell[0])
            and matches(row["dst_ns"], row["dst_pods"], cell[1])
            and covers(row["connection"], cell[2], cell[3])
            for row in rows
        )
        if theirs != (verdict == "allowed"):
            who = [f"{end.namespace}/{end.name}" if end else OUTSIDE for end in cell[:2]]
            differ.append(
                f"seed {seed}: {who} {cell[2:]}: NCA {'allows' if theirs else 'denies'}, the judge says {verdict}"
            )
    return len(asked) - len(differ), len(asked), differ


def address(end: Pod | None) -> str:
    """A pod's address, or the outside one."""
    return end.addresses[0] if end else OUTSIDE


def main() -> None:
    """Compare, and print the agreement and the first differences."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nca", type=Path)
    parser.add_argument("--clusters", type=int, default=30)
    asked = parser.parse_args()
    found, left, program = [], [], asked.nca or installed()
    for seed in range(asked.clusters):
        try:
            found.append(compare(program, seed))
        except Unread as why:
            left.append(f"cluster {seed} left out: {why}")
    agree, cells = sum(each[0] for each in found), sum(each[1] for each in found)
    print(f"{agree} of {cells} cells agree ({100 * agree / max(cells, 1):.2f} %)", *left, sep="\n  ")
    for line in [line for each in found for line in each[2]][:10]:
        print("  " + line)


if __name__ == "__main__":
    main()
