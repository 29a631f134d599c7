"""Orders are permutations that keep groups whole and pinned groups first."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowkit.view.orders import Graph, orders


@st.composite
def graphs(draw):
    sizes = draw(st.lists(st.integers(1, 6), min_size=1, max_size=5))
    group = np.repeat(np.arange(len(sizes)), sizes)
    count = draw(st.integers(0, 30))
    ends = st.lists(st.integers(0, len(group) - 1), min_size=count, max_size=count)
    weight = st.lists(st.integers(0, 10**9), min_size=count, max_size=count)
    pinned = draw(st.integers(0, min(2, len(sizes))))
    return Graph(group, pinned, *(np.array(draw(values), dtype=np.int64) for values in (ends, ends, weight)))


@settings(deadline=None)
@given(graphs())
def test_orders_are_permutations_with_whole_groups_and_pinned_first(graph):
    for order in orders(graph).values():
        assert sorted(order) == list(range(len(graph.group)))
        groups = graph.group[order].tolist()
        runs = [group for at, group in enumerate(groups) if at == 0 or groups[at - 1] != group]
        assert len(runs) == graph.groups
        assert runs[: graph.pinned] == list(range(graph.pinned))


def test_traffic_puts_the_busiest_first():
    group = np.array([0, 0, 1, 1])
    graph = Graph(group, 0, client=np.array([0, 2, 3]), server=np.array([1, 3, 2]), weight=np.array([5, 100, 1]))
    assert orders(graph)["traffic"] == [2, 3, 0, 1]


def test_similar_puts_the_like_side_by_side():
    """Four workloads that call, in turn, one of two servers: those with the same server end up as neighbours."""
    group = np.array([0, 0, 0, 0, 1, 1])
    graph = Graph(group, 0, np.arange(4), np.array([4, 5, 4, 5]), np.array([9, 8, 7, 6]))
    order = orders(graph)["similar"]
    assert [order.index(2) - order.index(0), order.index(3) - order.index(1)] == [1, 1]


@pytest.mark.parametrize("pinned", [0, 1])
def test_a_single_group(pinned):
    graph = Graph(np.zeros(3, dtype=np.int64), pinned, np.array([2]), np.array([2]), np.array([1]))
    assert orders(graph)["traffic"] == [2, 0, 1]
