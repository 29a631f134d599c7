"""Files that came for a period of a rollup after its flows were removed: left out, and said with all results."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from flowkit.contract import Provenance
from flowkit.contract.provenance import merge
from flowkit.contract.replacing import replacing
from flowkit.metric.rollup_folder import Damage

LATE = "late.json"


@dataclass(frozen=True)
class Late:
    """By period (the name of its folder) the files left out of it, as they are known by content."""

    known: dict[str, list[str]]

    @classmethod
    def load(cls, into: Path) -> Late:
        """What a rollup says of the files that came too late for it."""
        path = into / LATE
        return cls(json.loads(path.read_text()) if path.exists() else {})

    def save(self, into: Path) -> None:
        """Keep it with the rollup, of whose results it is part."""
        with replacing(into / LATE) as stream:
            stream.write(json.dumps(self.known).encode())

    def found(self, period: str, files: Iterable[str]) -> None:
        """Note files that were left out of a period, each once however often it is seen."""
        self.known[period] = sorted({*self.known.get(period, ()), *files})

    def made(self, period: str) -> None:
        """Forget what was left out of a period: it was made anew, of all its files."""
        self.known.pop(period, None)

    def said(self, periods: Iterable[str]) -> Provenance:
        """The loss of these periods as a provenance states it; a file that covers several is lost to each.

        >>> Late({"20251009T080000Z": ["a", "b"]}).said(["20251009T080000Z"]).notes
        ('late flows of 2025-10-09 08:00 UTC left out: 2 files came after the flows were removed',)
        """
        found = {period: len(self.known[period]) for period in periods if period in self.known}
        notes = (
            f"late flows of {pd.Timestamp(period):%Y-%m-%d %H:%M} UTC left out: {count} "
            f"{'files' if count > 1 else 'file'} came after the flows were removed"
            for period, count in found.items()
        )
        return Provenance(notes=tuple(notes)).losing({"files that came too late for their period": sum(found.values())})


def left_out(folder: Path, places: Iterable[Path]) -> Provenance:
    """The rollup as the source of a result made of these periods, and the files that are in none of its results."""
    late = Late.load(folder).said(place.name for place in places)
    return merge([Provenance((str(folder),)), Damage.load(folder).said(), late])
