"""A flow matrix as the one JSON document that every host of the front end draws: report, notebook display, widget.

Columns instead of rows, numbers instead of names: edges point into `labels`, labels into `nsNames`. The version `v` is
raised when a reader of the old form would misread the new one; new keys alone do not raise it.
"""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from flowkit.matrix.endpoints import EXTERNAL, NODES, UNATTRIBUTED, endpoints, side_names
from flowkit.matrix.flowmatrix import STATES
from flowkit.view.compared import CHANGES, GONE, KEY, SAME, against_words, compared, in_one_state
from flowkit.view.header import header
from flowkit.view.judged import VERDICTS, Judged, policy_records, verdict_codes
from flowkit.view.orders import Graph, orders
from flowkit.view.outside import external_record
from flowkit.view.times import milliseconds, timeline_record

if TYPE_CHECKING:
    from flowkit.matrix import FlowMatrix

VERSION = 1
TITLE = "Flow matrix"
PINNED = (EXTERNAL, NODES)
_SAME_EDGE = ["s", "d", "port", "proto", "state"]
_MERGE = {
    "bytes": "sum",
    "packets": "sum",
    "flows": "sum",
    "connections": "sum",
    "first": "min",
    "last": "max",
    "by": "first",
    "folded": "sum",
    "decided": "max",
}


@dataclass(frozen=True)
class Additions:
    """What can be shown with a matrix: each is a view of its own, and absent where it is None.

    `against`: an earlier matrix to compare with. `judged`: verdicts and policies. `timeline`: amounts over time, see
    `flowkit.view.times.timeline`. `external`: what is still unknown outside, the table of `fk.external`.
    """

    against: FlowMatrix | None = None
    judged: Judged | None = None
    timeline: pd.DataFrame | None = None
    external: pd.DataFrame | None = None


NOTHING = Additions()


def payload(matrix: FlowMatrix, title: str | None = None, additions: Additions = NOTHING) -> dict[str, Any]:
    """Describe `matrix` in plain JSON data: the same matrix gives the same document, and no clock is asked.

    `edges` holds one list a column: `s` and `d` (client and server, into `labels`), `port` (-1: none), `proto`, `bytes`,
    `packets`, `flows`, `connections`, `first` and `last` (whole seconds after ``meta.t0``, which is ms since 1970 UTC),
    `state` (into `states`), `by` (into `directionBy`), `folded`, `status` (into `verdicts`), `rule` (into `ruleTexts`, -1:
    none), `change` (into `changes`), and where there is a comparison `stateBefore`, `bytesBefore`, `connectionsBefore`.
    Nodes are one endpoint, so edges that differ in the node alone are one edge here.

    >>> import pandas as pd
    >>> from flowkit.matrix import EDGE_COLUMNS, FlowMatrix
    >>> document = payload(FlowMatrix(pd.DataFrame(columns=list(EDGE_COLUMNS))), title="Nothing yet")
    >>> document["v"], document["title"], document["labels"], document["edges"]["s"]
    (1, 'Nothing yet', [], [])
    """
    ends = _all_ends(matrix, additions.against)
    names = _groups(ends, additions.timeline)
    group = pd.Index(names).get_indexer(pd.Index(ends["group"]))
    edges, directions, rules = _edges(matrix, pd.Index(ends["endpoint"]), additions)
    t0 = int(edges["first"].min()) if len(edges) else 0
    graph = Graph(
        group=group.astype(np.int64),
        pinned=sum(name in PINNED for name in names),
        client=edges["s"].to_numpy(np.int64),
        server=edges["d"].to_numpy(np.int64),
        weight=edges["bytes"].to_numpy(np.int64),
    )
    document: dict[str, Any] = {
        "v": VERSION,
        "title": TITLE if title is None else title,
        "labels": ends["endpoint"].tolist(),
        "kind": ends["kind"].tolist(),
        "ns": group.tolist(),
        "nsNames": names,
        "pinned": graph.pinned,
        "orders": orders(graph),
        "states": list(STATES),
        "directionBy": directions,
        "inferred": [int(is_inferred(text)) for text in directions],
        "verdicts": list(VERDICTS),
        "changes": list(CHANGES),
        "ruleTexts": rules,
        "edges": _columns(edges, t0),
        "against": None if additions.against is None else against_words(additions.against, edges["change"]),
        "timeline": timeline_record(additions.timeline, names),
        "external": external_record(additions.external),
        "policies": policy_records(additions.judged, lambda: _row_numbers(matrix, edges, ends), names),
        "meta": {**_meta(matrix, edges, t0), "notes": _notes(matrix, additions)},
    }
    return {**document, "header": header(document)}


def edge_numbers(matrix: FlowMatrix) -> np.ndarray[Any, Any]:
    """Number the edges of `matrix` as its payload does: one number a row of ``matrix.edges``.

    What a view selects are these numbers; several rows share one where they differ in the node alone.

    >>> import pandas as pd
    >>> from flowkit.matrix import EDGE_COLUMNS, FlowMatrix
    >>> edge_numbers(FlowMatrix(pd.DataFrame(columns=list(EDGE_COLUMNS)))).tolist()
    []
    """
    table = _numbers(matrix.edges, pd.Index(matrix.endpoints["endpoint"]), _directions(matrix.edges))
    return table.groupby(_SAME_EDGE).ngroup().to_numpy(np.int64)


def is_inferred(direction_by: str) -> bool:
    """Whether client and server were concluded, not seen.

    >>> is_inferred("SYN"), is_inferred("inferred from ports")
    (False, True)
    """
    return any(word in direction_by.lower() for word in ("infer", "guess"))


def to_json(document: dict[str, Any]) -> bytes:
    r"""Write the document compactly, with sorted keys, as UTF-8.

    Half a character, which UTF-8 cannot write, becomes the escape that JSON has for it.

    >>> to_json({"b": 1, "a": "\udc80"})
    b'{"a":"\\udc80","b":1}'
    """
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"), sort_keys=True, allow_nan=False)
    return text.encode("utf-8", "backslashreplace")


def to_gzip(document: dict[str, Any]) -> bytes:
    """Write and compress the document: what the widget's `payload` holds.

    >>> to_gzip({"a": 1}) == to_gzip({"a": 1})
    True
    """
    return packed(to_json(document))


def packed(content: bytes) -> bytes:
    """Compress; no time stamp inside, so the same content gives the same bytes.

    >>> gzip.decompress(packed(b"flows"))
    b'flows'
    """
    return gzip.compress(content, compresslevel=9, mtime=0)


def _groups(ends: pd.DataFrame, timeline: pd.DataFrame | None) -> list[str]:
    """The groups of the ends; with those that only the timeline has, so that a period's matrix keeps the whole timeline."""
    names = ends["group"].drop_duplicates().tolist()
    further = [] if timeline is None else sorted(set(timeline["namespace"]) - set(names))
    rank = {EXTERNAL: 0, NODES: 1, UNATTRIBUTED: 2}
    return sorted([*names, *further], key=lambda name: (rank.get(name, 3), name)) if further else names


def _all_ends(matrix: FlowMatrix, other: FlowMatrix | None) -> pd.DataFrame:
    return matrix.endpoints if other is None else endpoints(pd.concat([matrix.edges, other.edges], ignore_index=True))


def _edges(matrix: FlowMatrix, ends: pd.Index[Any], additions: Additions) -> tuple[pd.DataFrame, list[str], list[str]]:
    """The edges in numbers, nodes joined; the names that `by` points into, and those that `rule` points into."""
    other = additions.against
    directions = _directions(matrix.edges if other is None else pd.concat([matrix.edges, other.edges]))
    codes, rules = verdict_codes(additions.judged, len(matrix.edges))
    # the worst verdict wins an edge of several nodes, and its rule with it: both in one number
    decided = codes["status"] * (len(rules) + 1) + codes["rule"] + 1
    edges = _merged(_numbers(matrix.edges, ends, directions).assign(decided=decided))
    if other is not None:
        before = _merged(_numbers(other.edges, ends, directions).assign(decided=0))
        edges = compared(in_one_state(edges, _MERGE), in_one_state(before, _MERGE))
    else:
        edges = edges.assign(change=SAME)
    status, rule = edges["decided"] // (len(rules) + 1), edges["decided"] % (len(rules) + 1) - 1
    return edges.drop(columns="decided").assign(status=status, rule=rule), directions, rules


def _row_numbers(matrix: FlowMatrix, edges: pd.DataFrame, ends: pd.DataFrame) -> np.ndarray[Any, Any]:
    """The number in `edges` of each row of the matrix."""
    table = _numbers(matrix.edges, pd.Index(ends["endpoint"]), _directions(matrix.edges))
    key = KEY if "stateBefore" in edges else _SAME_EDGE
    return pd.MultiIndex.from_frame(edges[key]).get_indexer(pd.MultiIndex.from_frame(table[key]))


def _directions(edges: pd.DataFrame) -> list[str]:
    """The ways in which direction is known; known before inferred."""
    return sorted(edges["direction_by"].astype("str").unique(), key=lambda name: (is_inferred(name), name))


def _merged(table: pd.DataFrame) -> pd.DataFrame:
    return table.sort_values([*_SAME_EDGE, "by"]).groupby(_SAME_EDGE, as_index=False).agg(_MERGE)


def _numbers(edges: pd.DataFrame, ends: pd.Index[Any], directions: list[str]) -> pd.DataFrame:
    """The rows of `edges` in numbers, times in ms."""
    numbers = {
        "s": ends.get_indexer(pd.Index(side_names(edges, "from")["endpoint"])),
        "d": ends.get_indexer(pd.Index(side_names(edges, "to")["endpoint"])),
        "port": edges["port"].astype("Int64").fillna(-1),
        "state": pd.Index(STATES).get_indexer(pd.Index(edges["state"].astype("str"))),
        "by": pd.Index(directions, dtype="str").get_indexer(pd.Index(edges["direction_by"].astype("str"))),
        "first": milliseconds(edges["first"]),
        "last": milliseconds(edges["last"]),
        **{name: edges[name] for name in ("proto", "bytes", "packets", "flows", "connections", "folded")},
    }
    return pd.DataFrame({name: np.asarray(column, dtype=np.int64) for name, column in numbers.items()})


def _columns(edges: pd.DataFrame, t0: int) -> dict[str, list[int]]:
    seconds = {"first": (edges["first"] - t0) // 1000, "last": (edges["last"] - t0) // 1000}
    return {name: column.tolist() for name, column in edges.assign(**seconds).items()}  # type: ignore[misc]


def _meta(matrix: FlowMatrix, edges: pd.DataFrame, t0: int) -> dict[str, Any]:
    """Provenance: `flows` stand behind the edges, `kept` of them are in the document (fewer once it is truncated)."""
    origin, flows = matrix.provenance, int(edges["flows"][edges["change"] != GONE].sum())
    return {
        "t0": t0,
        "t1": int(edges["last"].max()) if len(edges) else 0,
        "flows": flows,
        "kept": flows,
        "losses": dict(origin.losses),
        "folded": dict(origin.folded),
        "sources": list(origin.sources),
        "sampling": origin.sampling,
        "partial": False,
        "truncated": False,
        "by": matrix.by,
        "filters": list(matrix.filters),
        "edges": len(matrix.edges),
        "unfiltered": len(matrix.edges) if matrix.unfiltered is None else matrix.unfiltered,
        "tool": _tool(),
    }


def _notes(matrix: FlowMatrix, additions: Additions) -> list[str]:
    return [*matrix.provenance.notes, *([] if additions.judged is None else additions.judged.notes)]


def _tool() -> str:
    try:
        return f"flowkit {version('flowkit-net')}"
    except PackageNotFoundError:  # run from a source tree that was never installed
        return "flowkit"
