"""The rows of small result tables, one by one; never of flows."""

from __future__ import annotations

from typing import Any

import pandas as pd


def rows_of(table: pd.DataFrame) -> list[Any]:
    """The rows of a table as named tuples, for the few there are in a result.

    >>> rows_of(pd.DataFrame({"port": [80]}))[0].port
    80
    """
    return list(table.itertuples(index=False))
