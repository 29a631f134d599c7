"""The flow table as NetObserv's users know it: filtered, in the console's columns, for a notebook, a terminal and as CSV."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from flowkit.contract import provenance, with_provenance
from flowkit.contract.at_rest import csv_text
from flowkit.contract.plain import plain
from flowkit.errors import SpecError
from flowkit.transform import All
from flowkit.transform import filter as rows_where
from flowkit.view.console import Asked, asked_for, both_ways, columns_of, laid_out, quick_filter
from flowkit.view.console.ranges import with_ranges
from flowkit.view.flow_table_html import flow_table_html
from flowkit.view.names import plural
from flowkit.view.terminal import loss_lines, text_table

Ways = Literal["one way", "back and forth"]
_ORDER = "TimeFlowEndMs"


@dataclass(frozen=True)
class FlowTable:
    """Flows to look at: `flows` are all that matched, newest first; `shown` the cells of the first of them."""

    flows: pd.DataFrame
    shown: pd.DataFrame
    columns: tuple[str, ...]
    notices: tuple[str, ...]

    def csv(self) -> str:
        """All flows that matched, not only those shown, in the columns shown, cells guarded against spreadsheets."""
        return csv_text(laid_out(self.flows, self.columns))

    def text(self) -> str:
        """The cells shown as aligned text, without control characters."""
        return text_table(self.shown)

    def __str__(self) -> str:
        return "\n".join([self.text(), "", *map(plain, self.notices)])

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return flow_table_html(self.shown, self.notices)


def show(
    flows: pd.DataFrame,
    filters: str | None = None,
    *,
    quick: str | Sequence[str] = (),
    columns: str | Sequence[str] = "default",
    ways: Ways = "one way",
    limit: int = 100,
) -> FlowTable:
    """Show flows as NetObserv's console does, newest first.

    `filters` is the console's own text (``src_namespace=shop&dst_port!=53``, see `flowkit.view.console.grammar`); `quick`
    names quick filters (applications, infrastructure, pods, services, external, external ingress, external egress), which
    must hold as well. With `ways` "back and forth" the flows in the opposite direction are found too. `columns` is a preset
    (default, addresses, objects, owners, drops, dns, events, all) or a list of the console's column ids and of fields. At
    most `limit` rows are shown, which the notices say; `flows` and `csv()` of the result have all that matched.

    Raises `SpecError` for a filter, quick filter or column that is none.

    >>> flows = pd.DataFrame({"SrcAddr": ["10.0.0.1", "10.0.0.2"], "DstPort": [443, 53], "Proto": [6, 17]})
    >>> print(show(flows, "port=https", columns=["SrcAddr", "DstPort", "Proto"]))
    src IP    dst port  protocol
    10.0.0.1       443  TCP
    <BLANKLINE>
    1 flow of 2
    only flows where port=https (one way)
    """
    if ways not in ("one way", "back and forth"):
        raise SpecError(f"'{ways}' is no way to match: 'one way' or 'back and forth'", place="ways")
    if limit < 1:
        raise SpecError(f"cannot show {limit} rows: at least 1", place="limit")
    texts = [text for text in (filters, quick_filter(quick)) if text and text.strip()]
    found = _matching(flows, texts, ways) if texts else flows
    newest = found.sort_values(_ORDER, ascending=False, kind="stable") if _ORDER in found.columns else found
    chosen = columns_of(columns, newest if len(newest) else flows)
    shown = laid_out(newest.head(limit), chosen).reset_index(drop=True)
    notices = (*_counted(flows, found, shown), *_unknown(flows, texts), *loss_lines(provenance(found)))
    return FlowTable(newest, shown, chosen, notices)


def _matching(flows: pd.DataFrame, texts: Sequence[str], ways: Ways) -> pd.DataFrame:
    each = [asked_for(text) for text in texts]
    one_way = Asked(All(tuple(one.test for one in each)), tuple(found for one in each for found in one.ranges))
    asked = both_ways(one_way) if ways == "back and forth" else one_way
    found = rows_where(with_ranges(flows, asked.ranges), asked.test)
    found = found.drop(columns=[one.column for one in asked.ranges if one.column in found.columns])
    return with_provenance(found, provenance(flows).noting(f"only flows where {' and '.join(texts)} ({ways})"))


def _counted(flows: pd.DataFrame, found: pd.DataFrame, shown: pd.DataFrame) -> list[str]:
    if len(shown) < len(found):
        return [f"the {plural(len(shown), 'newest flow')} of {len(found):,} that match, of {len(flows):,} in the table"]
    return [plural(len(found), "flow") + (f" of {len(flows):,}" if len(found) < len(flows) else "")]


def _unknown(flows: pd.DataFrame, texts: Sequence[str]) -> list[str]:
    """What a filter asks of fields that no flow carries: the usual reason for nothing, or everything, being found."""
    lacking = {
        "flow_layer": ("K8S_FlowLayer", "fk.enrich with an inventory gives it"),
        "subnet_label": ("SrcSubnetLabel", "fk.enrich with subnets gives it; without, everything counts as external"),
    }
    return [
        f"no flow carries {field.removeprefix('Src')}: {way_out}"
        for name, (field, way_out) in lacking.items()
        if any(name in text for text in texts)
        and not any(
            each in flows.columns and flows[each].notna().any() for each in (field, field.replace("Src", "Dst"))
        )
    ]
