"""The table of flow fields: NetObserv's names, their types, units, cardinality and meaning, read from ``fields.csv``.

Everything that speaks of fields (validation, dtypes, hints, docs, pickers) derives from this one table. Source: NetObserv's
``flows-format.adoc`` and the console's field list; `origin` says ``netobserv`` for fields a FlowMetric may name,
``undeclared`` for real ones that NetObserv's own list lacks, ``flowkit`` for ours.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from importlib.resources import files

from flowkit.errors import FieldNotFound

_INTEGERS = {
    "u8": "UInt8",
    "u16": "UInt16",
    "u32": "UInt32",
    "u64": "UInt64",
    "i32": "Int32",
    "i64": "Int64",
    "flags": "UInt16",
}
_TEXTS = ("text", "address", "mac")


@dataclass(frozen=True)
class Field:
    """One field of a flow: `type` is one of the words of ``fields.csv``, `cardinality` is upstream's class for metrics."""

    name: str
    type: str
    unit: str
    cardinality: str
    origin: str
    meaning: str

    @property
    def is_text(self) -> bool:
        """Whether values are text (addresses included)."""
        return self.type in _TEXTS

    @property
    def is_number(self) -> bool:
        """Whether upstream declares the field a number, which a metric may sum (Flags and lists are not)."""
        return self.type in _INTEGERS and self.type != "flags"

    @property
    def is_list(self) -> bool:
        """Whether a value is a list, which only flatten can open (Flags counts as the list of its names)."""
        return self.type in ("flags", "texts", "ints", "maps")

    @property
    def dtype(self) -> str:
        """The pandas dtype in memory: exact nullable integers, categoricals for text, object for lists."""
        if self.is_text:
            return "category"
        return "boolean" if self.type == "bool" else _INTEGERS.get(self.type, "object")


def _load() -> dict[str, Field]:
    text = files("flowkit.contract").joinpath("fields.csv").read_text(encoding="utf-8")
    return {row["name"]: Field(**row) for row in csv.DictReader(text.splitlines())}


FIELDS: dict[str, Field] = _load()


def field(name: str, where: str = "") -> Field:
    """Look a field up by name; `where` says in the error who asked.

    Raises `FieldNotFound` with a near name as hint.

    >>> field("DstPort").type
    'u16'
    """
    try:
        return FIELDS[name]
    except KeyError:
        raise FieldNotFound(name, FIELDS, where) from None


def twin(name: str) -> str | None:
    """The same field of the other end, or None for a field that has no side.

    >>> twin("SrcK8S_Zone"), twin("Bytes")
    ('DstK8S_Zone', None)
    """
    other = name.replace("Src", "\0").replace("Dst", "Src").replace("\0", "Dst")
    return other if other != name and other in FIELDS else None
