"""The flows behind edges: which rows of a flow table, or of Parquet of any size, a matrix's edges were made of.

In memory they are exactly the rows that the matrix counts, found through the same conversations. At rest an engine looks for
rows whose ends and server port are the edge's, so that a folder bigger than memory is only read, never held.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import pandas as pd

from flowkit.contract import FIELDS, conform, provenance, with_provenance
from flowkit.engine import All, Comparison, Condition, Either, Engine, Predicate, run
from flowkit.engine.files import Paths
from flowkit.engine.query import Filter, Scan
from flowkit.enrich import dedupe, orient
from flowkit.enrich.orient import RULES
from flowkit.enrich.sides import Codes, Mask, integers
from flowkit.errors import ContractError, FlowkitError
from flowkit.matrix.building import SUFFIXES, at_level, edges_of, matrix, whole_names
from flowkit.matrix.conversations import conversations, talk_numbers
from flowkit.matrix.endpoints import side_names
from flowkit.matrix.flowmatrix import EDGE_KEY, FlowMatrix
from flowkit.matrix.scope import in_scope, refusals

Period = tuple[int, int]

MOST = 5_000_000
_PLACE = ">place"
_DECIDED = ("port", "proto", "state", "rule")
_OWN_NAMES = {"K8S_OwnerName": "K8S_Name", "K8S_OwnerType": "K8S_Type"}


class Behind(Protocol):
    """What finds flows: rows behind edges, whatever holds them."""

    def of(self, edges: pd.DataFrame, period: Period | None = None) -> pd.DataFrame:
        """The flows behind these rows of a matrix's edges; of those that end in a `period` (ms, its end excluded)."""


def behind(flows: pd.DataFrame | Paths, of: FlowMatrix, engine: Engine | None = None) -> Behind:
    """Look for the flows behind edges of the matrix `of` in `flows` that it was made from: a table, or paths of files.

    >>> from flowkit.matrix import matrix
    >>> flows = pd.DataFrame({"SrcAddr": ["10.0.0.2", "10.0.0.3"], "DstAddr": "10.0.0.1", "SrcPort": 51000,
    ...                       "DstPort": [443, 53], "Proto": [6, 17], "Flags": [2, 0]})
    >>> made = matrix(flows)
    >>> behind(flows, made).of(made.edges[made.edges["port"] == 53])["SrcAddr"].tolist()
    ['10.0.0.3']
    """
    if isinstance(flows, pd.DataFrame):
        return InMemory(flows, of.by)
    return AtRest(flows, of.by, engine)


def between(flows: pd.DataFrame, one: str, other: str) -> pd.DataFrame:
    """The flows of every connection between two namespaces or endpoints (``shop``, ``shop/cart``, ``(external)``), both ways.

    Raises `ContractError` for a name that no end has, with the nearest that one has.

    >>> flows = pd.DataFrame({"SrcAddr": ["10.0.0.2", "10.0.0.3"], "DstAddr": "10.0.0.1", "SrcPort": 51000,
    ...                       "DstPort": [443, 53], "Proto": [6, 17], "Flags": [2, 0]})
    >>> between(flows, "10.0.0.1", "10.0.0.3")["DstPort"].tolist()
    [53]
    """
    made = matrix(flows)
    client, server = (side_names(made.edges, side) for side in ("from", "to"))
    known = {*made.endpoints["endpoint"], *made.endpoints["group"]}
    for name in (one, other):
        if name not in known:
            near = difflib.get_close_matches(name, sorted(known), n=1)
            raise ContractError(f"no end '{name}' in these flows." + (f" Did you mean '{near[0]}'?" if near else ""))
    there = _is_end(client, one) & _is_end(server, other)
    edges = made.edges[there | (_is_end(client, other) & _is_end(server, one))]
    return InMemory(flows, made.by).of(edges)


def _is_end(names: pd.DataFrame, name: str) -> pd.Series[Any]:
    return (names["endpoint"] == name) | (names["group"] == name)


@dataclass(frozen=True)
class InMemory:
    """Flows in a table. Client and server are decided once, when first asked; every further question is two look-ups."""

    flows: pd.DataFrame
    by: str

    def of(self, edges: pd.DataFrame, period: Period | None = None) -> pd.DataFrame:
        """The rows that are counted in `edges`, in their order: copies that were folded into them are left out."""
        wanted = self._groups[1].isin(_keys(edges))[self._groups[0]][self._talks] & self._during(period)
        rows = np.sort(integers(self._oriented, _PLACE)[wanted])
        return with_provenance(self.flows.iloc[rows], provenance(self.flows))

    def within(self, period: Period) -> FlowMatrix:
        """The matrix of the flows that end from the first to before the second time of `period` (ms since 1970).

        Who is client, and whether a server answered, is read from all flows; what was moved from those of the period.
        """
        within = self._during(period)
        code = pd.unique(self._talks[within])
        part = self._oriented[within].reset_index(drop=True)
        own = conversations(part, self._identity, self._refused)
        own = own.assign(**{name: self._whole[name].array.take(code) for name in (*self._identity, *_DECIDED)})
        edges = edges_of(own, self.by, [name for name, _ in RULES])
        known = provenance(self._oriented)
        return FlowMatrix(with_provenance(edges, replace(known, losses={}, folded={})), by=self.by)

    def _during(self, period: Period | None) -> Mask:
        time = integers(self._oriented, "TimeFlowEndMs")
        start, end = period or (-1, np.iinfo(np.int64).max)
        during: Mask = (time >= start) & (time < end)
        return during

    @property
    def _identity(self) -> dict[str, str]:
        names = {**SUFFIXES[self.by], "subnet_label": "SubnetLabel"}
        return {f"{end}_{name}": suffix for end in ("from", "to") for name, suffix in names.items()}

    @cached_property
    def _oriented(self) -> pd.DataFrame:
        numbered = conform(self.flows).assign(**{_PLACE: np.arange(len(self.flows))})
        return whole_names(orient(dedupe(in_scope(numbered))))

    @cached_property
    def _refused(self) -> pd.DataFrame:
        return refusals(conform(self.flows))

    @cached_property
    def _talks(self) -> Codes:
        return talk_numbers(self._oriented)

    @cached_property
    def _whole(self) -> pd.DataFrame:
        return conversations(self._oriented, self._identity, self._refused)

    @cached_property
    def _groups(self) -> tuple[Codes, pd.MultiIndex]:
        """The group of each conversation, and the key of the edge that each group is part of."""
        by = self._whole.groupby(list(EDGE_KEY), sort=False, observed=True)
        heads = self._whole.loc[by.cumcount() == 0, list(EDGE_KEY)]
        texts = [name for name in EDGE_KEY if name not in ("port", "proto")]
        number: Codes = np.asarray(by.ngroup(), dtype=np.int64)
        return number, _keys(at_level(heads.astype(dict.fromkeys(texts, "str")), self.by))


@dataclass(frozen=True)
class AtRest:
    """Flows in files: an engine reads them for each question. The flows must carry the names the matrix was made with."""

    flows: Paths
    by: str
    engine: Engine | None = None

    def of(self, edges: pd.DataFrame, period: Period | None = None) -> pd.DataFrame:
        """The rows of which the ends, the server's port and the protocol are those of one of `edges`, each copy once.

        Where a recording names only the Service in front of a server these are fewer than the matrix counts: a note says so.
        Raises `FlowkitError` where the edges stand for more than five million flows.
        """
        count = int(edges["flows"].sum())
        if count > MOST:
            raise FlowkitError(f"{count:,} flows are behind this selection, at most {MOST:,} fit: select fewer edges")
        tests = tuple(test for edge in edges[list(EDGE_KEY)].to_dict("records") for test in self._tests(edge))
        found = run(Filter(Scan(tuple(FIELDS)), All((Either(tests), *_ends_in(period)))), self.flows, self.engine)
        carried = found.loc[:, [name for name in found.columns if found[name].notna().any()]]
        flows = dedupe(conform(carried)).drop(columns="FoldedCopies") if len(found) else conform(carried)
        return with_provenance(flows, provenance(flows).noting(*_fewer(len(flows), count, period)))

    def _tests(self, edge: dict[Any, Any]) -> Iterable[Predicate]:
        for client, server in (("Src", "Dst"), ("Dst", "Src")):
            ends = [*self._end(edge, "from", client), *self._end(edge, "to", server)]
            port = "" if pd.isna(edge["port"]) else str(edge["port"])
            yield All((*ends, _is(f"{server}Port", port), _is("Proto", str(edge["proto"]))))

    def _end(self, edge: dict[Any, Any], end: str, side: str) -> Iterable[Predicate]:
        suffixes = {**SUFFIXES[self.by], "subnet_label": "SubnetLabel"}
        if self.by == "namespace" and (edge[f"{end}_namespace"] or edge[f"{end}_kind"] == "Node"):
            suffixes = {name: suffixes[name] for name in ("namespace", "subnet_label")}
        for name, suffix in suffixes.items():
            value = "" if (name, edge[f"{end}_{name}"]) == ("kind", "Address") else edge[f"{end}_{name}"]
            yield _named(side, suffix, value)


def _ends_in(period: Period | None) -> Iterable[Predicate]:
    if period is not None:
        yield Comparison("TimeFlowEndMs", ">=", period[0])
        yield Comparison("TimeFlowEndMs", "<", period[1])


def _fewer(found: int, count: int, period: Period | None) -> Iterable[str]:
    if period is None and found != count:
        yield f"the matrix counts {count:,} flows behind these edges, {found:,} are found by names and port"


def _named(side: str, suffix: str, value: str) -> Predicate:
    """An object without an owner is its own workload."""
    own = _OWN_NAMES.get(suffix)
    if own is None:
        return _is(side + suffix, value)
    unowned = All((_is(side + suffix, ""), _is(side + own, value)))
    return unowned if value == "" else Either((_is(side + suffix, value), unowned))


def _is(field: str, value: str) -> Condition:
    """A test for exactly this text: a reference in a stranger's name is only text."""
    if value == "":
        return Condition(field, match="Absence")
    if "$(" in value:
        return Condition(field, f"^{re.escape(value)}$", "MatchRegex")
    return Condition(field, value)


def _keys(edges: pd.DataFrame) -> pd.MultiIndex:
    missing = [name for name in EDGE_KEY if name not in edges.columns]
    if missing:
        raise ContractError(f"these are no edges of a matrix: no column {', '.join(missing)}")
    texts = {name: edges[name].astype("str").fillna("") for name in EDGE_KEY[:-2]}
    numbers = {name: edges[name].astype("Int64").fillna(-1).astype("int64") for name in EDGE_KEY[-2:]}
    return pd.MultiIndex.from_frame(pd.DataFrame({**texts, **numbers}))
