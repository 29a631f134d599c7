"""Where a table comes from and what was lost on the way: the value that travels in ``df.attrs["flowkit"]``.

pandas keeps attrs through queries, merges and Parquet, so a result can always say its period, sources, sampling and losses.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pandas as pd

_KEY = "flowkit"


@dataclass(frozen=True)
class Provenance:
    """Sources by name, largest sampling seen, losses counted by reason, what was folded, and notes a reader must see.

    `losses` maps a reason that names its unit ("frames that are not IP", "broken JSON lines") to a count; `folded` does so
    for rows that stand in another row ("copies of another recorder"); `notes` are single sentences such as "it holds no
    Services: …".
    """

    sources: tuple[str, ...] = ()
    sampling: int | None = None
    losses: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    folded: Mapping[str, int] = field(default_factory=dict)

    def losing(self, losses: Mapping[str, int]) -> Provenance:
        """The same with further losses added by reason; zero counts are left out.

        >>> Provenance().losing({"broken JSON lines": 3, "cut packets": 0}).losses
        {'broken JSON lines': 3}
        """
        return replace(self, losses=_added(self.losses, losses))

    def folding(self, folded: Mapping[str, int]) -> Provenance:
        """The same with further rows that now stand in others, by reason."""
        return replace(self, folded=_added(self.folded, folded))

    def noting(self, *notes: str) -> Provenance:
        """The same with further notes, each said once."""
        return replace(self, notes=tuple(dict.fromkeys((*self.notes, *notes))))

    def to_dict(self) -> dict[str, Any]:
        """Plain data, as it stands in attrs, Parquet and JSON."""
        return {
            "sources": list(self.sources),
            "sampling": self.sampling,
            "losses": dict(self.losses),
            "folded": dict(self.folded),
            "notes": list(self.notes),
        }


def _added(counts: Mapping[str, int], more: Mapping[str, int]) -> dict[str, int]:
    total = Counter(counts)
    total.update({reason: count for reason, count in more.items() if count})
    return dict(total)


def provenance(table: pd.DataFrame) -> Provenance:
    """Read a table's provenance; an empty one for a table that carries none."""
    plain = table.attrs.get(_KEY) or {}
    return Provenance(
        tuple(plain.get("sources", ())),
        plain.get("sampling"),
        dict(plain.get("losses", {})),
        tuple(plain.get("notes", ())),
        dict(plain.get("folded", {})),
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
        whole = whole.losing(part.losses).folding(part.folded).noting(*part.notes)
    return whole
