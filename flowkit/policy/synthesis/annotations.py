"""What each policy says of where it comes from: annotations with the window, the connections and a hash of the matrix."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import replace

import pandas as pd

from flowkit.matrix import EDGE_COLUMNS, FlowMatrix
from flowkit.policy.model import NetworkPolicy

PREFIX = "flowkit/"
CHOSEN = f"{PREFIX}chosen"


def annotated(
    policies: Iterable[NetworkPolicy], evidence: pd.DataFrame, matrix: FlowMatrix
) -> tuple[NetworkPolicy, ...]:
    """The policies with annotations: ``flowkit/window``, ``flowkit/connections``, ``flowkit/matrix``, and in ``flowkit/chosen``
    the rules that allow more than was seen by choice (``egress[0]``).
    """
    edges = matrix.edges
    window = f"{_time(edges['first'].min())}/{_time(edges['last'].max())}" if len(edges) else ""
    digest = matrix_hash(matrix)
    counted = evidence.groupby(["namespace", "policy"])["connections"].sum().to_dict()
    chosen = _chosen(evidence[evidence["basis"] != "observed"])
    return tuple(
        replace(
            policy,
            annotations=(
                *((CHOSEN, chosen[at]) for at in [(policy.namespace, policy.name)] if at in chosen),
                (f"{PREFIX}connections", str(counted.get((policy.namespace, policy.name), 0))),
                (f"{PREFIX}matrix", digest),
                (f"{PREFIX}window", window),
            ),
        )
        for policy in policies
    )


def _chosen(evidence: pd.DataFrame) -> dict[tuple[str, str], str]:
    """The rules of each policy that are wider by choice, as its annotation says them."""
    found: dict[tuple[str, str], set[str]] = {}
    names = ["namespace", "policy", "direction", "rule"]
    for namespace, policy, way, rule in evidence[names].drop_duplicates().itertuples(index=False, name=None):
        found.setdefault((namespace, policy), set()).add(f"{way.lower()}[{rule}]")
    return {key: ", ".join(sorted(rules)) for key, rules in found.items()}


def matrix_hash(matrix: FlowMatrix) -> str:
    """A hash of a matrix's edges that does not depend on their order."""
    edges = matrix.edges[[name for name in EDGE_COLUMNS if name in matrix.edges.columns]]
    rows = pd.util.hash_pandas_object(edges, index=False).sort_values().to_numpy()
    return f"sha256:{hashlib.sha256(rows.tobytes()).hexdigest()[:32]}"


def _time(time: pd.Timestamp) -> str:
    return "" if pd.isna(time) else f"{time:%Y-%m-%dT%H:%M:%SZ}"
