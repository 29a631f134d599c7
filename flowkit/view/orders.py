"""The three orders of a matrix's axes: namespace (stable), traffic (busiest first), similar (alike side by side).

An order is a permutation of endpoint numbers. Groups always stay whole, and the pinned groups, ``(external)`` and
``(nodes)``, always come first. Numpy only: a greedy chain finds the same neighbours as an optimal leaf order would.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Numbers: TypeAlias = npt.NDArray[np.int64]
Vectors: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Graph:
    """Endpoints in their stable order, each with its group number; edges by endpoint number, each with its weight.

    The first `pinned` groups stay first in every order.
    """

    group: Numbers
    pinned: int
    client: Numbers
    server: Numbers
    weight: Numbers

    @property
    def groups(self) -> int:
        """How many groups there are."""
        return int(self.group.max()) + 1 if len(self.group) else 0

    @property
    def total(self) -> Vectors:
        """Weight sent and received, by endpoint."""
        return _sums(self.client, self.weight, len(self.group)) + _sums(self.server, self.weight, len(self.group))


def orders(graph: Graph) -> dict[str, list[int]]:
    """Order the endpoints in all three ways.

    >>> group, client, server = (np.array(x) for x in ([0, 0, 1], [0, 1, 1], [1, 2, 2]))
    >>> orders(Graph(group, 0, client, server, weight=np.array([1, 5, 1])))["traffic"]
    [1, 0, 2]
    """
    size = len(graph.group)
    return {"namespace": list(range(size)), "traffic": _by_traffic(graph), "similar": _by_similarity(graph)}


def _sums(numbers: Numbers, weight: Numbers | Vectors, size: int) -> Vectors:
    return np.bincount(numbers, weight, size).astype(np.float64)


def _by_traffic(graph: Graph) -> list[int]:
    total = graph.total
    group_total = _sums(graph.group, total, graph.groups)
    group_total[: graph.pinned] = np.inf
    number = np.arange(len(graph.group))
    return [int(at) for at in np.lexsort((number, -total, graph.group, -group_total[graph.group]))]


def _by_similarity(graph: Graph) -> list[int]:
    total, features = graph.total, _Features(graph)
    pinned = list(range(min(graph.pinned, graph.groups)))
    free = np.arange(len(pinned), graph.groups)
    centres = np.array([features.of_group(int(at)).sum(axis=0) for at in free])
    sizes = _sums(graph.group, total, graph.groups)[free]
    chain = pinned + [int(free[at]) for at in _chain(centres, sizes)]
    return [at for group in chain for at in _inside(features, group, total)]


def _inside(features: _Features, group: int, total: Vectors) -> list[int]:
    members = np.flatnonzero(features.graph.group == group)
    return [int(members[at]) for at in _chain(features.of_group(group), total[members])]


def _chain(vectors: Vectors, sizes: Vectors) -> list[int]:
    """Walk from the largest to the nearest not yet visited, by cosine similarity."""
    if not len(vectors):
        return []
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit = vectors / np.where(length == 0, 1, length)
    # rounded, so that the last bits of a machine's arithmetic do not decide between equals
    nearness = np.round(unit @ unit.T, 6)
    here, left = int(np.argmax(sizes)), np.ones(len(vectors), dtype=bool)
    walk = [here]
    left[here] = False
    while left.any():
        here = int(np.argmax(np.where(left, nearness[here], -1.0)))
        walk.append(here)
        left[here] = False
    return walk


class _Features:
    """What an endpoint calls and what calls it, as a vector of logarithms; made one group at a time to stay small."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        size = len(graph.group)
        self._owner = np.concatenate([graph.client, graph.server])
        self._peer = np.concatenate([graph.server, graph.client + size])
        self._weight = np.log1p(np.concatenate([graph.weight, graph.weight]).astype(np.float64))

    def of_group(self, group: int) -> Vectors:
        members = np.flatnonzero(self.graph.group == group)
        mine = self.graph.group[self._owner] == group
        vectors: npt.NDArray[Any] = np.zeros((len(members), 2 * len(self.graph.group)))
        row = np.searchsorted(members, self._owner[mine])
        np.add.at(vectors, (row, self._peer[mine]), self._weight[mine])
        return vectors
