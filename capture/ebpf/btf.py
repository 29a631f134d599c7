"""BTF, the kernel's and the compiler's description of C types: where a field is, how large a type is, enumerators' names.

Source: Linux's bpf/btf.rst. The running kernel's own is /sys/kernel/btf/vmlinux; its 126,000 types are read in 0.1 s.
"""

from __future__ import annotations

import functools
import struct
from collections.abc import Iterator
from enum import IntEnum
from pathlib import Path
from typing import NamedTuple

from capture.ebpf.elf import text_at

_HEADER = struct.Struct("<HBBIIIII")
_MAGIC = 0xEB9F
_TYPE = struct.Struct("<III")
_POINTER_SIZE = 8
_VMLINUX = Path("/sys/kernel/btf/vmlinux")


class Kind(IntEnum):
    """Kinds of types."""

    VOID = 0
    INT = 1
    POINTER = 2
    ARRAY = 3
    STRUCT = 4
    UNION = 5
    ENUM = 6
    FORWARD = 7
    TYPEDEF = 8
    VOLATILE = 9
    CONST = 10
    RESTRICT = 11
    FUNCTION = 12
    PROTOTYPE = 13
    VARIABLE = 14
    DATA_SECTION = 15
    FLOAT = 16
    DECLARATION_TAG = 17
    TYPE_TAG = 18
    ENUM64 = 19


_EXTRA = {Kind.INT: 4, Kind.ARRAY: 12, Kind.VARIABLE: 4, Kind.DECLARATION_TAG: 4}
_EXTRA_EACH = {
    Kind.STRUCT: 12,
    Kind.UNION: 12,
    Kind.ENUM: 8,
    Kind.PROTOTYPE: 8,
    Kind.DATA_SECTION: 12,
    Kind.ENUM64: 12,
}
_ALIASES = (Kind.TYPEDEF, Kind.VOLATILE, Kind.CONST, Kind.RESTRICT, Kind.TYPE_TAG)


class Type(NamedTuple):
    """A type's head: its name, kind, number of members, whether members tell bit fields, and its size or the type it is of."""

    name: int
    kind: Kind
    entries: int
    bit_fields: bool
    size_or_type: int


class Member(NamedTuple):
    """A member of a struct: offset in bits."""

    name: str
    type: int
    offset: int


class Btf:
    """All types of one program or kernel, by number."""

    def __init__(self, raw: bytes) -> None:
        magic, _, _, size, types, types_size, texts, texts_size = _HEADER.unpack_from(raw)
        if magic != _MAGIC:
            raise ValueError("not BTF of this byte order")
        self.raw = raw
        self.texts = raw[size + texts : size + texts + texts_size]
        self.places = _places(raw, size + types, size + types + types_size)

    def __len__(self) -> int:
        return len(self.places)

    def type(self, number: int) -> Type:
        """A type's head; type 0 is void."""
        if not number:
            return Type(0, Kind.VOID, 0, False, 0)  # noqa: FBT003 - a record's field
        name, info, rest = _TYPE.unpack_from(self.raw, self.places[number])
        return Type(name, Kind(info >> 24 & 31), info & 0xFFFF, bool(info >> 31), rest)

    def name(self, number: int) -> str:
        """A type's name; empty for one without."""
        return text_at(self.texts, self.type(number).name)

    def behind(self, number: int) -> int:
        """The type behind typedefs and qualifiers."""
        while (here := self.type(number)).kind in _ALIASES:
            number = here.size_or_type
        return number

    def entries(self, number: int) -> Iterator[tuple[int, int, int]]:
        """The three words of each entry behind a head: of a struct's member, of a variable in a data section."""
        begin = self.places[number] + _TYPE.size
        for place in range(begin, begin + _TYPE.size * self.type(number).entries, _TYPE.size):
            yield _TYPE.unpack_from(self.raw, place)

    def members(self, number: int) -> Iterator[Member]:
        """The members of a struct or union."""
        mask = 0xFFFFFF if self.type(number).bit_fields else 0xFFFFFFFF
        for name, member, offset in self.entries(number):
            yield Member(text_at(self.texts, name), member, offset & mask)

    def array(self, number: int) -> tuple[int, int]:
        """The type of an array's elements, and how many there are."""
        element, _, count = _TYPE.unpack_from(self.raw, self.places[number] + _TYPE.size)
        return element, count

    def size(self, number: int) -> int:
        """Bytes of a value."""
        number = self.behind(number)
        here = self.type(number)
        if here.kind == Kind.POINTER:
            return _POINTER_SIZE
        if here.kind == Kind.ARRAY:
            element, count = self.array(number)
            return self.size(element) * count
        return here.size_or_type

    def field(self, number: int, name: str) -> Member | None:
        """A member of a struct by name, also inside members without a name; its offset from the struct's begin."""
        for member in self.members(self.behind(number)):
            if member.name == name:
                return member
            inside = self.behind(member.type)
            if not member.name and self.type(inside).kind in (Kind.STRUCT, Kind.UNION):
                found = self.field(inside, name)
                if found:
                    return found._replace(offset=found.offset + member.offset)
        return None

    def find(self, name: str, *kinds: Kind) -> int | None:
        """The first type of this name and one of these kinds."""
        found = (number for place in self._text_places(name) for number in self._named.get(place, ()))
        return next((number for number in found if self.type(number).kind in kinds), None)

    def enumerators(self, name: str) -> dict[int, str]:
        """The names of an enumeration's values; none where there is no such enumeration."""
        number = self.find(name, Kind.ENUM)
        if number is None:
            return {}
        begin, pair = self.places[number] + _TYPE.size, struct.Struct("<Ii")
        found = (pair.unpack_from(self.raw, begin + 8 * each) for each in range(self.type(number).entries))
        return {value: text_at(self.texts, text) for text, value in found}

    @functools.cached_property
    def _named(self) -> dict[int, list[int]]:
        named: dict[int, list[int]] = {}
        for number, place in enumerate(self.places[1:], 1):
            named.setdefault(int.from_bytes(self.raw[place : place + 4], "little"), []).append(number)
        return named

    def _text_places(self, name: str) -> Iterator[int]:
        wanted, place = b"\0" + name.encode() + b"\0", -1
        while (place := self.texts.find(wanted, place + 1)) >= 0:
            yield place + 1


def _places(raw: bytes, begin: int, end: int) -> list[int]:
    """Where each type's head is; type 0 has none."""
    places, extra, each, word = [0], dict(_EXTRA), dict(_EXTRA_EACH), struct.Struct("<I").unpack_from
    while begin < end:
        places.append(begin)
        info = word(raw, begin + 4)[0]
        kind = info >> 24 & 31
        begin += _TYPE.size + (extra.get(kind, 0) or each.get(kind, 0) * (info & 0xFFFF))
    return places


@functools.cache
def vmlinux() -> Btf:
    """The running kernel's types; raises `OSError` where it was built without them."""
    return Btf(_VMLINUX.read_bytes())
