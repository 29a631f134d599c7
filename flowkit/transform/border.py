"""What the verbs share at their border: names checked on the way in, provenance restated on the way out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pandas as pd

from flowkit.contract import FIELDS, provenance, with_provenance
from flowkit.engine import is_spark
from flowkit.errors import FieldNotFound

PLACE = ">place"


def on_spark(table: Any) -> Any:
    """The verbs on Spark DataFrames, for a table that is one; None for any other."""
    if not is_spark(table):
        return None
    from flowkit.engine import spark  # only for whoever has pyspark

    return spark


def checked(table: pd.DataFrame, names: Iterable[str]) -> None:
    """Raise `FieldNotFound` for a name that neither the table nor the contract has; of ``Parent>child``, the parent."""
    known = {*map(str, table.columns), *FIELDS}
    for name in names:
        if name not in known and name.split(">", 1)[0] not in known:
            raise FieldNotFound(name, known, "in this table")


def placed(table: pd.DataFrame, names: Iterable[str]) -> pd.DataFrame:
    """Those columns of the table that `names` has, and each row's place in it, by which rows are taken afterwards."""
    wanted = set(names)
    return table.loc[:, [name in wanted for name in table.columns]].assign(**{PLACE: range(len(table))})


def restated(result: pd.DataFrame, table: pd.DataFrame, *notes: str) -> pd.DataFrame:
    """The result carrying the provenance of the table it was made from."""
    return with_provenance(result, provenance(table).noting(*notes))
