"""Verdicts of a matrix's edges: what a policy set would do to the traffic that was seen, and what an edit of it changes.

An edge is between workloads, policies are about pods: it is asked of each kind of pod at either end (two pods are of one kind
where no policy tells them apart), and of the very addresses seen where an end is outside or a node. The worst answer stands.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from flowkit.contract import FLAG_BITS, provenance, with_provenance
from flowkit.enrich import Inventory
from flowkit.errors import PolicyError
from flowkit.matrix.flowmatrix import EDGE_KEY, FlowMatrix
from flowkit.policy.judge import Ruling, judge
from flowkit.policy.policyset import PolicySet
from flowkit.policy.profiles import Profile
from flowkit.policy.world import World

TOLD = ("verdict", "policy", "rule", "direction", "reason")
COLUMNS = (*TOLD, "asked", "denied")
_END = ("namespace", "kind", "workload")
_WORST = ("denied", "undecided", "allowed")
_TWO = 2  # of one workload and kind: one of them has somebody else to talk to


def judge_edges(
    policies: PolicySet | str | Path,
    matrix: FlowMatrix,
    inventory: Inventory | str | Path,
    profile: str | Profile = "generic",
) -> pd.DataFrame:
    """Judge every edge of a matrix by workload: one row an edge, in the order of ``matrix.edges``, with its index.

    Columns: ``verdict`` (allowed, denied, undecided; empty where the inventory lacks an end), ``policy``, ``rule``,
    ``direction`` and ``reason`` as `flowkit.judge` gives them (empty where there is none), ``asked`` (how many distinct
    connections the edge stands for) and ``denied`` (how many of these). An edge of which one is denied is denied. Raises
    `PolicyError` for a matrix of another level.

    >>> judge_edges(PolicySet(), FlowMatrix(pd.DataFrame(), by="address"), Inventory((), (), {}, {}))
    Traceback (most recent call last):
    flowkit.errors.PolicyError: policies judge a matrix by workload, this one is by address
    """
    if matrix.by != "workload":
        raise PolicyError(f"policies judge a matrix by workload, this one is by {matrix.by}")
    policies, inventory = PolicySet.load(policies), Inventory.load(inventory)
    asked = _connections(matrix, inventory, Ruling.of(policies, World.of(inventory), profile))
    found = judge(policies, _flows(asked), inventory, profile)
    told = pd.DataFrame({name: found[name].astype("str").fillna("") for name in TOLD}).assign(edge=asked["edge"])
    edges = _worst(told).reindex(range(len(matrix.edges)))
    counts = edges[["asked", "denied"]].fillna(0).astype("int64")
    table = edges[list(TOLD)].astype("str").fillna("").join(counts).set_axis(matrix.edges.index)
    return with_provenance(table, provenance(matrix.edges).noting(*policies.notes))


def what_if(
    matrix: FlowMatrix,
    before: PolicySet | str | Path,
    after: PolicySet | str | Path,
    inventory: Inventory | str | Path,
    profile: str | Profile = "generic",
) -> pd.DataFrame:
    """List the edges that two policy sets judge differently: what an edit would break or open of the traffic that was seen.

    Columns: the edge's key and ``connections``, then ``before`` and ``after`` (verdicts), and of the later one ``policy``,
    ``rule`` and ``reason``. (`flowkit.policy.verify` lists what changes beyond the traffic seen.)
    """
    old, new = (judge_edges(each, matrix, inventory, profile) for each in (before, after))
    edges = matrix.edges[[*EDGE_KEY, "connections"]].assign(before=old["verdict"], after=new["verdict"])
    table = edges.join(new[["policy", "rule", "reason"]])
    return table[old["verdict"] != new["verdict"]].reset_index(drop=True)


def _connections(matrix: FlowMatrix, inventory: Inventory, ruling: Ruling) -> pd.DataFrame:
    """The connections that edges stand for: columns ``edge`` (its place), ``client``, ``server`` (addresses), port, proto."""
    keys = matrix.edges[list(EDGE_KEY)].assign(
        port=matrix.edges["port"].astype("Int64").fillna(-1).astype("int64"), edge=range(len(matrix.edges))
    )
    seen = _seen(keys, matrix.unnamed)
    members = _members(inventory, ruling)
    rest = keys[~keys["edge"].isin(seen["edge"])]
    for side, end in (("from", "client"), ("to", "server")):
        mine = members.rename(columns={"address": end, **{name: f"{side}_{name}" for name in _END}})
        rest = rest.merge(mine, on=[f"{side}_{name}" for name in _END] + (["six"] if side == "to" else []))
    others = rest["client"] != rest["server"]
    alone = ~rest["edge"].isin(rest.loc[others, "edge"])
    wanted = ["edge", "client", "server", "port", "proto"]
    return pd.concat([seen[wanted], rest.loc[others | alone, wanted]], ignore_index=True)


def _seen(keys: pd.DataFrame, unnamed: pd.DataFrame | None) -> pd.DataFrame:
    """The connections whose addresses the matrix holds."""
    if unnamed is None or unnamed.empty:
        return keys.head(0).assign(client="", server="")
    talks = unnamed[[*EDGE_KEY, "client", "server"]].astype(dict.fromkeys(("client", "server"), "str"))
    return keys.merge(talks.drop_duplicates(), on=list(EDGE_KEY))


def _members(inventory: Inventory, ruling: Ruling) -> pd.DataFrame:
    """Addresses of every workload, node and Service as the matrix names them: of each kind of pod and IP version two."""
    people = inventory.identities
    rows = [(each.namespace, each.owner_type, each.owner_name, address) for address, each in people.items()]
    table = pd.DataFrame(rows, columns=[*_END, "address"]).astype("str")
    kinds = table.assign(kind_of_pod=ruling.ends(list(table["address"])), six=table["address"].str.contains(":"))
    return kinds.groupby([*_END, "kind_of_pod", "six"], sort=False).head(_TWO).drop(columns="kind_of_pod")


def _flows(asked: pd.DataFrame) -> pd.DataFrame:
    """Opening packets, for the judge."""
    return pd.DataFrame(
        {
            "SrcAddr": asked["client"],
            "DstAddr": asked["server"],
            "DstPort": asked["port"].where(asked["port"] >= 0).astype("Int64"),
            "Proto": asked["proto"].astype("Int64"),
            "Flags": pd.Series(FLAG_BITS["SYN"], index=asked.index, dtype="Int64").where(asked["proto"] == 6),
        }
    )


def _worst(told: pd.DataFrame) -> pd.DataFrame:
    """By edge its worst row, and how many of its rows there are and are denied."""
    order = told["verdict"].map(_WORST.index)
    rows = told.assign(order=order, is_denied=told["verdict"] == "denied").sort_values(["edge", "order"], kind="stable")
    by_edge = rows.groupby("edge")
    counts = pd.DataFrame({"asked": by_edge.size(), "denied": by_edge["is_denied"].sum()})
    return by_edge[list(TOLD)].first().join(counts)
