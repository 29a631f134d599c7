"""One file of JSON into one flow table with its provenance, block by block where it is lines."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import pandas as pd

from flowkit.contract import Provenance, conform, flag_names, provenance, stack, with_provenance
from flowkit.errors import SourceError
from flowkit.sources.losses import Loss, added, losing
from flowkit.sources.objects.blocks import Block, alone, blocks, lines_before
from flowkit.sources.objects.columns import columns, columns_of
from flowkit.sources.objects.envelopes import open_envelopes
from flowkit.sources.objects.sound import sound_lines
from flowkit.sources.objects.unpacked import unpacked
from flowkit.sources.objects.values import load_values, shape_of


@dataclass(frozen=True)
class Part:
    """The flows of a part of a file, as columns that are not conformed yet, with what was lost and is to be known of it."""

    flows: pd.DataFrame
    losses: tuple[Loss, ...] = ()
    notes: tuple[str, ...] = ()

    def conformed(self, name: str) -> pd.DataFrame:
        """The flows as a flow table of their own, whose provenance calls the file `name`."""
        return conform(with_provenance(self.flows, _known(name, [self])))


def read_objects(path: Path, name: str) -> pd.DataFrame:
    """Read the flows of one JSON file, in order, conformed; `name` is what provenance and examples call it.

    Raises `SourceError` when it holds no flow at all.
    """
    parts = list(_checked(path, name, _whole))
    # Losses with their examples are added up over the file, so they are put on the whole.
    whole = stack([conform(part.flows) for part in parts if len(part.flows.columns)])
    return with_provenance(whole, _known(name, parts).losing(provenance(whole).losses))


def parts_of(path: Path, name: str) -> Iterator[Part]:
    """The same part by part, in little memory however large the file of JSON lines is.

    Raises `SourceError` after the last part when there was no flow at all.
    """
    return _checked(path, name, _by_block)


def _checked(path: Path, name: str, parts: Callable[[Path, str], Iterator[Part]]) -> Iterator[Part]:
    with unpacked(path) as (plain, damage):
        first, lost, found = tuple(damage), list(damage), False
        for part in parts(plain, name):
            lost += part.losses
            found = found or bool(len(part.flows.columns))
            yield replace(part, losses=(*first, *part.losses))
            first = ()
    if not found:
        raise SourceError(f"cannot read '{path}': none of its JSON values is a flow{_told(lost)}")


def _whole(plain: Path, name: str) -> Iterator[Part]:
    """The file at once where all of it is sound, which spares copying blocks."""
    part = _sound(plain, set()) if _is_lines(plain) else None
    return iter([part]) if part is not None else _by_block(plain, name)


def _by_block(plain: Path, name: str) -> Iterator[Part]:
    keys: set[str] = set()
    for block in blocks(plain) if _is_lines(plain) else [Block(0, plain.stat().st_size)]:
        with alone(plain, block) as file:
            yield _sound(file, keys) or _careful(file, name, _before(plain, block))


def _is_lines(plain: Path) -> bool:
    by_line, is_array = shape_of(plain)
    return by_line and not is_array


def _sound(path: Path, keys: set[str]) -> Part | None:
    found = sound_lines(path, keys, columns_of)
    if found is None:
        return None
    flows = stack(_one_form([flows for flows, _ in found.batches]))[list(found.keys)]
    return Part(flows, tuple(loss for _, losses in found.batches for loss in losses))


def _one_form(batches: list[pd.DataFrame]) -> list[pd.DataFrame]:
    """Flags as lists everywhere if some batch has a list that no bit set holds."""
    if not any("Flags" in batch.columns and batch["Flags"].dtype == object for batch in batches):
        return batches
    return [
        batch.assign(Flags=flag_names(batch["Flags"]))
        if "Flags" in batch.columns and batch["Flags"].dtype != object
        else batch
        for batch in batches
    ]


def _before(plain: Path, block: Block) -> int:
    return lines_before(plain, block) if block.start else 0


def _careful(path: Path, name: str, before: int) -> Part:
    with duckdb.connect() as connection:
        broken = load_values(connection, path, name, before)
        opened = open_envelopes(connection, name)
        if not opened.keys:
            return Part(pd.DataFrame(), (*broken, *opened.losses))
        flows, spoiled = columns(connection, opened.keys)
    return Part(flows, (*broken, *opened.losses, *spoiled), opened.notes)


def _known(name: str, parts: list[Part]) -> Provenance:
    notes = dict.fromkeys(note for part in parts for note in part.notes)
    return losing(replace(Provenance((name,)), notes=tuple(notes)), [loss for part in parts for loss in part.losses])


def _told(losses: list[Loss]) -> str:
    known = [f"{loss.count} {loss.reason}" for loss in added(losses)]
    return f" ({', '.join(known)})" if known else ""
