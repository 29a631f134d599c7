"""An ELF object as a compiler wrote it: sections, symbols, relocations. Source: the System V ABI, ELF-64, little-endian."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

_HEADER, _SECTION, _SYMBOL, _RELOCATION = (
    64,
    struct.Struct("<IIQQQQIIQQ"),
    struct.Struct("<IBBHQQ"),
    struct.Struct("<QQ"),
)
CODE, SYMBOLS, RELOCATIONS, NO_CONTENT = 1, 2, 9, 8
EXECUTABLE = 4
FUNCTION = 2


class Section(NamedTuple):
    """One section: its name, kind, flags, content, and the two numbers whose meaning its kind gives."""

    name: str
    kind: int
    flags: int
    content: bytes
    link: int
    info: int


class Symbol(NamedTuple):
    """A name for `size` bytes at `value` of the section with this number."""

    name: str
    kind: int
    section: int
    value: int
    size: int


@dataclass(frozen=True)
class Elf:
    """The parts of an object."""

    sections: tuple[Section, ...]
    symbols: tuple[Symbol, ...]

    def number(self, name: str) -> int | None:
        """The number of the section of this name."""
        return next((number for number, section in enumerate(self.sections) if section.name == name), None)

    def content(self, name: str) -> bytes:
        """The content of the section of this name; none where there is no such section."""
        number = self.number(name)
        return b"" if number is None else self.sections[number].content

    def functions(self) -> Iterator[Symbol]:
        """The symbols of programs."""
        for symbol in self.symbols:
            if symbol.kind == FUNCTION and self.sections[symbol.section].flags & EXECUTABLE:
                yield symbol

    def relocations(self, section: int) -> Iterator[tuple[int, Symbol]]:
        """Where in a section which symbol is meant."""
        for each in self.sections:
            if each.kind == RELOCATIONS and each.info == section:
                for offset, info in _RELOCATION.iter_unpack(each.content):
                    yield offset, self.symbols[info >> 32]


def read_elf(data: bytes) -> Elf:
    """Read an object; raises `ValueError` for anything but a little-endian ELF-64 one.

    >>> read_elf(b"MZ")
    Traceback (most recent call last):
    ValueError: not a little-endian ELF-64 object
    """
    if data[:6] != b"\x7fELF\2\1":
        raise ValueError("not a little-endian ELF-64 object")
    (place,), (count, names) = struct.unpack_from("<Q", data, 40), struct.unpack_from("<HH", data, 60)
    heads = [_SECTION.unpack_from(data, place + _HEADER * number) for number in range(count)]
    contents = [b"" if head[1] == NO_CONTENT else data[head[4] : head[4] + head[5]] for head in heads]
    sections = tuple(
        Section(text_at(contents[names], head[0]), head[1], head[2], content, head[6], head[7])
        for head, content in zip(heads, contents, strict=True)
    )
    return Elf(sections, tuple(_symbols(sections)))


def _symbols(sections: tuple[Section, ...]) -> Iterator[Symbol]:
    for section in sections:
        if section.kind == SYMBOLS:
            for name, info, _, number, value, size in _SYMBOL.iter_unpack(section.content):
                yield Symbol(text_at(sections[section.link].content, name), info & 15, number, value, size)


def text_at(table: bytes, offset: int) -> str:
    """The text that begins at an offset of a table of texts, each ended by a zero.

    >>> text_at(bytes([0, 116, 99, 0]), 1)
    'tc'
    """
    return table[offset : table.index(b"\0", offset)].decode()
