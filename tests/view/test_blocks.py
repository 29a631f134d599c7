"""The matrix in a terminal: as wide as it is, every namespace a row, nothing in a name that moves the cursor."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowkit.errors import ContractError
from flowkit.view.blocks import text_matrix


def test_a_small_matrix_whole(sample):
    rows = [
        sample.row("shop/web", "shop/cart", 80, 1000, connections=1000),
        sample.row("shop/web", "data/redis", 6379, 1000, connections=30),
        sample.row("out:", "shop/web", 443, 1000, connections=1),
    ]
    assert text_matrix(sample.matrix_of(rows)).splitlines() == [
        "connections, client ↓ server →",
        "            a b",
        "(external)  · ▁",
        "shop        ▄ █",
        "▁ 1  █ 1,000  (logarithmic)  · none",
        "a data  b shop",
    ]


def test_servers_that_do_not_fit_are_counted(sample):
    matrix = sample.large(200, 3000, 60)
    text = text_matrix(matrix, "bytes", 80)
    left = text.splitlines()[-2].removeprefix("left out: ").removesuffix(" servers")
    assert text.splitlines()[-1].startswith("of ")
    assert text.endswith("B")
    letters = text.splitlines()[1].split()
    assert len(letters) + int(left) == 60


@given(width=st.integers(24, 200))
def test_it_fits_and_shows_only_print(width, sample):
    for matrix in (sample.cluster(), sample.hostile()):
        lines = text_matrix(matrix, width=width).splitlines()
        body = [line for line in lines if "(logarithmic)" not in line and "client ↓" not in line]
        assert max(map(len, body)) <= width
        assert all(character.isprintable() for line in lines for character in line)


def test_nothing_and_nonsense(sample):
    assert text_matrix(sample.matrix_of([])) == "no traffic"
    with pytest.raises(ContractError, match="needs 24 columns"):
        text_matrix(sample.cluster(), width=10)
    with pytest.raises(ContractError, match="no measure 'colour'"):
        text_matrix(sample.cluster(), "colour")
