"""How far a flow matrix agrees with the truth of the recorded cluster."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

KEY = [f"{end}_{name}" for end in ("from", "to") for name in ("namespace", "kind", "workload", "subnet_label")]
KEY += ["port", "proto"]


@dataclass(frozen=True)
class Score:
    """Answered edges found and wanted: `missing` stand in the truth alone, `extra` in the matrix alone."""

    right: int
    missing: list[tuple[Any, ...]]
    extra: list[tuple[Any, ...]]

    @property
    def precision(self) -> float:
        """The share of the matrix's answered edges that are true."""
        return self.right / max(1, self.right + len(self.extra))

    @property
    def recall(self) -> float:
        """The share of the truth's answered edges that the matrix has."""
        return self.right / max(1, self.right + len(self.missing))


def truth(path: Path) -> pd.DataFrame:
    """The connections the scenario makes, as a table with the matrix's key columns and `state`."""
    return pd.DataFrame(json.loads(path.read_text(encoding="utf-8")))


def score(edges: pd.DataFrame, wanted: pd.DataFrame, state: str = "answered") -> Score:
    """Compare edges and truth of one state, by their whole key."""
    found, true = (_keys(table[table["state"] == state]) for table in (edges, wanted))
    return Score(len(found & true), sorted(true - found, key=str), sorted(found - true, key=str))


def _keys(table: pd.DataFrame) -> set[tuple[Any, ...]]:
    plain = table[KEY].astype(object)
    return set(plain.where(plain.notna(), None).itertuples(index=False, name=None))
