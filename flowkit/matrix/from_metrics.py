"""The flow matrix of metrics: what the series of workload-syn-in and -out, from any Prometheus, say of who talks to whom.

Such a series has the labels ``workload``, ``kind``, ``namespace``, ``subnet_label`` for the end it is about, the same with
``from_`` or ``to_`` for the other end, and ``port``. Both metrics count the same openings, so what is in both counts once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from flowkit.contract import provenance, with_provenance
from flowkit.contract.moments import When, moment
from flowkit.contract.provenance import Provenance, merge
from flowkit.errors import ContractError
from flowkit.matrix.endpoints import EDGE_ENDS
from flowkit.matrix.flowmatrix import EDGE_COLUMNS, EDGE_KEY, STATES, FlowMatrix

if TYPE_CHECKING:
    from flowkit.sources.prometheus import Prometheus

BY = "SYN, by metrics"
SYN_METRICS = ("netobserv_workload_syn_in", "netobserv_workload_syn_out")
_TCP, _PORTS, _EXACT = 6, 65535, 2**53
_OTHER = {"from_": "to_", "to_": "from_"}
_NOTE = "ends, ports and counts come from metrics: bytes, refusals and traffic without SYN are not known"


def is_metric(table: Any) -> bool:
    """Whether a table, or several, are metrics of openings rather than flows.

    >>> is_metric(pd.DataFrame(columns=["workload", "from_workload", "port", "value"]))
    True
    """
    if isinstance(table, pd.DataFrame):
        names = set(table.columns)
        return {"port", "value"} <= names and "SrcAddr" not in names and any(_ways(table))
    return isinstance(table, Sequence) and bool(table) and all(is_metric(each) for each in table)


def matrix_of_metrics(tables: pd.DataFrame | Sequence[pd.DataFrame]) -> FlowMatrix:
    """Make the flow matrix, by workload, of metric tables: of ``workload-syn-in``, ``workload-syn-out``, or both.

    Values are counts of openings: a moment's, such as ``last_over_time(netobserv_workload_syn_in[1d])``, as they stand; of a
    range's running counters what they grew by, and what a series that began later began with. Every edge is taken for
    answered, since metrics do not tell. Its ``direction_by`` is "SYN, by metrics". `flowkit.matrix` calls this for such tables.

    Raises `ContractError` for tables that lack an end's labels, and for rates: a series that starts at 1 has the rate 0, so
    connections would be lost. Rows without a port or with other flags than SYN are losses.

    >>> table = pd.DataFrame({"from_namespace": ["shop"], "from_kind": ["Deployment"], "from_workload": ["web"], "port": [54],
    ...                       "namespace": ["data"], "kind": ["StatefulSet"], "workload": ["postgres"], "value": [3]})
    >>> matrix_of_metrics(table).edges[["from_workload", "to_workload", "port", "connections", "direction_by"]].values.tolist()
    [['web', 'postgres', 54, 3, 'SYN, by metrics']]
    """
    given = [tables] if isinstance(tables, pd.DataFrame) else list(tables)
    seen = [_edges(part) for table in given for part in _by_name(table)]
    said = merge([*(provenance(table) for table in given), *(provenance(edges) for edges in seen)]).noting(_NOTE)
    every = pd.concat(seen, ignore_index=True)
    # Of two metrics that count the same openings neither may add to the other.
    joined = every.groupby(list(EDGE_KEY), as_index=False, sort=True).agg(
        connections=("connections", "max"), first=("first", "min"), last=("last", "max")
    )
    return FlowMatrix(with_provenance(_with_evidence(joined), said), by="workload")


def matrix_of_prometheus(
    server: Prometheus | str, start: When, end: When, metrics: Sequence[str] = SYN_METRICS
) -> FlowMatrix:
    """Ask a Prometheus for all series that lived from `start` to `end`, however short, and make their matrix.

    Asked is ``last_over_time`` over the whole period, so that a series that ended counts too; its value is the counter's, which
    may have begun before. Raises as `read_metric` and `matrix_of_metrics` do.

    >>> matrix_of_prometheus("http://host:9090", "2026-01-02", "2026-01-01")
    Traceback (most recent call last):
    flowkit.errors.ContractError: a period ends after it starts
    """
    # Here, for a matrix of flows needs none of what reading a server does.
    from flowkit.sources.prometheus import read_metric

    begin, last = moment(start), moment(end)
    if last <= begin:
        raise ContractError("a period ends after it starts")
    tables = []
    for name in metrics:
        table = read_metric(f"last_over_time({name}[{last - begin}ms])", server, time=last / 1000)
        begun = pd.Timestamp(begin, unit="ms", tz="UTC")
        tables.append(with_provenance(table.assign(since=begun), provenance(table)))
    there = [table for table in tables if len(table)]
    if not there:
        raise ContractError(f"no series of {' or '.join(metrics)} in this period: are these FlowMetrics installed?")
    return matrix_of_metrics(there)


def _ways(table: pd.DataFrame) -> tuple[bool, bool]:
    """Whether a table has labels of clients, of servers, as the other end."""
    return tuple(any(way + end in table.columns for end in EDGE_ENDS) for way in ("from_", "to_"))  # type: ignore[return-value]


def _by_name(table: pd.DataFrame) -> list[pd.DataFrame]:
    """One table a metric: of two in one table, each keeps the labels it has."""
    if "__name__" not in table.columns or table["__name__"].nunique() < 2:
        return [table]
    parts = [part.reset_index(drop=True) for _, part in table.groupby("__name__", observed=True)]
    return [part.drop(columns=[name for name in _ends(part) if not _text(part, name).any()]) for part in parts]


def _ends(table: pd.DataFrame) -> list[str]:
    return [way + end for way in _OTHER for end in EDGE_ENDS if way + end in table.columns]


def _edges(table: pd.DataFrame) -> pd.DataFrame:
    """One row an edge of one metric, with ``connections``, ``first`` and ``last``; losses in its provenance."""
    named = _named(table)
    port = pd.to_numeric(named["port"], errors="coerce")
    no_port = ~port.between(0, _PORTS) | (port % 1 != 0)
    no_syn = (_text(table, "Flags") != "SYN") & (_text(table, "Flags") != "")
    kept = ~(no_port | no_syn)
    losses = {
        "series without a port": int(no_port.sum()),
        "series of other flags than SYN": int((no_syn & ~no_port).sum()),
    }
    grown = _grown(table[kept].reset_index(drop=True))
    keys = named[kept].reset_index(drop=True).assign(port=port[kept].to_numpy(dtype=np.int64), proto=_TCP)
    every = pd.concat([keys, grown], axis=1)
    edges = every.groupby(list(EDGE_KEY), as_index=False, sort=True).agg(
        connections=("connections", "sum"), first=("first", "min"), last=("last", "max")
    )
    return with_provenance(edges, Provenance().losing(losses))


def _named(table: pd.DataFrame) -> pd.DataFrame:
    """The key's names of both ends, row for row, and the port as it stands."""
    has_from, has_to = _ways(table)
    both = has_from and has_to
    if both and any(_text(table, end).any() for end in ("workload", "namespace")):
        raise ContractError(
            "a table of two metrics needs __name__ to tell them apart: give fk.matrix([inward, outward])"
        )
    # The end without a prefix is the one the metric is about.
    own = "" if both else _OTHER["from_" if has_from else "to_"]
    columns = {}
    for way in _OTHER:
        for end in EDGE_ENDS:
            columns[way + end] = _own(table, end) if way == own else _text(table, way + end)
    named = pd.DataFrame(columns)
    for way in _OTHER:
        _check_end(named, way, "" if way == own else way)
    return named.assign(port=_text(table, "port"))


def _own(table: pd.DataFrame, end: str) -> pd.Series[Any]:
    """A label of the metric's own; a scrape that has one of the same name (``namespace``) renames it to ``exported_…``."""
    return _text(table, f"exported_{end}" if f"exported_{end}" in table.columns else end)


def _text(table: pd.DataFrame, name: str) -> pd.Series[Any]:
    if name not in table.columns:
        return pd.Series("", index=table.index, dtype="str")
    return table[name].astype(object).where(table[name].notna(), "").astype("str")


def _check_end(named: pd.DataFrame, way: str, prefix: str) -> None:
    """Refuse names that a query has summed away: without kind all would be outside, without namespace nowhere."""
    kind, workload = (named[f"{way}{end}"] for end in ("kind", "workload"))
    lacking = "kind" if ((workload != "") & (kind == "")).any() else ""
    inside = ~kind.isin(["", "Node"])
    if (inside & (named[f"{way}namespace"] == "")).any() and not (named[f"{way}namespace"] != "").any():
        lacking = "namespace"
    if lacking:
        raise ContractError(f"the metric table lacks the label '{prefix}{lacking}': keep it in the query's by (…)")


def _grown(table: pd.DataFrame) -> pd.DataFrame:
    """For each row what it adds to ``connections``, and from when to when (``first``, ``last``)."""
    values = table["value"].to_numpy(dtype=np.float64)
    if not (np.isfinite(values) & (values >= 0) & (np.floor(values) == values) & (values <= _EXACT)).all():
        raise ContractError(
            "these values are rates or estimates, not counts, and would miss series that start at 1: ask for "
            "last_over_time(metric[1d]), or a range of the metric itself"
        )
    time = table["time"] if "time" in table.columns else pd.Series(pd.NaT, index=table.index)
    # As with flows, a time that is not known is 1970.
    times = pd.to_datetime(time, utc=True).astype("datetime64[ms, UTC]").fillna(pd.Timestamp(0, tz="UTC"))
    since = pd.to_datetime(table["since"], utc=True) if "since" in table.columns else times
    frame = pd.DataFrame({"connections": values, "first": since.astype("datetime64[ms, UTC]"), "last": times})
    if times.nunique() > 1:
        frame["connections"] = _increases(table, values, times)
    return frame.astype({"connections": "int64"})


def _increases(table: pd.DataFrame, values: np.ndarray[Any, Any], times: pd.Series[Any]) -> np.ndarray[Any, Any]:
    """What each sample of a running counter adds; a first sample adds all of it, unless it is the range's own first."""
    labels = [name for name in table.columns if name not in ("time", "value", "since")]
    series = table.groupby(labels, sort=False, dropna=False, observed=True).ngroup().to_numpy()
    at = times.astype("int64").to_numpy()
    order = np.lexsort((at, series))
    ordered, ids = values[order], series[order]
    before = np.concatenate([[0.0], ordered[:-1]])
    begins = np.concatenate([[True], ids[1:] != ids[:-1]])
    # A counter below its last value has begun anew.
    step = np.where(begins | (ordered < before), ordered, ordered - before)
    at_border = begins & (at[order] == at.min())
    added = np.empty(len(values))
    added[order] = np.where(at_border, 0.0, step)
    return added


def _with_evidence(edges: pd.DataFrame) -> pd.DataFrame:
    evidence: dict[str, Any] = {"flows": edges["connections"], "state": STATES[0], "direction_by": BY}
    evidence |= dict.fromkeys(("bytes", "packets", "folded"), 0)
    port = pd.arrays.IntegerArray(edges["port"].to_numpy(dtype="uint16"), np.zeros(len(edges), dtype=bool))
    full = edges.assign(**evidence, port=port)[list(EDGE_COLUMNS)]
    texts = [name for name in EDGE_KEY if name not in ("port", "proto")]
    return full.astype({**dict.fromkeys([*texts, "state", "direction_by"], "str"), "proto": "uint8"})
