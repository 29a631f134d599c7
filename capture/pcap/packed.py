"""Streams that unpack gzip, xz and zstd. Damage never costs the bytes before it: they are given out, then `damage` tells where.

gzip breaks to the byte. xz and zstd decoders cannot be copied, so of the 4 kB of packed bytes around a break some may be lost.
"""

from __future__ import annotations

import lzma
import shutil
import subprocess
import threading
import zlib
from collections.abc import Callable
from importlib import import_module
from typing import IO, Any, Protocol

from flowkit.errors import CaptureError

GZIP = b"\x1f\x8b"
XZ = b"\xfd7zXZ\0"
ZSTD = b"\x28\xb5\x2f\xfd"

_PIECE = 256 * 1024
_SMALL_PIECE = 4096
_UNPACKED = 1 << 20
_AS_GZIP = 31  # zlib's window bits for "gzip header and checksum expected"


class Packed(Protocol):
    """The packed bytes, in order, and how many have been taken."""

    position: int

    def readinto(self, room: memoryview) -> int:
        """Put at least one byte into `room` and return how many; 0 at the end."""


def unpacked(packed: Packed, head: bytes, name: str) -> Any:
    """The stream that unpacks what begins with `head`; `packed` itself when it is not packed.

    Raises `CaptureError` for zstd when neither Python (3.14) nor the program is there to unpack it.

    >>> unpacked("as it is", bytes(6), "a.pcap")
    'as it is'
    """
    if head.startswith(GZIP):
        return Gzip(packed)
    if head.startswith(XZ):
        return Members(packed, lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ))
    return _zstd(packed, name) if head.startswith(ZSTD) else packed


def _zstd(packed: Packed, name: str) -> Any:
    """Prefer Python's own decoder (3.14), then the program; the package zstandard takes a cut frame for a whole one."""
    try:
        return _standard(packed, import_module("compression.zstd"))
    except ImportError:
        pass
    if program := shutil.which("zstd"):
        return Piped(packed, [program, "-dcq"])
    raise CaptureError(f"{name}: packed with zstd: install the program 'zstd', or use Python 3.14")


def _standard(packed: Packed, module: Any) -> Members:
    return Members(packed, module.ZstdDecompressor)


class Gzip:
    """gzip members one after the other; unlike the standard library's reader it gives all bytes before a damage."""

    def __init__(self, packed: Packed) -> None:
        self._packed, self._waiting = packed, b""
        self._decoder, self._begun = zlib.decompressobj(_AS_GZIP), False
        self._piece, self._ready = bytearray(_PIECE), b""
        self.damage: int | None = None

    @property
    def position(self) -> int:
        """Bytes of the file read so far."""
        return self._packed.position

    def readinto(self, room: memoryview) -> int:
        """Put at least one byte into `room` and return how many; 0 at the end."""
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


class Members:
    """Compressed streams one after the other, by a decoder with the standard library's newer interface (lzma, zstd)."""

    def __init__(self, packed: Packed, decoder: Callable[[], Any]) -> None:
        self._packed, self._new = packed, decoder
        self._decoder, self._begun, self._waiting = decoder(), False, b""
        self._piece = bytearray(_SMALL_PIECE)
        self.damage: int | None = None

    @property
    def position(self) -> int:
        """Bytes of the file read so far."""
        return self._packed.position

    def readinto(self, room: memoryview) -> int:
        """Put at least one byte into `room` and return how many; 0 at the end."""
        while self.damage is None and self._fed():
            try:
                data = self._decoder.decompress(self._taken(), len(room))
            except Exception:  # each library has an error of its own, and all mean damage
                self.damage = self.position
                break
            if data:
                room[: len(data)] = data
                return len(data)
        return 0

    def _taken(self) -> bytes:
        data, self._waiting, self._begun = self._waiting, b"", True
        return data

    def _fed(self) -> bool:
        """Have something for the decoder to go on with; False at the end."""
        if self._decoder.eof:
            # Zero bytes between and behind streams are padding (the format's description).
            self._waiting = self._decoder.unused_data.lstrip(b"\0")
            self._decoder, self._begun = self._new(), False
        if self._waiting or (self._begun and not self._decoder.needs_input):
            return True
        padding = b"" if self._begun else b"\0"
        while not self._waiting and (got := self._packed.readinto(memoryview(self._piece))):
            self._waiting = bytes(self._piece[:got]).lstrip(padding) if padding else bytes(self._piece[:got])
        if not self._waiting and self._begun:
            self.damage = self.position
        return bool(self._waiting)


class Piped:
    """Bytes that a program unpacks; a thread feeds it, so that what was read ahead of a pipe is fed too."""

    def __init__(self, packed: Packed, command: list[str]) -> None:
        self._packed = packed
        self._program = subprocess.Popen(  # noqa: S603 - the caller names the program by its whole path
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self.damage: int | None = None
        self._feeder = threading.Thread(target=self._feed, args=(self._program.stdin,), daemon=True)
        self._feeder.start()

    @property
    def position(self) -> int:
        """Bytes of the file read so far."""
        return self._packed.position

    def readinto(self, room: memoryview) -> int:
        """Put at least one byte into `room` and return how many; 0 at the end."""
        assert self._program.stdout is not None  # noqa: S101 - tells the type checker what Popen was asked for
        got: int = self._program.stdout.readinto(room)  # type: ignore[attr-defined]
        if not got and self.damage is None:
            self._feeder.join()
            self.damage = self.position if self._program.wait() else None
        return got

    def close(self) -> None:
        """End the program, also in the middle."""
        self._program.kill()
        self._feeder.join()
        self._program.wait()
        if self._program.stdout is not None:
            self._program.stdout.close()

    def _feed(self, program: IO[bytes]) -> None:
        piece = bytearray(_PIECE)
        try:
            with program:
                while got := self._packed.readinto(memoryview(piece)):
                    program.write(piece[:got])
        except (OSError, CaptureError):
            return  # the program has ended: its exit code says why
