"""A file with an object a line in blocks of whole lines, so that any size is read in little memory and damage stays local."""

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
_EDGE = 1 << 10
_OPENING, _CLOSING = b" \t\r\n,[\xef\xbb\xbf", b" \t\r\n,]"


@dataclass(frozen=True)
class Block:
    """Bytes `start` to `end` of a file, whole lines."""

    start: int
    end: int


def blocks(path: Path, size: int = _BLOCK) -> Iterator[Block]:
    """Cut a file after about every `size` bytes, where one line is an object and the next begins one.

    No sound JSON value goes on over such a place but a list of objects, which stands in one line or is read whole. Where the
    file ends amid an object, that is a block of its own.
    """
    start, length = 0, path.stat().st_size
    with path.open("rb") as stream:
        end_of_sound = _last_line(stream, length)
        while start < length:
            stream.seek(min(start + size, length))
            end = min(_border(stream, length), end_of_sound if start < end_of_sound else length)
            yield Block(start, end)
            start = end


def _last_line(stream: IO[bytes], length: int) -> int:
    """Where the last line begins if the file ends amid it, else the file's length."""
    stream.seek(max(length - _PIECE, 0))
    tail = stream.read()
    if tail.rstrip().endswith((b"}", b"]", b",")):
        return length
    place = tail.rfind(b"\n{") + 1
    return length - len(tail) + place if place else length


def _border(stream: IO[bytes], length: int) -> int:
    before = stream.readline()
    while stream.tell() < length:
        place = stream.tell()
        line = stream.readline()
        if before.rstrip(b"\r\n, ").endswith(b"}") and line.startswith(b'{"'):
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
        with part.open("wb", buffering=0) as out:
            _copy(source, block, out)
        yield part


@contextmanager
def bracketed(path: Path, block: Block) -> Iterator[Path]:
    """Yield a file with just this block as an array: what stands between the first object and the last, in brackets.

    The file itself where it is that already.
    """
    with path.open("rb") as source, tempfile.TemporaryDirectory(prefix="flowkit-", dir=_place()) as folder:
        inside = _inside(source, block)
        is_whole = block == Block(0, path.stat().st_size)
        if is_whole and _byte(source, max(inside.start - 1, 0)) == b"[" and _byte(source, inside.end) == b"]":
            yield path
            return
        part = Path(folder, "array")
        with part.open("wb", buffering=0) as out:
            out.write(b"[")
            _copy(source, inside, out)
            out.write(b"]")
        yield part


def _inside(source: IO[bytes], block: Block) -> Block:
    """A block without the commas, brackets and spaces around it."""
    source.seek(block.start)
    head = source.read(min(_EDGE, block.end - block.start))
    source.seek(max(block.end - _EDGE, block.start))
    tail = source.read(block.end - source.tell())
    start = block.start + len(head) - len(head.lstrip(_OPENING))
    return Block(start, max(block.end - len(tail) + len(tail.rstrip(_CLOSING)), start))


def _byte(source: IO[bytes], place: int) -> bytes:
    source.seek(place)
    return source.read(1)


def _copy(source: IO[bytes], block: Block, out: IO[bytes]) -> None:
    at = block.start
    while at < block.end:
        at += os.sendfile(out.fileno(), source.fileno(), at, block.end - at)


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
