"""The proof: policies in a kernel, real connections, and the judge asked about each.

Every client tries every server; then the scenario is played once more, each call once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import astuple, dataclass, replace

import pandas as pd

import flowkit as fk
from data.lab.attempts import Attempt, places
from data.lab.filters import apply
from data.lab.inventory import cluster
from data.lab.metadata import CREATED
from data.lab.model import Scenario
from data.lab.network import Network
from data.lab.probes import Probers
from data.lab.recording import start_servers
from data.lab.replay import Said, replay, unheard
from data.lab.witness import Arrival, arrivals, watch
from flowkit.policy.policyset import PolicySet
from flowkit.policy.profiles import GENERIC

# The API leaves a pod's egress to its own node open; this kernel filters it as any other.
LAB = replace(GENERIC, name="lab", own_node_egress="judged")
COLUMNS = ("client", "source", "server", "proto", "port", "outcome", "arrived")
SYN = 2


@dataclass(frozen=True)
class Standing:
    """A cluster that stands, with servers, a witness and a prober in every place."""

    network: Network
    probers: Probers
    netns: frozenset[str]

    @property
    def scenario(self) -> Scenario:
        """What is played."""
        return self.network.scenario


@contextmanager
def standing(scenario: Scenario) -> Iterator[Standing]:
    """Let the scenario's cluster stand, without clients of its own; nothing is left of it afterwards."""
    with Network(scenario) as network:
        start_servers(network)
        netns = frozenset(place.netns for place in places(scenario))
        watch(netns)
        yield Standing(network, Probers(network), netns)


def tried(lab: Standing, policies: PolicySet, attempts: Iterable[Attempt]) -> pd.DataFrame:
    """Apply policies and open every connection; give a row each: what the client heard, and whether it arrived."""
    apply(lab.network, policies)
    arrivals(lab.netns)
    outcomes = lab.probers.connect(attempts)
    seen = arrivals(lab.netns)
    rows = [(*astuple(a), word, (a.source, a.server, a.proto, a.port) in seen) for a, word in outcomes.items()]
    return pd.DataFrame(rows, columns=COLUMNS)


def contradictions(table: pd.DataFrame) -> pd.DataFrame:
    """Give the rows where the client heard something else than the witness saw."""
    told = table["outcome"].isin(["egress", "ingress"])
    heard = table["outcome"].isin(["answered", "refused"])
    deaf = (table["proto"] == 6) & (table["outcome"] == "silent")
    return table[(table["arrived"] & (told | deaf)) | (~table["arrived"] & heard)]


def judged(table: pd.DataFrame, policies: PolicySet, scenario: Scenario) -> pd.DataFrame:
    """Ask the judge about every row; its answers become columns."""
    return table.join(fk.judge(policies, as_flows(table), cluster(scenario), profile=LAB)[VERDICT])


VERDICT = ["verdict", "direction", "policy", "rule", "reason"]


def as_flows(table: pd.DataFrame) -> pd.DataFrame:
    """Give connections as a flow table: the opening packet of each."""
    at = int(pd.Timestamp(CREATED).timestamp() * 1000) + 3_600_000
    return pd.DataFrame(
        {
            "SrcAddr": table["source"],
            "DstAddr": table["server"],
            "SrcPort": 50_000,
            "DstPort": table["port"],
            "Proto": table["proto"],
            "Flags": [SYN if proto == 6 else 0 for proto in table["proto"]],
            "Packets": 1,
            "Bytes": 60,
            "TimeFlowStartMs": at,
            "TimeFlowEndMs": at,
        }
    )


def disagreements(table: pd.DataFrame) -> pd.DataFrame:
    """Give the rows where the kernel did something else than the judge said; undecided rows say nothing."""
    verdict = table["verdict"].astype(str)
    let_in, kept_out = (verdict == "allowed") & ~table["arrived"], (verdict == "denied") & table["arrived"]
    return table[let_in | kept_out]


@dataclass(frozen=True)
class Replayed:
    """The scenario played once more: what each client got, and who arrived where."""

    said: list[Said]
    arrived: set[Arrival]
    scenario: Scenario

    @property
    def broken(self) -> list[str]:
        """Name what is not as the truth says: requests that ended otherwise, clients whose call nobody heard."""
        said = [
            f"{s.client}: {s.request} {s.complaint or 'was answered'}" for s in self.said if not s.as_the_truth_says
        ]
        return said + [
            f"{client.workload}: {call} was not heard" for call, client in unheard(self.scenario, self.arrived)
        ]

    @property
    def table(self) -> pd.DataFrame:
        """The arrivals, as `judged` takes them."""
        rows = [("", source, server, proto, port, "", True) for source, server, proto, port in sorted(self.arrived)]
        return pd.DataFrame(rows, columns=COLUMNS)


def played(lab: Standing, policies: PolicySet) -> Replayed:
    """Apply policies and play each call of the scenario once."""
    apply(lab.network, policies)
    arrivals(lab.netns)
    said = replay(lab.probers)
    return Replayed(said, arrivals(lab.netns), lab.scenario)
