"""Completeness: is every observed connection still allowed? What is not is listed, with the reason and what explains it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from flowkit.enrich import Inventory
from flowkit.enrich.sides import Codes, Mask
from flowkit.matrix.flowmatrix import STATES
from flowkit.policy.judge.reasons import ALLOWED, REASONS, VERDICTS
from flowkit.policy.judge.ruling import Judgement, Ruling
from flowkit.policy.model import EGRESS, INGRESS, PROTOCOLS
from flowkit.policy.verify.calls import Calls
from flowkit.policy.verify.names import names_of

COLUMNS = (
    "client",
    "server",
    "port",
    "proto",
    "state",
    "verdict",
    "direction",
    "policy",
    "rule",
    "reason",
    "connections",
    "first",
    "last",
)
_PROTOCOL_NAMES = {number: name for name, number in PROTOCOLS.items()}


@dataclass(frozen=True)
class Replay:
    """Calls, the number of the cell of each, and the judgement of the cells under one policy set."""

    calls: Calls
    ruling: Ruling
    cell: Codes
    judgement: Judgement

    @classmethod
    def of(cls, calls: Calls, ruling: Ruling) -> Replay:
        """Judge every call, each distinct cell once."""
        cells = calls.cells(ruling)
        cell, head = cells.distinct()
        return cls(calls, ruling, cell, ruling.judge(cells.take(head)))

    def refused(self, inventory: Inventory) -> pd.DataFrame:
        """The calls that are not allowed, as edges (columns ``COLUMNS``), those with most connections first."""
        rows = np.flatnonzero((self.judgement.verdict != ALLOWED)[self.cell])
        part, cell = self.calls.only(rows), self.cell[rows]
        egress_denies = self.judgement.egress.denies[cell]
        way = np.where(egress_denies, EGRESS, INGRESS)
        policy, rule = self._lines(cell, egress_denies)
        reasons = np.where(egress_denies, self.judgement.egress.reason[cell], self.judgement.ingress.reason[cell])
        ends = zip(("client", "server"), part.parties, strict=True)
        named = {end: names_of(party, part.table[end].tolist(), part.world, inventory) for end, party in ends}
        table = part.table.assign(
            **named,
            state=np.array(STATES, dtype=object)[part.table["state"].to_numpy(dtype=np.int64)],
            verdict=np.array(VERDICTS, dtype=object)[self.judgement.verdict[cell].astype(np.int64)],
            direction=way,
            policy=policy,
            rule=rule,
            reason=np.array(REASONS, dtype=object)[reasons.astype(np.int64)],
        )
        return _as_edges(table)

    def _lines(self, cells: Codes, egress: Mask) -> tuple[list[str], list[str]]:
        """The policy that refuses (or comes near) and its rule; the isolating policies where no rule comes near."""
        policies, rules = [], []
        for cell, is_egress in zip(cells.tolist(), egress.tolist(), strict=True):
            side, way = (self.judgement.egress, EGRESS) if is_egress else (self.judgement.ingress, INGRESS)
            line, under = int(side.line[cell]), int(side.under[cell])
            found = self.ruling.lines(way)[line] if line >= 0 else None
            policies.append(found.policy if found else self.ruling.sets(way)[under] if under >= 0 else "")
            rules.append(found.rule if found else "")
        return policies, rules


def _as_edges(table: pd.DataFrame) -> pd.DataFrame:
    keys = [name for name in COLUMNS if name not in ("connections", "first", "last")]
    sums = {"connections": ("connections", "sum"), "first": ("first", "min"), "last": ("last", "max")}
    edges = table.groupby(keys, sort=True, as_index=False, dropna=False).agg(**sums)
    times = {
        name: pd.to_datetime(edges[name], unit="ms", utc=True).astype("datetime64[ms, UTC]")
        for name in ("first", "last")
    }
    texts = [name for name in keys if name not in ("port", "proto")]
    typed = edges.assign(**times).astype({**dict.fromkeys(texts, "str"), "port": "uint16", "proto": "uint8"})
    return typed.sort_values("connections", ascending=False, kind="stable", ignore_index=True)[list(COLUMNS)]
