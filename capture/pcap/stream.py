"""A capture's bytes, unpacked when they are gzip by content, and a window that slides over them.

Damage in a packed file never costs the bytes before it: they are given out, and the stream says where it broke.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from capture.pcap.octets import SPARE
from flowkit.errors import CaptureError

_GZIP = b"\x1f\x8b"
_PIECE = 256 * 1024
_UNPACKED = 1 << 20
_AS_GZIP = 31  # zlib's window bits for "gzip header and checksum expected"


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
    """Open a capture file or pipe, plain or gzip (told by content, not by name), for a ``with`` block.

    Raises `CaptureError` when the file cannot be opened or read.

    >>> with open_stream(Path("no-such.pcap")) as stream:
    ...     pass
    Traceback (most recent call last):
    flowkit.errors.CaptureError: no-such.pcap: No such file or directory
    """
    try:
        file = path.open("rb", buffering=0)
    except OSError as error:
        raise _unreadable(path, error) from error
    with file:
        plain = _Plain(path, file)
        yield _Gzip(plain) if plain.starts_with(_GZIP) else plain


def _unreadable(path: Path, error: OSError) -> CaptureError:
    return CaptureError(f"{path}: {error.strerror or error}")


class _Plain:
    def __init__(self, path: Path, file: FileIO) -> None:
        self._path, self._file, self._held = path, file, b""
        self.position = 0
        self.damage: int | None = None

    def starts_with(self, magic: bytes) -> bool:
        """Look at the first bytes without taking them (a pipe cannot be rewound)."""
        head = bytearray(len(magic))
        while len(self._held) < len(magic) and (got := self._from_file(memoryview(head)[len(self._held) :])):
            self._held += head[len(self._held) : len(self._held) + got]
        return self._held == magic

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


class _Gzip:
    """gzip members one after the other; unlike the standard library's reader it gives all bytes before a damage."""

    def __init__(self, packed: _Plain) -> None:
        self._packed, self._waiting = packed, b""
        self._decoder, self._begun = zlib.decompressobj(_AS_GZIP), False
        self._piece, self._ready = bytearray(_PIECE), b""
        self.damage: int | None = None

    @property
    def position(self) -> int:
        return self._packed.position

    def readinto(self, room: memoryview) -> int:
        self._ready = self._ready or self._unpacked()
        data, self._ready = self._ready[: len(room)], self._ready[len(room) :]
        room[: len(data)] = data
        return len(data)

    def _unpacked(self) -> bytes:
        """Return some bytes; none at the end."""
        while self.damage is None:
            self._refill()
            if not self._waiting:
                return self._end()
            if data := self._unpack():
                return data
        return b""

    def _refill(self) -> None:
        if self._decoder.eof:
            self._waiting = self._decoder.unused_data
            self._decoder, self._begun = zlib.decompressobj(_AS_GZIP), False
        # Zero bytes between and behind members are padding (gzip's manual).
        padding = b"" if self._begun else b"\0"
        self._waiting = self._waiting.lstrip(padding) if padding else self._waiting
        while not self._waiting and (got := self._packed.readinto(memoryview(self._piece))):
            self._waiting = bytes(self._piece[:got])
            self._waiting = self._waiting.lstrip(padding) if padding else self._waiting

    def _end(self) -> bytes:
        """The file has ended: inside a member that is damage, and the decoder may hold a last few bytes."""
        if not self._begun:
            return b""
        self.damage = self.position
        return self._decoder.flush()

    def _unpack(self) -> bytes:
        before, self._begun = self._decoder.copy(), True
        try:
            data = self._decoder.decompress(self._waiting, _UNPACKED)
        except zlib.error:
            return self._salvage(before)
        self._waiting = self._decoder.unconsumed_tail
        return data

    def _salvage(self, decoder: Any) -> bytes:
        """Feed the damaged piece byte by byte: what it gives before the error is whole."""
        self.damage, parts = self.position - len(self._waiting), []
        for octet in range(len(self._waiting)):
            try:
                parts.append(decoder.decompress(self._waiting[octet : octet + 1]))
            except zlib.error:
                self.damage += octet
                break
        return b"".join(parts)


class Window:
    """A buffer that slides over a stream: `buffer[:have]` are the bytes from `origin` on, `SPARE` zero bytes follow."""

    def __init__(self, stream: Stream, chunk: int) -> None:
        self.stream, self._chunk = stream, chunk
        self.buffer = np.zeros(SPARE, np.uint8)
        self.have = self.origin = 0

    def slide(self, used: int) -> bool:
        """Forget the first `used` bytes and read a chunk behind the rest; False when the stream has ended."""
        rest = self.have - used
        fresh = np.empty(rest + self._chunk + SPARE, np.uint8)
        fresh[:rest] = self.buffer[used : self.have]
        got = self._fill(fresh.data[rest : rest + self._chunk])
        fresh[rest + got : rest + got + SPARE] = 0
        self.buffer, self.have, self.origin = fresh, rest + got, self.origin + used
        return got > 0

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
