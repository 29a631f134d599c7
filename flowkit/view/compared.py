"""Two matrices as one payload: the edges of both, each marked as added, gone, changed or the same.

An edge is the same one where client, server, port and protocol are. It has changed when its `state` has: amounts always differ
between two recordings and are shown beside each other instead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from flowkit.view.header import period
from flowkit.view.names import plural

if TYPE_CHECKING:
    from flowkit.matrix import FlowMatrix

CHANGES = ("the same", "added", "gone", "changed")
SAME, ADDED, GONE, CHANGED = range(4)
KEY = ["s", "d", "port", "proto"]
_BEFORE = ("state", "bytes", "connections")


def compared(now: pd.DataFrame, before: pd.DataFrame) -> pd.DataFrame:
    """Join two tables of edges in numbers (one row a ``KEY``) to one, with `change` and the numbers from `before`.

    A gone edge keeps what it was; `stateBefore` is -1 for one that was not there.

    >>> now, before = (pd.DataFrame({"s": s, "d": [1, 2], "port": 80, "proto": 6, "state": 0, "bytes": 9, "connections": 1})
    ...                for s in ([0, 0], [0, 3]))
    >>> compared(now, before)[["s", "d", "change"]].to_numpy().tolist()
    [[0, 1, 0], [0, 2, 1], [3, 2, 2]]
    """
    was = before.rename(columns={name: f"{name}Before" for name in _BEFORE})
    joined = now.merge(was[[*KEY, *(f"{name}Before" for name in _BEFORE)]], on=KEY, how="left", indicator="_side")
    joined["change"] = np.where(joined["_side"] == "left_only", ADDED, SAME)
    joined.loc[(joined["change"] == SAME) & (joined["state"] != joined["stateBefore"]), "change"] = CHANGED
    gone = before.merge(now[KEY], on=KEY, how="left", indicator="_side").query("_side == 'left_only'")
    gone = gone.assign(change=GONE, **{f"{name}Before": gone[name] for name in _BEFORE})
    both = pd.concat([joined, gone], ignore_index=True).drop(columns="_side")
    both["stateBefore"] = both["stateBefore"].fillna(-1)
    return both.fillna(0).astype("int64").sort_values([*KEY, "state"]).reset_index(drop=True)


def in_one_state(table: pd.DataFrame, merge: dict[str, str]) -> pd.DataFrame:
    """Merge edges that differ in `state` alone, to the best of their states: nodes of which one refused are one endpoint."""
    return table.groupby(KEY, as_index=False).agg({"state": "min", **merge})


def against_words(other: FlowMatrix, change: pd.Series[Any]) -> dict[str, Any]:
    """Say what the comparison is with, in a sentence, and count the changes by their names."""
    edges = other.edges
    counts = {name: int((change == code).sum()) for code, name in enumerate(CHANGES)}
    times = (
        [int(edges[name].agg(how).timestamp() * 1000) for name, how in (("first", "min"), ("last", "max"))]
        if len(edges)
        else []
    )
    when = f" of {period(*times)}" if times else ""
    sources = ", ".join(other.provenance.sources[:3])
    origin = f" from {sources}" if sources else ""
    found = f"{counts['added']:,} added, {counts['gone']:,} gone, {counts['changed']:,} changed"
    return {"words": f"Compared with {plural(len(edges), 'edge')}{when}{origin}: {found}.", "counts": counts}
