"""Kinds of columns as the engine tells them apart, whatever library or file the table lies in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from flowkit.contract import FIELDS, FLAG_BITS, Field


@dataclass(frozen=True)
class Kind:
    """What a column holds. `item` is the kind of a list's items or a map's values, `keys` those of a struct.

    ``flags`` is the agent's bit set, which to every verb is the list of its names: `bits` are those that can be set,
    `some` says that one is in every row, `item` is float where a table without nullable integers holds them so.
    ``other`` has a text form and nothing else.
    """

    name: Literal["text", "integer", "float", "boolean", "flags", "list", "struct", "map", "other"]
    item: Kind | None = None
    keys: tuple[tuple[str, Kind], ...] = ()
    bits: int = sum(FLAG_BITS.values())
    some: bool = False

    @property
    def is_list(self) -> bool:
        """Whether flatten can open it."""
        return self.name in ("flags", "list")

    @property
    def is_nested(self) -> bool:
        """Whether it is a map, whose values are fields ``Parent>child`` once flattened."""
        return self.name in ("struct", "map")


# Column name to kind. A column that holds nothing at all is left out: absent and missing everywhere are one.
Schema = Mapping[str, Kind]

TEXT, INTEGER, FLOAT, BOOLEAN = Kind("text"), Kind("integer"), Kind("float"), Kind("boolean")
FLAGS, OTHER = Kind("flags"), Kind("other")
NAMES = Kind("list", TEXT)


def flow_schema() -> dict[str, Kind]:
    """The schema of a flow table that carries every field of the contract.

    >>> flow_schema()["Flags"].name, flow_schema()["Interfaces"].name
    ('flags', 'list')
    """
    return {name: _declared(field) for name, field in FIELDS.items()}


def _declared(field: Field) -> Kind:
    lists = {"texts": NAMES, "ints": Kind("list", INTEGER), "maps": Kind("list", Kind("map", TEXT)), "flags": FLAGS}
    if field.type in lists:
        return lists[field.type]
    if field.is_text:
        return TEXT
    return BOOLEAN if field.type == "bool" else INTEGER


def is_flags(name: str) -> bool:
    """Whether the contract declares `name` a flag set, so that a number in it is read as bits."""
    return name in FIELDS and FIELDS[name].type == "flags"
