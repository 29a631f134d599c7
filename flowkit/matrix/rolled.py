"""Asking a rollup: its periods added up to a flow matrix, as if computed from the flows."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from flowkit.contract import with_provenance
from flowkit.contract.provenance import merge, provenance
from flowkit.matrix.flowmatrix import FlowMatrix
from flowkit.matrix.rollup import edges_of
from flowkit.metric.rollup_folder import WHOLE, When, places_within
from flowkit.metric.rollup_late import left_out


def matrix_of_rollup(folder: str | Path, start: When = None, end: When = None) -> FlowMatrix:
    """The flow matrix of the flows that ended from `start` to before `end`, both borders of periods (UTC).

    It is that of the flows, with these differences, all for the better: a connection that was open before `start` is known
    by its SYN if that lies at most one period back, and copies of one flow on both sides of a border are one. Port pairs
    that pause for a whole period, or are used again in a later one, are further connections.

    Raises `ContractError` for a folder that is no rollup and for times within a period.

    >>> matrix_of_rollup("nowhere")
    Traceback (most recent call last):
    flowkit.errors.ContractError: 'nowhere' is no rollup: make it with flowkit rollup
    """
    places = places_within(Path(folder), start, end)
    whole = Path(folder) / WHOLE
    is_whole = start is None and end is None and whole.exists()
    edges = pd.read_parquet(whole, partitioning=None) if is_whole else edges_of(places)
    said = merge([left_out(Path(folder), places), provenance(edges)])
    level = str(edges["level"].iloc[0]) if len(edges) else "workload"
    return FlowMatrix(with_provenance(edges.drop(columns="level"), said), by=level)
