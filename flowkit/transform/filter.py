"""The verb filter: the rows for which conditions hold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import cast

import pandas as pd

from flowkit.contract import FIELDS
from flowkit.engine import Condition, Predicate, run, together
from flowkit.engine.grammar import parse
from flowkit.engine.query import Filter, Scan, fields_of
from flowkit.transform.border import PLACE, checked, on_spark, placed, restated


def filter(flows: pd.DataFrame, conditions: str | Sequence[Condition] | Predicate) -> pd.DataFrame:  # noqa: A001 (upstream's word)
    """Return the rows for which `conditions` hold: alternatives on one field, all of them across fields.

    A text is FlowCollector's filter language (see `flowkit.engine.grammar`), in which a list also matches by one of its
    items; it is noted in the provenance, since whatever is made of the rest shows only that part.

    A `Condition` compares text by FlowMetric's six match types; an absent field passes only NotEqual, Absence and
    NotMatchRegex. A list is its text ("[SYN ACK]") until `flatten` has opened it. A predicate (`All`, `Either`, `Not`,
    `Comparison` …) is taken as it is. Dtypes, order and index stay. Source: FlowMetric's ``spec.filters``.
    Raises `FieldNotFound` for a name that neither table nor contract has, `SpecError` for a text that is no filter.

    >>> flows = pd.DataFrame({"Proto": [6, 17, 132], "DstPort": [443, 53, 443]})
    >>> filter(flows, "DstPort=443 and not Proto=132")["Proto"].tolist()
    [6]
    >>> filter(flows, [Condition("Proto", "6"), Condition("Proto", "17"), Condition("DstPort", "443")])["Proto"].tolist()
    [6]
    """
    test = _test(flows, conditions)
    checked(flows, fields_of(test))
    spark = on_spark(flows)
    if spark:
        return cast("pd.DataFrame", spark.rows_where(flows, test))
    kept = run(Filter(Scan((PLACE,)), test), placed(flows, fields_of(test)))
    found = flows.take(kept[PLACE].to_numpy())
    if isinstance(conditions, str):
        return restated(found, flows, f"only flows where {' '.join(conditions.split())}")
    return restated(found, flows, *(() if len(kept) else _unopened(flows, test)))


def _test(flows: pd.DataFrame, conditions: str | Sequence[Condition] | Predicate) -> Predicate:
    if isinstance(conditions, str):
        return parse(conditions, (*FIELDS, *map(str, flows.columns)))
    return conditions if isinstance(conditions, Predicate) else together(conditions)


def _unopened(flows: pd.DataFrame, test: Predicate) -> Iterator[str]:
    """Say which lists were compared as a whole: the usual reason for an empty result."""
    for name in sorted(fields_of(test)):
        is_list = name in FIELDS and FIELDS[name].is_list and name in flows.columns
        if is_list and not isinstance(flows[name].dtype, pd.CategoricalDtype | pd.StringDtype):
            yield f"{name} is a list, whose text is like [SYN ACK]: flatten it to compare single items"
