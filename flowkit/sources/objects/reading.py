"""One file of JSON into one flow table with its provenance, block by block where an object is a line."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from flowkit.contract import Provenance, conform, flag_names, provenance, stack, with_provenance
from flowkit.errors import SourceError
from flowkit.sources.losses import Loss, added, losing
from flowkit.sources.objects.blocks import Block, alone, blocks, bracketed, lines_before
from flowkit.sources.objects.coded import coded, flows_of
from flowkit.sources.objects.columns import columns
from flowkit.sources.objects.database import cursor
from flowkit.sources.objects.envelopes import open_envelopes
from flowkit.sources.objects.sound import Form, sound_objects
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
    whole = stack(_one_form([conform(part.flows) for part in parts if len(part.flows.columns)]))
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
    """The file at once where all of it is sound and stands there as it is parsed, which spares copying blocks."""
    form, all_of_it = _form(plain), Block(0, plain.stat().st_size)
    if form is not None and next(blocks(plain, all_of_it.end), None) == all_of_it:
        part = _sound(plain, all_of_it, form, set())
        if part is not None:
            return iter([part])
    return _by_block(plain, name)


def _by_block(plain: Path, name: str) -> Iterator[Part]:
    keys: set[str] = set()
    form = _form(plain)
    for block in blocks(plain) if form else [Block(0, plain.stat().st_size)]:
        found = _sound(plain, block, form, keys) if form else None
        yield found or _careful(plain, block, name)


def _form(plain: Path) -> Form | None:
    """How DuckDB is told to read a sound file; None where objects stand in no form that it could be."""
    shape = shape_of(plain)
    if shape.is_array or shape.has_commas:
        return "array"
    return "newline_delimited" if shape.by_line else None


def _sound(plain: Path, block: Block, form: Form, keys: set[str]) -> Part | None:
    with (bracketed if form == "array" else alone)(plain, block) as file:
        found = sound_objects(file, form, keys, coded)
    if found is None:
        return None
    flows, losses = flows_of([table for table, _ in found.batches], found.keys)
    return Part(flows, (*(loss for _, some in found.batches for loss in some), *losses))


def _one_form(parts: list[pd.DataFrame]) -> list[pd.DataFrame]:
    """Flags as lists everywhere if some part has a list that no bit set holds."""
    if not any("Flags" in part.columns and part["Flags"].dtype == object for part in parts):
        return parts
    return [
        part.assign(Flags=flag_names(part["Flags"]))
        if "Flags" in part.columns and part["Flags"].dtype != object
        else part
        for part in parts
    ]


def _careful(plain: Path, block: Block, name: str) -> Part:
    before = lines_before(plain, block) if block.start else 0
    with alone(plain, block) as file, cursor() as connection:
        broken = load_values(connection, file, name, before)
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
