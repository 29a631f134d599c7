"""What a synthesis did not do, or did wider than asked: every such thing is one row, with its reason and the way out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import astuple, dataclass, fields

import pandas as pd


@dataclass(frozen=True)
class Finding:
    """One thing to know: `finding` is its kind, `connections` how many observed ones it concerns.

    What a widening opens is counted in cells by `flowkit.policy.verify` (`Verification.tightness`).

    Kinds: ``dropped`` (no rule was made), ``needs no rule`` (always allowed), ``widened`` (more is allowed than was seen),
    ``label clash``, ``not selectable``, ``not isolated`` (a default-deny was left out), ``guessed``, ``stale``,
    ``proposed`` (a choice that there is).
    """

    finding: str
    namespace: str
    what: str
    reason: str
    connections: int = 0
    remedy: str = ""


COLUMNS = tuple(each.name for each in fields(Finding))


def table(findings: Iterable[Finding]) -> pd.DataFrame:
    """The findings as a table, in the order of kind, namespace and subject; equal ones add up."""
    rows = pd.DataFrame([astuple(each) for each in findings], columns=list(COLUMNS))
    keys = [name for name in COLUMNS if name != "connections"]
    summed = rows.groupby(keys, sort=True, as_index=False, dropna=False)[["connections"]].sum()
    typed = summed.astype({**dict.fromkeys(keys, "str"), "connections": "int64"})
    return typed[list(COLUMNS)]
