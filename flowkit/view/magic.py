"""``%%promql``: a cell whose text is the query, one call of `flowkit.promql`, or with ``server=`` of `flowkit.read_metric`."""

from __future__ import annotations

from typing import Any

import pandas as pd

from flowkit.metric.promql import promql
from flowkit.sources.prometheus import read_metric


def load_ipython_extension(shell: Any) -> None:
    """Register the cell magic, for ``%load_ext flowkit``. Its line holds the function's other arguments, in Python:

    ``%%promql metrics=metrics, flows=flows, step="1m"``
    """

    def cell(line: str, query: str) -> pd.DataFrame:
        """Evaluate the cell as PromQL."""
        options = shell.ev(f"dict({line})")
        return read_metric(query.strip(), **options) if "server" in options else promql(query.strip(), **options)

    shell.register_magic_function(cell, "cell", "promql")
