"""The proof: policies in a kernel, real connections, and the judge asked about each.

Every client tries every server; then the scenario is played once more, each call once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import astuple, dataclass, replace

import pandas as pd

import flowkit as fk
from data.lab.attempts import Attempt, everybody_to_everybody, places
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
    outcomes = lab.probers.connect(attempts)
    seen = arrivals(lab.netns)
    # An answer proves that it arrived, even where the witness' set lost an entry under load.
    rows = [
        (*astuple(a), word, word == "answered" or (a.source, a.server, a.proto, a.port) in seen)
        for a, word in outcomes.items()
    ]
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


@dataclass(frozen=True)
class Proof:
    """What a kernel made of a policy set: every connection tried and judged, and the scenario played once more."""

    tried: pd.DataFrame
    replayed: Replayed
    arrived: pd.DataFrame

    @property
    def holds(self) -> bool:
        """Whether the judge was right about every connection, and everything that the truth needs still works."""
        return not (self.wrong or self.replayed.broken)

    @property
    def wrong(self) -> list[str]:
        """Name the connections about which kernel, witness and judge do not agree."""
        found = pd.concat([contradictions(self.tried), disagreements(self.tried), disagreements(self.arrived)])
        return [
            f"{row.source} → {row.server}:{row.port}/{row.proto} {'arrived' if row.arrived else 'did not arrive'}, "
            f"the client heard '{row.outcome}', the judge says {row.verdict}: {row.reason}"
            for row in found.itertuples()
        ]

    @property
    def lines(self) -> list[str]:
        """Say it in a few lines."""
        through, said = int(self.tried["arrived"].sum()), self.replayed.said
        refused = len(self.tried) - through
        right = "the judge says the same of each" if not self.wrong else f"{len(self.wrong)} are not as the judge says"
        kept = "all" if not self.replayed.broken else f"not all ({len(self.replayed.broken)} are broken)"
        return [
            f"{len(self.tried):,} connections tried: {through:,} arrived, {refused:,} were refused; {right}",
            f"the scenario once more: {len(said):,} requests, {kept} end as the truth says",
            *(f"  {line}" for line in (*self.wrong, *self.replayed.broken)),
        ]


def prove(lab: Standing, policies: PolicySet, attempts: Iterable[Attempt] | None = None) -> Proof:
    """Put policies into the kernel and find out; without attempts everybody tries everybody."""
    scenario = lab.scenario
    table = tried(lab, policies, everybody_to_everybody(scenario) if attempts is None else attempts)
    replayed = played(lab, policies)
    return Proof(judged(table, policies, scenario), replayed, judged(replayed.table, policies, scenario))


def played(lab: Standing, policies: PolicySet) -> Replayed:
    """Apply policies and play each call of the scenario once."""
    apply(lab.network, policies)
    said = replay(lab.probers)
    return Replayed(said, arrivals(lab.netns), lab.scenario)
