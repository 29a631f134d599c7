"""A matrix made smaller or nameless before it is shown to others, each time saying so in the matrix itself."""

from __future__ import annotations

from dataclasses import replace
from hashlib import blake2b
from typing import TYPE_CHECKING

import pandas as pd

from flowkit.contract.provenance import with_provenance
from flowkit.errors import ContractError

if TYPE_CHECKING:
    from flowkit.matrix import FlowMatrix

_NAMES = {"namespace": "ns", "workload": "w", "subnet_label": "net"}


def largest(matrix: FlowMatrix, count: int) -> FlowMatrix:
    """Keep the `count` edges with the most bytes; a note says how many and how much is left out.

    >>> import pandas as pd
    >>> from flowkit.matrix import EDGE_COLUMNS, FlowMatrix
    >>> largest(FlowMatrix(pd.DataFrame(columns=list(EDGE_COLUMNS))), 5)
    FlowMatrix(no edges)
    """
    if count < 1:
        raise ContractError(f"keep at least one edge, not {count}")
    edges = matrix.edges
    if len(edges) <= count:
        return matrix
    kept = edges.loc[edges["bytes"].sort_values(ascending=False, kind="stable").index[:count]].sort_index()
    left = len(edges) - count
    share = 1 - int(kept["bytes"].sum()) / max(1, int(edges["bytes"].sum()))
    rest = f"{left:,} smaller edges ({share:.1%} of the bytes) are left out."
    note = f"Only the {count:,} edges with the most bytes are here: {rest}"
    unfiltered = len(edges) if matrix.unfiltered is None else matrix.unfiltered
    shown = with_provenance(kept.reset_index(drop=True), matrix.provenance.noting(note))
    return replace(
        matrix, edges=shown, filters=(*matrix.filters, f"the {count:,} largest edges"), unfiltered=unfiltered
    )


def anonymised(matrix: FlowMatrix, key: str) -> FlowMatrix:
    """Replace names of namespaces, workloads, nodes and subnet labels by pseudonyms; the same `key` gives the same ones.

    Whoever has the key can test a guess; whoever has not can neither. Kinds, ports, amounts and times stay; the names of
    sources and filters are left out, for they may hold names.

    >>> import pandas as pd
    >>> from flowkit.matrix import EDGE_COLUMNS, FlowMatrix
    >>> anonymised(FlowMatrix(pd.DataFrame(columns=list(EDGE_COLUMNS))), "secret")
    FlowMatrix(no edges)
    """
    if not key:
        raise ContractError("give a key: pseudonyms without one could be guessed back by anybody")
    columns = {
        f"{side}_{name}": _pseudonyms(matrix.edges[f"{side}_{name}"], short, key)
        for side in ("from", "to")
        for name, short in _NAMES.items()
    }
    origin = matrix.provenance
    count = len(origin.notes)
    notes = ("Names are pseudonyms.", *([f"{count:,} notes are left out: they may hold names."] if count else []))
    edges = with_provenance(matrix.edges.assign(**columns), replace(origin, sources=(), notes=notes))
    filters = tuple("a filter" for _ in matrix.filters)
    return replace(matrix, edges=edges, filters=filters)


def _pseudonyms(names: pd.Series[str], short: str, key: str) -> pd.Series[str]:
    distinct = names.astype("str").unique()
    found = {name: _pseudonym(name, short, key) for name in distinct}
    return names.astype("str").map(found).astype("str")


def _pseudonym(name: str, short: str, key: str) -> str:
    if not name:
        return ""
    secret = blake2b(key.encode("utf-8", "surrogatepass"), digest_size=32).digest()
    return f"{short}-{blake2b(name.encode('utf-8', 'surrogatepass'), key=secret, digest_size=5).hexdigest()}"
