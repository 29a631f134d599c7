"""One file of JSON into one flow table with its provenance."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import duckdb
import pandas as pd

from flowkit.contract import Provenance, conform, with_provenance
from flowkit.errors import SourceError
from flowkit.sources.losses import Loss, added, losing
from flowkit.sources.objects.columns import columns
from flowkit.sources.objects.envelopes import open_envelopes
from flowkit.sources.objects.unpacked import unpacked
from flowkit.sources.objects.values import load_values


def read_objects(path: Path, name: str) -> pd.DataFrame:
    """Read the flows of one JSON file, in order, conformed; `name` is what provenance and examples call it.

    Raises `SourceError` when it holds no flow at all.
    """
    with unpacked(path) as (plain, damage), duckdb.connect() as connection:
        broken = load_values(connection, plain, name)
        opened = open_envelopes(connection, name)
        losses = [*damage, *broken, *opened.losses]
        if not opened.keys:
            raise SourceError(f"cannot read '{path}': none of its JSON values is a flow{_told(losses)}")
        flows, spoiled = columns(connection, opened.keys)
    known = losing(replace(Provenance((name,)), notes=opened.notes), [*losses, *spoiled])
    return conform(with_provenance(flows, known))


def _told(losses: list[Loss]) -> str:
    known = [f"{loss.count} {loss.reason}" for loss in added(losses)]
    return f" ({', '.join(known)})" if known else ""
