"""Build the objects from the C programs with a pinned compiler (ziglang), the same bytes wherever it runs.

``python -m capture.ebpf.program.build [FOLDER]`` writes them beside the sources, or into a folder.
"""

from __future__ import annotations

import struct
import subprocess
import sys
from pathlib import Path

from capture.ebpf.elf import EXECUTABLE, FUNCTION, RELOCATIONS, SYMBOLS

HERE = Path(__file__).parent
OBJECTS = {"flows": (), "sockets": (".BTF.ext",)}  # and which more of its sections the loader needs

_TARGET = ("-target", "bpfel-freestanding", "-mcpu=v3")
_FLAGS = (*_TARGET, "-O2", "-g", "-fno-asynchronous-unwind-tables", "-Wall", "-Wextra", "-Werror", "-Wno-unused")
_KEPT = (".maps", "license", ".rodata", ".BTF")
_SECTION, _SYMBOL, _RELOCATION = struct.Struct("<IIQQQQIIQQ"), struct.Struct("<IBBHQQ"), struct.Struct("<QQ")
_NAME, _KIND, _FLAGS_AT, _OFFSET, _SIZE, _LINK, _INFO = 0, 1, 2, 4, 5, 6, 7
_OBJECT = 1


def build(folder: Path) -> list[Path]:
    """Write each object into a folder; raises `subprocess.CalledProcessError` when the compiler refuses a program."""
    written = []
    for name, more in OBJECTS.items():
        path = folder / f"{name}.o"
        compiler = [sys.executable, "-m", "ziglang", "cc", *_FLAGS, f"-ffile-prefix-map={HERE}=."]
        subprocess.run([*compiler, "-c", f"{name}.bpf.c", "-o", str(path)], check=True, cwd=HERE)  # noqa: S603
        path.write_bytes(stripped(path.read_bytes(), (*_KEPT, *more)))
        written.append(path)
    return written


def stripped(data: bytes, kept: tuple[str, ...]) -> bytes:
    """An object with its programs, their relocations and the sections of these names alone."""
    return _Strip(data, kept).result()


class _Strip:
    """One object being rewritten: sections and symbols get new numbers."""

    def __init__(self, data: bytes, kept: tuple[str, ...]) -> None:
        self._data = data
        (place,), (count, names) = struct.unpack_from("<Q", data, 40), struct.unpack_from("<HH", data, 60)
        self._heads = [list(_SECTION.unpack_from(data, place + 64 * number)) for number in range(count)]
        self._names = [self._text(names, head[_NAME]) for head in self._heads]
        code = [
            n
            for n, head in enumerate(self._heads)
            if head[_KIND] == _OBJECT and head[_FLAGS_AT] & EXECUTABLE and head[_SIZE]
        ]
        self._content = {*code, *(n for n, name in enumerate(self._names) if name in kept)}
        self._relocations = {n for n, h in enumerate(self._heads) if h[_KIND] == RELOCATIONS and h[_INFO] in code}
        self._table = next(n for n, head in enumerate(self._heads) if head[_KIND] == SYMBOLS)
        self._string_table = self._heads[self._table][_LINK]
        order = [0, *sorted(self._content | self._relocations), self._table]
        self._numbers = {old: new for new, old in enumerate(order)}
        self._texts = bytearray(b"\0")

    def _bytes(self, number: int) -> bytes:
        head = self._heads[number]
        return self._data[head[_OFFSET] : head[_OFFSET] + head[_SIZE]]

    def _text(self, table: int, offset: int) -> str:
        begin = self._heads[table][_OFFSET] + offset
        return self._data[begin : self._data.index(b"\0", begin)].decode()

    def _named(self, text: str) -> int:
        self._texts += text.encode() + b"\0"
        return len(self._texts) - len(text) - 1 if text else 0

    def _symbols(self) -> list[int]:
        """The symbols to keep, local ones first, as the format asks."""
        symbols = list(_SYMBOL.iter_unpack(self._bytes(self._table)))
        used = {info >> 32 for number in self._relocations for _, info in _RELOCATION.iter_unpack(self._bytes(number))}
        kept = [
            number
            for number, (_, info, _, section, _, _) in enumerate(symbols)
            if section in self._content and (number in used or info & 15 in (1, FUNCTION))
        ]
        return [0, *sorted(kept, key=lambda number: symbols[number][1] >> 4 != 0)]

    def result(self) -> bytes:
        """Put the parts behind each other, section heads last."""
        symbols = self._symbols()
        out, heads = bytearray(self._data[:64]), []
        for old in self._numbers:
            content, head = self._rewritten(old, symbols), list(self._heads[old])
            out += bytes(-len(out) % 8)
            if old:
                head[_NAME], head[_OFFSET], head[_SIZE] = self._named(self._names[old]), len(out), len(content)
            out += content
            heads.append(head)
        texts = self._named(".strtab")
        heads.append([texts, 3, 0, 0, len(out), len(self._texts), 0, 0, 1, 0])
        out += self._texts + bytes(-(len(out) + len(self._texts)) % 8)
        struct.pack_into("<Q", out, 40, len(out))
        struct.pack_into("<HH", out, 60, len(heads), len(heads) - 1)
        return bytes(out) + b"".join(_SECTION.pack(*head) for head in heads)

    def _rewritten(self, old: int, symbols: list[int]) -> bytes:
        head, content = self._heads[old], self._bytes(old)
        if old == self._table:
            every = list(_SYMBOL.iter_unpack(content))
            head[_LINK], head[_INFO] = len(self._numbers), sum(every[number][1] >> 4 == 0 for number in symbols)
            return b"".join(self._symbol(*every[number]) for number in symbols)
        if old in self._relocations:
            new = {number: each for each, number in enumerate(symbols)}
            head[_LINK], head[_INFO] = len(self._numbers) - 1, self._numbers[head[_INFO]]
            pairs = _RELOCATION.iter_unpack(content)
            return b"".join(_RELOCATION.pack(at, new[info >> 32] << 32 | info & 0xFFFFFFFF) for at, info in pairs)
        return content if old else b""

    def _symbol(self, name: int, info: int, other: int, section: int, value: int, size: int) -> bytes:
        text = self._text(self._string_table, name) if name else ""
        return _SYMBOL.pack(self._named(text), info, other, self._numbers.get(section, section), value, size)


if __name__ == "__main__":
    for written in build(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE):
        print(f"{written}: {written.stat().st_size:,} bytes")  # noqa: T201 - a tool for developers
