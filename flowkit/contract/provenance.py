"""Where a table comes from and what was lost on the way: the value that travels in ``df.attrs["flowkit"]``.

pandas keeps attrs through queries, merges and Parquet, so a result can always say its period, sources, sampling and losses.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

_KEY = "flowkit"


@dataclass(frozen=True)
class Provenance:
    """Sources by name, largest sampling seen, losses counted by reason, and notes a reader must see.

    `losses` maps a reason that names its unit ("frames that are not IP", "broken JSON lines") to a count;
    `notes` are single sentences such as "an inventory without Services: ...".
    """

    sources: tuple[str, ...] = ()
    sampling: int | None = None
    losses: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def losing(self, losses: Mapping[str, int]) -> Provenance:
        """The same with further losses added by reason; zero counts are left out.

        >>> Provenance().losing({"broken JSON lines": 3, "cut packets": 0}).losses
        {'broken JSON lines': 3}
        """
        total = Counter(self.losses)
        total.update({reason: count for reason, count in losses.items() if count})
        return Provenance(self.sources, self.sampling, dict(total), self.notes)

    def noting(self, *notes: str) -> Provenance:
        """The same with further notes, each said once."""
        return Provenance(self.sources, self.sampling, self.losses, tuple(dict.fromkeys((*self.notes, *notes))))

    def to_dict(self) -> dict[str, Any]:
        """Plain data, as it stands in attrs, Parquet and JSON."""
        return {
            "sources": list(self.sources),
            "sampling": self.sampling,
            "losses": dict(self.losses),
            "notes": list(self.notes),
        }


def provenance(table: pd.DataFrame) -> Provenance:
    """Read a table's provenance; an empty one for a table that carries none."""
    plain = table.attrs.get(_KEY) or {}
    return Provenance(
        tuple(plain.get("sources", ())),
        plain.get("sampling"),
        dict(plain.get("losses", {})),
        tuple(plain.get("notes", ())),
    )


def with_provenance(table: pd.DataFrame, value: Provenance) -> pd.DataFrame:
    """The same table (no data copied) carrying this provenance."""
    carrying = table.copy(deep=False)
    carrying.attrs = {**table.attrs, _KEY: value.to_dict()}
    return carrying


def merge(parts: Iterable[Provenance]) -> Provenance:
    """One provenance for rows of several tables put together: sources joined, losses added, the largest sampling kept."""
    parts = list(parts)
    whole = Provenance(
        tuple(dict.fromkeys(source for part in parts for source in part.sources)),
        max((part.sampling for part in parts if part.sampling is not None), default=None),
    )
    for part in parts:
        whole = whole.losing(part.losses).noting(*part.notes)
    return whole
