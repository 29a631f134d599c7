"""Tightness: what is allowed that was never seen, counted by the rule that admits it and by why the rule does."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
import pandas as pd

from flowkit.enrich import Inventory
from flowkit.policy.judge.reasons import ALLOWED, DENIED, UNDECIDED, VERDICTS, Reason
from flowkit.policy.judge.ruling import Judgement, Ruling
from flowkit.policy.model import EGRESS, INGRESS
from flowkit.policy.synthesis.relations import OBSERVED
from flowkit.policy.verify.calls import Calls
from flowkit.policy.verify.rows import rows_of
from flowkit.policy.verify.universe import Portion, Universe

COLUMNS = ("policy", "direction", "rule", "cause", "cells", "example")
NOT_ISOLATED, NEVER_SEEN = "not isolated", "never seen"
_RULELESS = -1


@dataclass(frozen=True)
class Tightness:
    """How many cells there are besides the observed, how many of these are denied and undecided, and what allows the others.

    `table`: one row a rule and cause (columns ``COLUMNS``): ``infrastructure`` and ``subnet label`` (by choice), ``label
    clash``, ``not isolated`` (no policy speaks of either end), ``never seen``.
    """

    others: int
    denied: int
    undecided: int
    table: pd.DataFrame

    @classmethod
    def of(cls, ruling: Ruling, calls: Calls, inventory: Inventory, why: Causes) -> Tightness:
        """Judge every cell that was not observed."""
        universe = Universe.of(ruling, calls, inventory)
        counts: Counter[tuple[str, int]] = Counter()
        examples: dict[tuple[str, int], tuple[int, int]] = {}
        verdicts = np.zeros(len(VERDICTS), dtype=np.int64)
        for slab in universe.slabs():
            possible = slab.valid & universe.may(ruling, universe.ends.classes, slab)
            verdicts[DENIED] += int((slab.valid & slab.fresh & ~possible).sum())
            for asked in universe.portions(slab, possible & slab.fresh):
                judged = ruling.judge(asked.cells)
                verdicts += np.bincount(judged.verdict, minlength=len(VERDICTS))
                _count(judged, asked, counts, examples)
        others, denied, undecided = (int(each) for each in (verdicts.sum(), verdicts[DENIED], verdicts[UNDECIDED]))
        return cls(others, denied, undecided, _table(ruling, universe, counts, examples, why))


@dataclass(frozen=True)
class Causes:
    """Why rules allow more than was seen, by policy, direction and rule, as the set's evidence and findings say."""

    basis: dict[tuple[str, str, int], str]
    clashing: frozenset[str]

    @classmethod
    def of(cls, evidence: pd.DataFrame | None, findings: pd.DataFrame | None) -> Causes:
        """Read a set's evidence and findings."""
        basis: dict[tuple[str, str, int], str] = {}
        for row in [] if evidence is None else rows_of(evidence[evidence["basis"] != OBSERVED]):
            basis[f"{row.namespace}/{row.policy}", str(row.direction), int(row.rule)] = str(row.basis)
        clashes = [] if findings is None else rows_of(findings[findings["finding"] == "label clash"])
        names = frozenset(
            f"{row.namespace}/{part.split(' ', 1)[1]}" for row in clashes for part in str(row.what).split(", ")
        )
        return cls(basis, names)

    def cause(self, policy: str, direction: str, rule: int, ends: tuple[str, str]) -> str:
        """The cause of one rule's surplus, of which one cell is between these ends."""
        known = self.basis.get((policy, direction, rule))
        return known or ("label clash" if self.clashing & {*ends} else NEVER_SEEN)


def _count(
    judged: Judgement,
    portion: Portion,
    counts: Counter[tuple[str, int]],
    examples: dict[tuple[str, int], tuple[int, int]],
) -> None:
    """Count allowed cells by the line that admits them: the server's, else the client's."""
    allowed = judged.verdict == ALLOWED
    by_server = judged.ingress.reason == Reason.ADMITTED
    by_client = ~by_server & (judged.egress.reason == Reason.ADMITTED)
    for way, mask, line in (
        (INGRESS, by_server, judged.ingress.line),
        (EGRESS, by_client, judged.egress.line),
        ("", ~by_server & ~by_client, np.full(len(allowed), _RULELESS)),
    ):
        rows = np.flatnonzero(allowed & mask)
        lines, first, sizes = np.unique(line[rows], return_index=True, return_counts=True)
        for each, at, size in zip(lines.tolist(), first, sizes.tolist(), strict=True):
            counts[way, each] += size
            examples.setdefault((way, each), (int(portion.client[rows[at]]), int(portion.service[rows[at]])))


def _table(
    ruling: Ruling,
    universe: Universe,
    counts: Counter[tuple[str, int]],
    examples: dict[tuple[str, int], tuple[int, int]],
    why: Causes,
) -> pd.DataFrame:
    rows = []
    for (way, line), size in counts.items():
        client, service = examples[way, line]
        ends = universe.ends.names[client], universe.ends.names[universe.server[service]]
        example = f"{ends[0]} → {ends[1]}:{universe.port[service]}/{universe.proto[service]}"
        if line < 0:
            rows.append(("", "", _RULELESS, NOT_ISOLATED, size, example))
            continue
        found = ruling.lines(EGRESS if way == EGRESS else INGRESS)[line]
        rule = int(found.rule.partition("[")[2].partition("]")[0])
        rows.append((found.policy, way, rule, why.cause(found.policy, way, rule, ends), size, example))
    table = pd.DataFrame(rows, columns=list(COLUMNS)).astype({"rule": "int64", "cells": "int64"})
    return table.sort_values(["cells", "policy", "rule"], ascending=[False, True, True], ignore_index=True)
