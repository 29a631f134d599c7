"""Numbering in partitions gives what one pass over all gives, hostile hashes included."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowkit.enrich import numbering
from flowkit.enrich.numbering import numbered_values, paired

ANY = st.integers(-(2**63), 2**63 - 1)
COLUMNS = st.lists(st.tuples(st.one_of(st.integers(0, 3), ANY), st.one_of(st.integers(0, 3), ANY)), max_size=40)


def plainly(rows):
    place = {}
    numbers = [place.setdefault(row, len(place)) for row in rows]
    return numbers, [numbers.index(number) for number in range(len(place))]


def columns(rows):
    table = np.array(rows, dtype=np.int64).reshape(-1, 2)
    return table[:, 0].copy(), table[:, 1].copy()


@pytest.fixture(scope="module", autouse=True, params=[1, 1 << 15])
def partition(request):
    """Parts of a row or two, and the usual ones."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(numbering, "_PARTITION", request.param)
        yield


@given(COLUMNS)
def test_pairs_and_values_are_numbered_in_order_of_appearance(rows):
    number, head = paired(*columns(rows))
    assert (number.tolist(), head.tolist()) == plainly(rows)
    values = [one for one, _ in rows]
    number, count = numbered_values(columns(rows)[0])
    assert (number.tolist(), count) == (plainly(values)[0], len(set(values)))


@given(COLUMNS)
def test_pairs_of_one_hash_are_told_apart(rows):
    def twin(row):
        """Another pair of the same hash: what one column has more, the other has less."""
        moved = [(row[0] + int(numbering._OTHER)) % 2**64, (row[1] - int(numbering._ONE)) % 2**64]
        return tuple(value - 2**64 if value >= 2**63 else value for value in moved)

    rows = [pair for row in rows for pair in (row, twin(row))]
    first, second = columns(rows)
    assert len(set(numbering._mixed(first, second).tolist())) <= len(rows) / 2
    number, head = paired(first, second)
    assert (number.tolist(), head.tolist()) == plainly(rows)
