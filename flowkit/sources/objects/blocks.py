"""A file of JSON lines in blocks of whole lines, so that any size is read in little memory and damage stays local."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

_BLOCK = 1 << 28
_PIECE = 1 << 20


@dataclass(frozen=True)
class Block:
    """Bytes `start` to `end` of a file, whole lines."""

    start: int
    end: int


def blocks(path: Path, size: int = _BLOCK) -> Iterator[Block]:
    """Cut a file after about every `size` bytes, where one line ends an object and the next begins one.

    No sound JSON value goes on over such a place but a list of objects, which stands in one line or is read whole.
    """
    start, length = 0, path.stat().st_size
    with path.open("rb") as stream:
        while start < length:
            stream.seek(min(start + size, length))
            end = _border(stream, length)
            yield Block(start, end)
            start = end


def _border(stream: IO[bytes], length: int) -> int:
    before = stream.readline()
    while stream.tell() < length:
        place = stream.tell()
        line = stream.readline()
        if before.rstrip(b"\r\n, ").endswith(b"}") and line.startswith(b"{"):
            return place
        before = line
    return length


@contextmanager
def alone(path: Path, block: Block) -> Iterator[Path]:
    """Yield a file with just this block: the file itself where that is all, else a copy that ends with the context."""
    if block == Block(0, path.stat().st_size):
        yield path
        return
    with path.open("rb") as source, tempfile.TemporaryDirectory(prefix="flowkit-", dir=_place()) as folder:
        part = Path(folder, "block")
        with part.open("wb") as out:
            at = block.start
            while at < block.end:
                at += os.sendfile(out.fileno(), source.fileno(), at, block.end - at)
        yield part


def _place() -> str | None:
    """Memory where the system has a folder of it, for a block is there for a moment only."""
    shared = "/dev/shm"  # noqa: S108 - a fresh private folder is made in it
    free = os.statvfs(shared) if os.path.isdir(shared) else None  # noqa: PTH112
    return shared if free is not None and free.f_bavail * free.f_frsize > 4 * _BLOCK else None


def lines_before(path: Path, block: Block) -> int:
    """How many lines of the file stand before a block."""
    count, left = 0, block.start
    with path.open("rb") as stream:
        while left and (piece := stream.read(min(left, _PIECE))):
            count += piece.count(b"\n")
            left -= len(piece)
    return count
