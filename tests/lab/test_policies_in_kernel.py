"""Policies in a kernel: what the API says happens to real connections, and the judge says the same of every single one.

The cluster stands once for all sets. Every pod, node and outside host tries every other on each port that it listens on and on
two that nobody has. What arrived is what nftables saw arrive.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

import capture
import flowkit as fk
from data.lab.attempts import everybody_to_everybody
from data.lab.derived import all_calls
from data.lab.network import FOLDER, PREFIX, RESOLV, ROOT, left_overs, maker
from data.lab.network import standing as every_netns
from data.lab.placement import pods
from data.lab.proof import Standing, contradictions, disagreements, judged, prove, standing, tried
from data.lab.scenario import SCENARIO
from data.lab.truth import clients, protocol, servers
from flowkit.policy.policyset import PolicySet
from flowkit.policy.synthesis import Options
from tests.lab.policy_cases import CASES

POLICIES = Path(__file__).parent / "policies"
COVERED = ("netobserv", "shop")
pytestmark = [
    pytest.mark.privileged,
    pytest.mark.slow,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root"),
    pytest.mark.skipif(shutil.which("nft") is None, reason="nftables is not installed"),
]

OWNERS = {a: pod.workload for pod in pods(SCENARIO) if not pod.workload.host_network for a in pod.addresses}
NAMES = {
    **{address: workload.name for address, workload in OWNERS.items()},
    **{node.address: node.short for node in SCENARIO.nodes},
    **{address: host.name for host in SCENARIO.outside for address in host.addresses},
}


@pytest.fixture(scope="module")
def lab() -> Iterator[Standing]:
    with standing(SCENARIO) as cluster:
        yield cluster
    assert left_overs() == []


def nothing_in(table: pd.DataFrame) -> None:
    assert table.empty, table.head(20).to_string()


def named(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(
        client=table["source"].map(NAMES), on=table["server"].map(NAMES), six=table["source"].str.contains(":")
    )


@pytest.mark.parametrize("case", CASES)
def test_the_kernel_does_what_the_api_says_and_so_does_the_judge(lab: Standing, case: str) -> None:
    policies = PolicySet.load(POLICIES / f"{case}.yaml")
    table = named(judged(tried(lab, policies, everybody_to_everybody(SCENARIO)), policies, SCENARIO))
    nothing_in(contradictions(table))
    nothing_in(disagreements(table))
    assert set(table["verdict"]) == {"allowed", "denied"}  # nothing is undecided, so nothing went unproven
    # Who was told which side refuses it was told what the judge says.
    told = table[table["outcome"].isin(["egress", "ingress"])]
    nothing_in(told[told["outcome"] != told["direction"].astype(str).str.lower()])
    for client, server, proto, port, through in CASES[case]:
        rows = table[(table["client"] == client) & (table["on"] == server) & (table["port"] == port) & ~table["six"]]
        assert set(rows.loc[rows["proto"] == proto, "arrived"]) == {through}, (client, server, proto, port)


@pytest.fixture(scope="module")
def synthesised(recorded: Path) -> PolicySet:
    flows = capture.read_pcap(sorted(recorded.glob("*.pcap.gz")))
    subnets = recorded / "flowcollector.yaml"
    flows = fk.enrich(flows, cluster=recorded / "cluster.json", subnets=subnets)
    options = Options(namespaces=COVERED, default_deny="always")
    return fk.synthesise(fk.matrix(flows), recorded / "cluster.json", subnets=subnets, options=options)


def test_what_is_synthesised_from_the_recording_lets_the_cluster_work_and_refuses_the_rest(
    lab: Standing, synthesised: PolicySet
) -> None:
    proof = prove(lab, synthesised)
    assert proof.holds, "\n".join(proof.lines)
    assert proof.replayed.broken == []
    through = proof.tried[proof.tried["arrived"]]
    covered = through[[in_covered(row.source) or in_covered(row.server) for row in through.itertuples()]]
    needed = set(needs())
    extra = covered[
        [relation(*row) not in needed for row in covered[["source", "server", "proto", "port"]].itertuples(index=False)]
    ]
    # What arrived and nobody needs is DNS for a whole namespace, what the API never denies, and the rest of a subnet label.
    extra = extra[(extra["reason"] != "own node") & ~extra["policy"].astype(str).str.endswith("/allow-dns")]
    assert [(NAMES[row.source], NAMES[row.server], row.port) for row in extra.itertuples()] == [
        ("worker", "partner", 8443)
    ]


def in_covered(address: str) -> bool:
    return address in OWNERS and OWNERS[address].namespace in COVERED


def needs() -> Iterator[tuple[str, str, int, int | None]]:
    """What the truth needs between workloads, nodes and outside addresses."""
    for call in (c for c in all_calls(SCENARIO) if c.state == "answered" and c.speaks != "ping"):
        for client in clients(SCENARIO, call):
            for server in servers(SCENARIO, call):
                yield relation(client.address, server.address, protocol(call), server.port)


def relation(client: str, server: str, proto: int, port: int | None) -> tuple[str, str, int, int | None]:
    return _called(client), _called(server), proto, port


def _called(address: str) -> str:
    return OWNERS[address].key if address in OWNERS else address


def test_an_interrupted_proof_leaves_nothing_behind() -> None:
    command = [sys.executable, "-m", "data.lab", "--prove", str(POLICIES / "ports.yaml")]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    ) as lab:
        deadline = time.monotonic() + 60
        while len(of(lab.pid)) < len(SCENARIO.workloads) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert of(lab.pid)
        time.sleep(3)  # into the servers, the probers or the attempts
        lab.send_signal(signal.SIGTERM)
        assert lab.wait(90) == 130
    assert of(lab.pid) == []
    files = [*RESOLV.glob(f"{PREFIX}*"), *Path(tempfile.gettempdir()).glob(f"{FOLDER}*")]
    assert [path for path in files if maker(path.name) == lab.pid] == []


def of(lab: int) -> list[str]:
    return [place for place in every_netns() if maker(place) == lab]
