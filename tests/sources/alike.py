"""Whether two sources that saw the same traffic give the same matrix, as far as both can tell."""

from __future__ import annotations

import flowkit as fk
from flowkit.matrix.flowmatrix import EDGE_KEY


def edges(flows, inventory, but=()):
    """The edges of flows named by the inventory, as a set of (key, state) without the columns in `but`."""
    table = fk.matrix(fk.enrich(flows, cluster=inventory), by="workload").edges
    columns = [name for name in (*EDGE_KEY, "state") if name not in but]
    return {tuple(None if value is None else value for value in row) for row in table[columns].astype(object).values}
