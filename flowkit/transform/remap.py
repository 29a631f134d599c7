"""The verb remap: columns under other names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import cast

import pandas as pd

from flowkit.errors import ContractError
from flowkit.transform.border import checked, on_spark, restated


def remap(table: pd.DataFrame, names: Mapping[str, str]) -> pd.DataFrame:
    """Rename columns, all at once: `names` maps a column to its new name; the rest stays.

    A field of the contract that the table lacks is missing under its new name. Source: FlowMetric's ``spec.remap``.
    Raises `FieldNotFound` for an unknown name, `ContractError` when two columns would be called the same.

    >>> remap(pd.DataFrame({"DstPort": [443]}), {"DstPort": "port"}).columns.tolist()
    ['port']
    """
    checked(table, names)
    spark = on_spark(table)
    if spark:
        return cast("pd.DataFrame", spark.rows_renamed(table, names))
    lacking = {name: pd.Series(pd.NA, index=table.index) for name in names if name not in table.columns}
    renamed = table.assign(**lacking).rename(columns=dict(names))
    for name, count in Counter(renamed.columns).items():
        if count > 1:
            raise ContractError(f"{count} columns would be called '{name}': choose another name or drop one before")
    return restated(renamed, table)
