"""When traffic was: amounts over time by the server's namespace, for the view Timeline."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from flowkit.contract import conform, provenance, with_provenance
from flowkit.errors import ContractError
from flowkit.matrix.building import WORKLOAD, talk
from flowkit.matrix.endpoints import EDGE_ENDS, side_names

if TYPE_CHECKING:
    from flowkit.matrix import FlowMatrix

BINS = 120


def timeline(flows: pd.DataFrame, bins: int = BINS) -> pd.DataFrame:
    """Sum the bytes of (enriched) flows over time: one row a server's namespace and time, in at most `bins` equal steps.

    Columns: ``time`` (start of the step, whole seconds UTC), ``namespace`` (that of the server; ``(external)``, ``(nodes)``),
    ``bytes``. A conversation's bytes are spread evenly from its first to its last sight.

    >>> flows = pd.DataFrame({"SrcAddr": ["10.0.0.2"], "DstAddr": ["10.0.0.9"], "SrcPort": [51000], "DstPort": [443],
    ...                       "Proto": [6], "Flags": [18], "DstK8S_Namespace": ["shop"], "DstK8S_Type": ["Pod"],
    ...                       "DstK8S_Name": ["web"], "Bytes": [60], "TimeFlowStartMs": [0], "TimeFlowEndMs": [2000]})
    >>> timeline(flows, bins=2)[["namespace", "bytes"]].values.tolist()
    [['shop', 30], ['shop', 30]]
    """
    if bins < 1:
        raise ContractError(f"a timeline has at least one bin, not {bins}")
    return timeline_of(talk(conform(flows), WORKLOAD)[0], bins)


def timeline_of(talks: pd.DataFrame, bins: int = BINS) -> pd.DataFrame:
    """The table of `timeline` from conversations that are known already, their ends named as in ``WORKLOAD``."""
    ends = talks[[f"{end}_{name}" for end in ("from", "to") for name in EDGE_ENDS]].astype("str").fillna("")
    return with_provenance(_spread(talks, side_names(ends, "to")["group"], bins), provenance(talks))


def timeline_of_edges(matrix: FlowMatrix, bins: int = BINS) -> pd.DataFrame:
    """The table of `timeline` where only a matrix is known: the bytes of an edge lie evenly between its first and last sight.

    >>> from flowkit.matrix import EDGE_COLUMNS, FlowMatrix
    >>> len(timeline_of_edges(FlowMatrix(pd.DataFrame(columns=list(EDGE_COLUMNS)))))
    0
    """
    times = {name: milliseconds(matrix.edges[name]) for name in ("first", "last")}
    edges = pd.DataFrame({**times, "bytes": matrix.edges["bytes"].astype("int64")})
    return with_provenance(_spread(edges, side_names(matrix.edges, "to")["group"], bins), matrix.provenance)


def milliseconds(times: pd.Series[Any]) -> Any:
    """Times as whole ms since 1970."""
    return pd.to_datetime(times, utc=True).dt.as_unit("ms").astype("int64")


def _spread(talks: pd.DataFrame, groups: pd.Series[Any], bins: int) -> pd.DataFrame:
    if talks.empty:
        return pd.DataFrame({"time": pd.to_datetime([], utc=True), "namespace": [], "bytes": []})
    t0 = int(talks["first"].min()) // 1000 * 1000
    seconds = max(1, -(-(int(talks["last"].max()) - t0) // 1000))
    step = -(-seconds // bins) * 1000
    edges = t0 + step * np.arange(-(-seconds * 1000 // step) + 1)
    return pd.concat([_steps(name, part, edges) for name, part in talks.groupby(groups, sort=True)], ignore_index=True)


def _steps(name: Any, talks: pd.DataFrame, edges: np.ndarray[Any, Any]) -> pd.DataFrame:
    """Bytes in each step: the growth of what had been transferred by its two ends."""
    first, last = (talks[column].to_numpy(np.int64) for column in ("first", "last"))
    length = np.maximum(last - first, 1)
    rate = talks["bytes"].to_numpy(np.float64) / length
    done = _ramps(first, rate, edges) - _ramps(first + length, rate, edges)
    done[-1] = talks["bytes"].sum()  # what a conversation of one moment still owes at the very end
    amounts = np.diff(np.rint(done)).astype(np.int64)
    times = pd.to_datetime(edges[:-1], unit="ms", utc=True).astype("datetime64[ms, UTC]")
    return pd.DataFrame({"time": times, "namespace": str(name), "bytes": amounts})


def _ramps(
    start: np.ndarray[Any, Any], rate: np.ndarray[Any, Any], edges: np.ndarray[Any, Any]
) -> np.ndarray[Any, Any]:
    """Sum of rate × (time since start), for those that have started, at each edge; without a table of flows × edges."""
    place = np.searchsorted(edges, start, side="left")
    begun, offset = (
        np.bincount(place, weights, minlength=len(edges) + 1).cumsum()[: len(edges)]
        for weights in (rate, rate * (start - edges[0]))
    )
    return np.asarray((edges - edges[0]) * begun - offset)


def timeline_record(table: pd.DataFrame | None, names: list[str]) -> dict[str, Any] | None:
    """Describe the table of `timeline` in plain JSON data; namespaces that the matrix does not have are left out."""
    if table is None or table.empty:
        return None
    wide = table.pivot_table(index="namespace", columns="time", values="bytes", aggfunc="sum", fill_value=0)
    known = wide.loc[[name for name in names if name in wide.index]]
    times = pd.DatetimeIndex(wide.columns).as_unit("ms").astype("int64")
    step = int(times[1] - times[0]) if len(times) > 1 else 1000
    return {
        "t0": int(times[0]),
        "step": step,
        "column": "bytes",
        "groups": [names.index(name) for name in known.index],
        "values": known.to_numpy().tolist(),
    }
