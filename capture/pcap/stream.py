"""A capture's bytes, unpacked when they are gzip, xz or zstd by content, and a window that slides over them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from sys import getrefcount
from typing import Protocol, cast

import numpy as np

from capture.pcap.octets import SPARE, U8
from capture.pcap.packed import unpacked
from flowkit.errors import CaptureError

STANDARD_INPUT = Path("-")

_HEAD = 6  # bytes that tell how a file is packed
_OURS = 2  # references to a room that nobody else looks at: the list's, and the question's own


class Stream(Protocol):
    """Bytes of a capture, in order.

    `position` is how many bytes of the file itself have been read, `damage` the place in the file where unpacking broke.
    """

    @property
    def position(self) -> int: ...  # noqa: D102

    @property
    def damage(self) -> int | None: ...  # noqa: D102

    def readinto(self, room: memoryview) -> int:
        """Put at least one byte into `room` and return how many; 0 at the end."""


@contextmanager
def open_stream(path: Path) -> Iterator[Stream]:
    """Open a capture file, a pipe or ``-`` (standard input) for a ``with`` block; gzip, xz and zstd are told by content.

    Raises `CaptureError` when the file cannot be opened or read.

    >>> with open_stream(Path("no-such.pcap")) as stream:
    ...     pass
    Traceback (most recent call last):
    flowkit.errors.CaptureError: no-such.pcap: No such file or directory
    """
    with _opened(path) as file:
        plain = _Plain(path, file)
        stream = cast("Stream", unpacked(plain, plain.head(_HEAD), str(path)))
        try:
            yield stream
        finally:
            getattr(stream, "close", lambda: None)()


@contextmanager
def open_middle(path: Path, offset: int) -> Iterator[Stream]:
    """Open a plain file for a ``with`` block, from some place in it on."""
    with _opened(path) as file:
        file.seek(offset)
        plain = _Plain(path, file)
        plain.position = offset
        yield plain


def _opened(path: Path) -> FileIO:
    try:
        return FileIO(0, closefd=False) if path == STANDARD_INPUT else path.open("rb", buffering=0)
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: OSError) -> CaptureError:
    return CaptureError(f"{path}: {error.strerror or error}")


class _Plain:
    def __init__(self, path: Path, file: FileIO) -> None:
        self._path, self._file, self._held = path, file, b""
        self.position = 0
        self.damage: int | None = None

    def head(self, size: int) -> bytes:
        """Look at the first bytes without taking them (a pipe cannot be rewound)."""
        room = bytearray(size)
        while len(self._held) < size and (got := self._from_file(memoryview(room)[len(self._held) :])):
            self._held += room[len(self._held) : len(self._held) + got]
        return self._held

    def readinto(self, room: memoryview) -> int:
        held, self._held = self._held[: len(room)], self._held[len(room) :]
        room[: len(held)] = held
        got = len(held) or self._from_file(room)
        self.position += got
        return got

    def _from_file(self, room: memoryview) -> int:
        try:
            return self._file.readinto(room) or 0
        except OSError as error:
            raise _unreadable(self._path, error) from error


class Window:
    """A buffer that slides over a stream: `buffer[:have]` are the bytes from `origin` on, `SPARE` zero bytes follow.

    Whoever keeps an array over the buffer keeps its bytes; else its memory is used again, since fresh memory costs as much
    as reading.
    """

    def __init__(self, stream: Stream, chunk: int, origin: int = 0) -> None:
        self.stream, self._chunk = stream, chunk
        self.buffer = np.zeros(SPARE, np.uint8)
        self.have, self.origin = 0, origin
        self._rooms = [np.empty(0, np.uint8) for _ in range(2)]

    def slide(self, used: int) -> bool:
        """Forget the first `used` bytes and read a chunk behind the rest; False when the stream has ended."""
        rest = self.have - used
        fresh = self._room(rest + self._chunk + SPARE)
        fresh[:rest] = self.buffer[used : self.have]
        got = self._fill(fresh.data[rest : rest + self._chunk])
        fresh[rest + got : rest + got + SPARE] = 0
        self.buffer, self.have, self.origin = fresh, rest + got, self.origin + used
        return got > 0

    def _room(self, size: int) -> U8:
        """Memory other than that of `buffer`: what it had two slides ago, unless somebody still looks at that."""
        self._rooms.reverse()
        if len(self._rooms[0]) < size or getrefcount(self._rooms[0]) > _OURS:
            self._rooms[0] = np.empty(size + size // 8, np.uint8)
        return self._rooms[0][:size]

    def fill(self, size: int) -> bool:
        """Hold at least `size` bytes; False when the stream is shorter."""
        while self.have < size and self.slide(0):
            pass
        return self.have >= size

    def drain(self) -> int:
        """Count the bytes held and still to come, and forget them."""
        total = self.have
        while self.slide(self.have):
            total += self.have
        return total

    def _fill(self, room: memoryview) -> int:
        filled = 0
        while filled < len(room) and (got := self.stream.readinto(room[filled:])):
            filled += got
        return filled
