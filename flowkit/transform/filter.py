"""The verb filter: the rows for which conditions hold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pandas as pd

from flowkit.contract import FIELDS
from flowkit.engine import Condition, Predicate, run, together
from flowkit.engine.query import Filter, Scan, fields_of
from flowkit.transform.border import PLACE, checked, placed, restated


def filter(flows: pd.DataFrame, conditions: Sequence[Condition] | Predicate) -> pd.DataFrame:  # noqa: A001 (upstream's word)
    """Return the rows for which `conditions` hold: alternatives on one field, all of them across fields.

    A `Condition` compares text by FlowMetric's six match types; an absent field passes only NotEqual, Absence and
    NotMatchRegex. A list is its text ("[SYN ACK]") until `flatten` has opened it. A predicate (`All`, `Either`, `Not`,
    `Comparison` …) is taken as it is. Dtypes, order and index stay. Source: FlowMetric's ``spec.filters``.
    Raises `FieldNotFound` for a name that neither table nor contract has.

    >>> flows = pd.DataFrame({"Proto": [6, 17, 132], "DstPort": [443, 53, 443]})
    >>> filter(flows, [Condition("Proto", "6"), Condition("Proto", "17"), Condition("DstPort", "443")])["Proto"].tolist()
    [6]
    """
    test = together(conditions) if isinstance(conditions, Sequence) else conditions
    checked(flows, fields_of(test))
    kept = run(Filter(Scan((PLACE,)), test), placed(flows, fields_of(test)))
    notes = () if len(kept) else tuple(_unopened(flows, test))
    return restated(flows.take(kept[PLACE].to_numpy()), flows, *notes)


def _unopened(flows: pd.DataFrame, test: Predicate) -> Iterator[str]:
    """Say which lists were compared as a whole: the usual reason for an empty result."""
    for name in sorted(fields_of(test)):
        is_list = name in FIELDS and FIELDS[name].is_list and name in flows.columns
        if is_list and not isinstance(flows[name].dtype, pd.CategoricalDtype | pd.StringDtype):
            yield f"{name} is a list, whose text is like [SYN ACK]: flatten it to compare single items"
