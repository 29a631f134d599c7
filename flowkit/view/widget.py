"""The matrix as a live widget: what the reader selects and brushes in the page is data in Python, and new data fills the page.

anywidget comes with the extra ``flowkit-net[notebook]``; this module is imported when a matrix is first explored.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pandas as pd

from flowkit.contract import provenance, with_provenance
from flowkit.enrich import Inventory
from flowkit.errors import ContractError, FlowkitError
from flowkit.matrix.behind import Behind, InMemory, Period, behind
from flowkit.matrix.flowmatrix import EDGE_KEY, FlowMatrix
from flowkit.view import bundle
from flowkit.view.header import period as period_text
from flowkit.view.judged import Judged
from flowkit.view.outside import told_by
from flowkit.view.payload import Additions, edge_numbers, payload, to_gzip
from flowkit.view.policies import Judge, Policies
from flowkit.view.times import milliseconds, timeline_of_edges

try:
    import anywidget
    import traitlets
except ImportError as error:
    raise FlowkitError("the explorer needs anywidget: pip install 'flowkit-net[notebook]'") from error

if TYPE_CHECKING:
    from flowkit.engine.files import Paths

VIEWS = ("matrix", "ports", "table", "sankey", "timeline", "policies", "changes", "external")
THEMES = ("auto", "light", "dark")
_RULES = ("namespace", "policy", "rule", "edges")


@dataclass(frozen=True)
class Shown:
    """What a widget shows: the matrix, what else is known of it, what finds its flows, and the period it is cut to."""

    matrix: FlowMatrix
    additions: Additions = field(default_factory=Additions)
    behind: Behind | None = None
    period: Period | None = None

    @classmethod
    def of(cls, matrix: FlowMatrix, flows: pd.DataFrame | Paths | None, judged: Judged | None) -> Shown:
        """Gather what can be known of `matrix` from the flows it was made from: those in memory tell time and the outside."""
        in_memory = isinstance(flows, pd.DataFrame)
        over_time, outside = told_by(cast("pd.DataFrame", flows)) if in_memory else (timeline_of_edges(matrix), None)
        additions = Additions(judged=judged, timeline=over_time, external=outside)
        return cls(matrix, additions, None if flows is None else behind(flows, matrix))

    def during(self, period: Period | None) -> Shown:
        """The same, cut to a period: by the flows in it, or by the edges in use in it where no flows are in memory."""
        if period is None:
            return self
        edges, judged = self._edges_of(period), self.additions.judged
        matrix = replace(self.matrix, edges=edges, filters=(*self.matrix.filters, period_text(*period)))
        unfiltered = self.matrix.unfiltered if self.matrix.unfiltered is not None else len(self.matrix.edges)
        additions = replace(self.additions, judged=judged and self._judged_of(edges, judged))
        return replace(self, matrix=replace(matrix, unfiltered=unfiltered), additions=additions, period=period)

    def _edges_of(self, period: Period) -> pd.DataFrame:
        edges = self.matrix.edges
        if not isinstance(self.behind, InMemory):
            used = (milliseconds(edges["last"]) >= period[0]) & (milliseconds(edges["first"]) < period[1])
            return with_provenance(edges[used].reset_index(drop=True), self.matrix.provenance)
        found = self.behind.within(period).edges
        known = found[_index(found).isin(_index(edges))].reset_index(drop=True)
        return with_provenance(known, provenance(edges))

    def _judged_of(self, edges: pd.DataFrame, judged: Judged) -> Judged:
        """Verdicts and evidence of the edges that are left, in their order."""
        place = _index(self.matrix.edges).get_indexer(_index(edges))
        now = {int(at): number for number, at in enumerate(place)}
        verdicts = None if judged.verdicts is None else judged.verdicts.iloc[place].reset_index(drop=True)
        policies = tuple(
            replace(one, rules=tuple(replace(r, edges=tuple(now[e] for e in r.edges if e in now)) for r in one.rules))
            for one in judged.policies
        )
        return Judged(verdicts, policies, judged.notes)


@dataclass(frozen=True)
class Selection:
    """The edges selected in a widget, by the payload's numbers; two are equal where the numbers are."""

    numbers: tuple[int, ...] = ()
    shown: Shown | None = field(default=None, compare=False, repr=False)

    @property
    def edges(self) -> pd.DataFrame:
        """The selected rows of ``matrix.edges``, under their own row labels."""
        shown = self._known()
        return shown.matrix.edges[np.isin(edge_numbers(shown.matrix), self.numbers)]

    @property
    def flows(self) -> pd.DataFrame:
        """The flows behind the selected edges, of the brushed period: see `flowkit.matrix.behind`.

        Raises `FlowkitError` where the explorer was not given the flows.
        """
        return flows_behind(self._known(), self.edges)

    @property
    def policy(self) -> pd.DataFrame:
        """The rules behind the selected edges: columns ``namespace``, ``policy``, ``rule``, ``edges`` (how many of them)."""
        shown = self._known()
        chosen = set(self.edges.index)
        judged = shown.additions.judged or Judged()
        rules = [
            (policy.namespace, policy.name, rule.text, len(chosen & set(rule.edges)))
            for policy in judged.policies
            for rule in policy.rules
        ]
        table = pd.DataFrame(rules, columns=list(_RULES)).astype({"edges": "int64"})
        return table[table["edges"] > 0].reset_index(drop=True)

    def _known(self) -> Shown:
        if self.shown is None:
            raise FlowkitError("nothing is shown yet: take the selection of a widget, w.selection")
        return self.shown


def flows_behind(shown: Shown, edges: pd.DataFrame) -> pd.DataFrame:
    """The flows behind edges of what is shown; raises `FlowkitError` where it was made without them."""
    if shown.behind is None:
        raise FlowkitError("the explorer knows no flows: matrix.explore(flows=…) with those the matrix was made from")
    return shown.behind.of(edges, shown.period)


class Explorer(anywidget.AnyWidget):
    """A flow matrix in a notebook, see `explore`.

    Traits to set and to observe: ``selection`` (a `Selection`), ``view`` (the open view), ``theme`` (auto, light, dark) and
    ``brush`` (``[]``, or start and end of a period in ms since 1970, which cuts the matrix to it).
    """

    _esm = bundle.module()
    _css = bundle.style()
    payload = traitlets.Bytes().tag(sync=True)
    theme = traitlets.Enum(THEMES, default_value="auto").tag(sync=True)
    view = traitlets.Enum(VIEWS, default_value="matrix").tag(sync=True)
    brush = traitlets.List(traitlets.Int()).tag(sync=True)
    selection = traitlets.Instance(Selection, args=()).tag(
        sync=True,
        to_json=lambda selection, _: list(selection.numbers),
        from_json=lambda numbers, widget: Selection(tuple(numbers), widget.shown),
    )

    def __init__(self, shown: Shown, judge: Judge | None = None, **traits: Any) -> None:
        self._whole = self._shown = shown
        self._judge = judge
        self._title = traits.pop("title", None)
        super().__init__(payload=self._packed(), selection=Selection((), shown), **traits)

    @property
    def shown(self) -> Shown:
        """What is on the screen: all of it, or the brushed period."""
        return self._shown

    @property
    def matrix(self) -> FlowMatrix:
        """The matrix on the screen: all of it, or that of the brushed period."""
        return self._shown.matrix

    @property
    def flows(self) -> pd.DataFrame:
        """The flows behind every edge on the screen, of the brushed period; raises as `Selection.flows` does."""
        return flows_behind(self._shown, self._shown.matrix.edges)

    def update(
        self, matrix: FlowMatrix, *, flows: pd.DataFrame | Paths | None = None, policies: Judged | None = None
    ) -> None:
        """Fill the widget with new data; filters, view, focus, and what is selected by name, stay with the reader.

        `flows` and `policies` are those of the new matrix: without them the old ones are gone too, for they speak of old
        edges. A policy set that the widget was made with judges the new edges.
        """
        told = self._judge.judged(matrix) if policies is None and self._judge else policies
        self._whole = Shown.of(matrix, flows, told)
        self._show(self._whole.during(self._period))

    @property
    def _period(self) -> Period | None:
        return (self.brush[0], self.brush[1]) if self.brush else None

    @traitlets.validate("brush")
    def _valid_brush(self, proposal: Any) -> list[int]:
        brush: list[int] = proposal["value"]
        if brush and (len(brush) != 2 or brush[0] >= brush[1]):
            raise traitlets.TraitError("a brush is [], or start and end of a period in ms since 1970")
        return brush

    @traitlets.observe("brush")
    def _brushed(self, _: Any) -> None:
        self._show(self._whole.during(self._period))

    def _show(self, shown: Shown) -> None:
        self._shown = shown
        packed = self._packed()
        if packed == self.payload:
            self.selection = Selection(self.selection.numbers, shown)
            self.send({"done": True})  # else the page would wait for what never comes
            return
        with self.hold_sync():
            self.selection = Selection((), shown)
            self.payload = packed

    def _packed(self) -> bytes:
        return to_gzip(payload(self._shown.matrix, self._title, self._shown.additions))

    def __repr__(self) -> str:
        return f"Explorer({self._shown.matrix!r})"


def explore(
    matrix: FlowMatrix,
    *,
    flows: pd.DataFrame | Paths | None = None,
    policies: Judged | Mapping[str, Judged] | Policies | None = None,
    inventory: Inventory | str | Path | None = None,
    profile: str | None = None,
    **traits: Any,
) -> Explorer:
    """Show `matrix` as a live widget.

    `flows` are those the matrix was made from, a table or paths of Parquet of any size: then ``w.selection.flows`` are the
    rows behind the selected edges, and brushing the timeline cuts the matrix to a period. `policies` are a policy set, a
    folder or file, or several of these, judged with the `inventory` (or what ``fk.enrich`` takes as ``cluster``) by the
    network plugin's `profile`, now and whenever the widget gets a new matrix; or what `flowkit.judged` gives, one or several
    by profile. `traits` are ``title``, ``view`` and ``theme``. Raises `ContractError` for a profile that is not among
    `policies`, `FlowkitError` without anywidget, and what `PolicySet.load` raises.

    >>> from flowkit.matrix import EDGE_COLUMNS
    >>> w = explore(FlowMatrix(pd.DataFrame(columns=list(EDGE_COLUMNS))), view="table")
    >>> w.view, len(w.selection.edges)
    ('table', 0)
    """
    if policies is None or isinstance(policies, Judged | Mapping):
        return Explorer(Shown.of(matrix, flows, chosen(policies, profile)), **traits)
    judge = Judge.of(policies, inventory, profile)
    return Explorer(Shown.of(matrix, flows, judge.judged(matrix)), judge, **traits)


def chosen(policies: Judged | Mapping[str, Judged] | None, profile: str | None) -> Judged | None:
    """The policies of a profile; the first ones where none is named."""
    if policies is None or isinstance(policies, Judged):
        if profile is not None:
            raise ContractError(f"no profile '{profile}': give policies by profile, policies={{'{profile}': …}}")
        return policies
    if profile is not None and profile not in policies:
        raise ContractError(f"no profile '{profile}': there is {', '.join(policies) or 'none'}")
    return policies[profile] if profile is not None else next(iter(policies.values()), None)


def _index(edges: pd.DataFrame) -> pd.MultiIndex:
    key = edges[list(EDGE_KEY)].astype({"port": "Int64"})
    return pd.MultiIndex.from_frame(key.fillna({"port": -1}).astype({"port": "int64", "proto": "int64"}))
