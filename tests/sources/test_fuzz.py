"""A slice of the fuzz of every reader, see `tests.sources.fuzz`."""

from __future__ import annotations

import pytest

from tests.sources import fuzz


@pytest.mark.parametrize("reader", sorted(fuzz.seeds()))
def test_mutated_files_give_rows_or_one_clear_error(tmp_path, reader):
    assert sum(fuzz.run(reader, 12, 7, tmp_path).values()) == 12
