"""The verb flatten: one row a list item."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import pandas as pd

from flowkit.engine import run
from flowkit.engine.duckdb import schema_of
from flowkit.engine.query import Flatten, Scan
from flowkit.transform.border import PLACE, checked, on_spark, placed, restated


def flatten(flows: pd.DataFrame, fields: Sequence[str]) -> pd.DataFrame:
    """Return one row a part: each item of the lists in `fields` in its field's place, several lists multiplied.

    An absent or empty list gives one row in which the field is missing, so no flow is lost. A list of maps becomes
    columns ``Field>key``. The bit set ``Flags`` is the list of its names. Row order, index and other columns stay.
    Source: FlowMetric's ``spec.flatten``. Raises `FieldNotFound` for a name that neither table nor contract has.

    >>> flatten(pd.DataFrame({"Proto": [6, 17], "Flags": [18, 0]}), ["Flags"])["Flags"].tolist()
    ['SYN', 'ACK', nan]
    """
    fields = tuple(dict.fromkeys(fields))
    checked(flows, fields)
    spark = on_spark(flows)
    if spark:
        return cast("pd.DataFrame", spark.rows_flattened(flows, fields))
    asked = placed(flows, fields)
    parts = run(Flatten(Scan((PLACE,)), fields, _children(asked, fields)), asked)
    rows = flows.take(parts.pop(PLACE).to_numpy())
    made = {name: _text(parts[name].set_axis(rows.index)) for name in parts.columns}
    lost = {name: pd.Series(pd.NA, index=rows.index) for name in fields if name not in made}
    return restated(rows.assign(**made, **lost), flows)


def _text(part: pd.Series[Any]) -> pd.Series[Any]:
    return part.astype("category") if part.dtype == "str" else part


def _children(asked: pd.DataFrame, fields: Sequence[str]) -> tuple[str, ...]:
    """The columns that lists of maps will become."""
    kinds = schema_of(asked, Flatten(Scan(), tuple(fields)))
    items = {name: kind.item for name, kind in kinds.items() if kind.item}
    structs = [f"{name}>{key}" for name, item in items.items() for key, _ in item.keys]
    maps = [f"{name}>{key}" for name, item in items.items() if item.name == "map" for key in _keys(asked[name])]
    return (*structs, *maps)


def _keys(column: pd.Series[Any]) -> list[str]:
    """Every key of a column of lists of maps that Arrow could not make structs of."""
    return list(dict.fromkeys(str(key) for items in column.dropna() for item in items for key in dict(item)))
