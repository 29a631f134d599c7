"""The ends of a matrix's edges: which group each belongs to and what it is called on screens.

Nodes are one endpoint, ``(nodes)``: which node it is does not matter to a policy. Outside addresses are named by their subnet
label and are ``unknown`` without one; an address of the cluster's own ranges (the labels ``Pods`` and ``Services``) that
none of its objects had is not outside but ``(unattributed)``. A workload is ``namespace/workload``, with its kind where that
alone tells two apart; an address that stands for itself (a matrix by address) is in the group ``(addresses)``.
"""

from __future__ import annotations

from typing import Any

import pandas as pd

from flowkit.enrich.openshift import OWN_RANGES
from flowkit.errors import ContractError

EXTERNAL = "(external)"
UNATTRIBUTED = "(unattributed)"
NODES = "(nodes)"
ADDRESSES = "(addresses)"
UNKNOWN = "unknown"
ENDS = ("client", "server")
EDGE_ENDS = ("namespace", "kind", "workload", "subnet_label")


def endpoints(edges: pd.DataFrame) -> pd.DataFrame:
    """List the distinct endpoints of `edges`, one row each: external, nodes, unattributed, then by namespace and name.

    Columns: ``endpoint`` (unique name), ``group`` (namespace, ``(external)``, ``(nodes)`` or ``(unattributed)``), ``kind``,
    ``client`` and ``server`` (whether it stands on that side of any edge).
    """
    sides = {side: side_names(edges, side) for side in ("from", "to")}
    both = pd.concat(sides.values(), ignore_index=True).drop_duplicates("endpoint")
    both["client"] = both["endpoint"].isin(set(sides["from"]["endpoint"]))
    both["server"] = both["endpoint"].isin(set(sides["to"]["endpoint"]))
    rank = both["group"].map({EXTERNAL: 0, NODES: 1, UNATTRIBUTED: 2}).fillna(3)
    return (
        both.assign(_rank=rank).sort_values(["_rank", "group", "endpoint"]).drop(columns="_rank").reset_index(drop=True)
    )


def named_edges(edges: pd.DataFrame) -> pd.DataFrame:
    """The edges as screens list them: ``client`` and ``server`` by endpoint name, so that all nodes are one.

    Columns: ``client server port proto state connections flows bytes packets first last direction_by``, one row each
    combination of the first five, in the order of `edges`; `direction_by` is that of the first edge.
    """
    ends = {end: side_names(edges, side)["endpoint"] for end, side in (("client", "from"), ("server", "to"))}
    named = edges.assign(**ends).groupby(["client", "server", "port", "proto", "state"], sort=False, dropna=False)
    sums = {name: (name, "sum") for name in ("connections", "flows", "bytes", "packets")}
    spans = {"first": ("first", "min"), "last": ("last", "max"), "direction_by": ("direction_by", "first")}
    return named.agg(**sums, **spans).reset_index()


def totals(edges: pd.DataFrame, end: str) -> pd.DataFrame:
    """Sum the edges of each ``client`` or ``server``, the most connections first.

    Columns: ``endpoint``, ``peers`` and ``ports`` (how many), ``connections``, ``flows``, ``bytes``, ``packets``. Raises
    `ContractError` for another end.
    """
    if end not in ENDS:
        raise ContractError(f"no end '{end}': choose {' or '.join(ENDS)}")
    peer = ENDS[1 - ENDS.index(end)]
    by = named_edges(edges).groupby(end, sort=True)
    sums = by[["connections", "flows", "bytes", "packets"]].sum()
    counts = pd.DataFrame({"peers": by[peer].nunique(), "ports": by["port"].nunique()})
    table = counts.join(sums).rename_axis("endpoint").reset_index()
    return table.sort_values(["connections", "bytes"], ascending=False, kind="stable", ignore_index=True)


def side_names(edges: pd.DataFrame, side: str) -> pd.DataFrame:
    """Name one side (``from`` or ``to``) of every edge, row for row: columns ``endpoint``, ``group``, ``kind``."""
    part = {name: edges[f"{side}_{name}"].astype("str") for name in EDGE_ENDS}
    # No namespace can be called so in Kubernetes; one that is must not pass for a group of ours.
    part["namespace"] = part["namespace"].mask(part["namespace"].str.startswith("("), "‹" + part["namespace"] + "›")
    external, node, bare = part["kind"] == "", part["kind"] == "Node", part["namespace"] == ""
    where = pd.Series(EXTERNAL, index=edges.index).mask(
        is_unattributed(part["kind"], part["subnet_label"]), UNATTRIBUTED
    )
    outside = where + " " + part["subnet_label"].where(part["subnet_label"] != "", UNKNOWN)
    inside = part["namespace"].where(part["workload"] == "", part["namespace"] + "/" + part["workload"])
    name = inside.mask(bare, part["workload"]) + _kind_suffix(edges, part)
    group = part["namespace"].mask(bare, ADDRESSES)
    return pd.DataFrame(
        {
            "endpoint": name.mask(external, outside).mask(node, NODES),
            "group": group.mask(external, where).mask(node, NODES),
            "kind": part["kind"],
        },
        index=edges.index,
    )


def is_unattributed(kind: pd.Series[Any], subnet_label: pd.Series[Any]) -> pd.Series[Any]:
    """Whether an end is in the cluster's own ranges without being one of its objects (both texts, ``""`` for none).

    >>> is_unattributed(pd.Series(["", "Pod", ""]), pd.Series(["Pods", "Pods", "EXT:x"])).tolist()
    [True, False, False]
    """
    return (kind == "") & subnet_label.isin(OWN_RANGES)


def _kind_suffix(edges: pd.DataFrame, part: dict[str, pd.Series[Any]]) -> pd.Series[Any]:
    """`` (Service)`` where two kinds share namespace and name, otherwise empty."""
    parts = [edges[[f"{side}_namespace", f"{side}_workload", f"{side}_kind"]].astype("str") for side in ("from", "to")]
    seen = pd.concat([frame.set_axis(["namespace", "workload", "kind"], axis=1) for frame in parts]).drop_duplicates()
    clashing = seen.groupby(["namespace", "workload"])["kind"].size().loc[lambda count: count > 1].index
    here = pd.MultiIndex.from_frame(pd.DataFrame({"namespace": part["namespace"], "workload": part["workload"]}))
    return pd.Series((" (" + part["kind"] + ")").where(here.isin(clashing), ""), index=edges.index)
