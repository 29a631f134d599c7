"""An answer of the HTTP API as a tidy table: a row a sample, a column a label, ``time``, ``value``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np
import pandas as pd

from flowkit.errors import SourceError


def tidy(answers: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """The samples of answers to one query, in order of labels and time; labels as categories, "" where a series lacks one.

    Raises `SourceError` for native histograms, which have no single value.

    >>> tidy([{"resultType": "vector", "result": [{"metric": {"port": "443"}, "value": [1.5, "+Inf"]}]}])["value"].tolist()
    [inf]
    """
    results = [one for answer in answers for one in _series(answer)]
    samples = [one.get("values") or [one["value"]] for one in results]
    sizes = np.fromiter(map(len, samples), dtype=np.int64, count=len(samples))
    series = np.repeat(np.arange(len(results)), sizes)
    flat = list(chain.from_iterable(chain.from_iterable(samples)))
    times = np.rint(np.array(flat[::2], dtype=np.float64) * 1000).astype(np.int64)
    values = np.array(flat[1::2], dtype=object).astype(np.float64)
    names = sorted({name for one in results for name in one["metric"]})
    columns = {name: _column([one["metric"].get(name, "") for one in results], series) for name in names}
    when = pd.Series(times.astype("datetime64[ms]")).dt.tz_localize("UTC")
    table = pd.DataFrame({**columns, "time": when, "value": values})
    return table.sort_values([*names, "time"], kind="stable", ignore_index=True) if len(answers) > 1 else table


def _series(answer: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    kind, result = answer.get("resultType"), answer.get("result")
    if kind == "scalar":
        return [{"metric": {}, "value": result}]
    if kind not in ("vector", "matrix") or not isinstance(result, list):
        raise SourceError(f"Prometheus answers with '{str(kind)[:20]}': ask for a vector or a number")
    if any("histogram" in one or "histograms" in one for one in result):
        raise SourceError(
            "the answer holds native histograms, which have no single value: ask histogram_quantile of them"
        )
    return result


def _column(texts: list[str], series: Any) -> pd.Categorical:
    codes, distinct = pd.factorize(np.array(texts, dtype=object), sort=True)
    return pd.Categorical.from_codes(codes[series], categories=pd.Index(distinct, dtype="str"))
