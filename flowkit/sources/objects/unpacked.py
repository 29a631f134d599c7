"""Files as plain bytes on disk: what is gzipped is unpacked beside, as far as it can be."""

from __future__ import annotations

import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from flowkit.errors import SourceError
from flowkit.sources.losses import Loss, example

_BLOCK = 1 << 20
_GZIP = b"\x1f\x8b"


@contextmanager
def unpacked(path: Path) -> Iterator[tuple[Path, list[Loss]]]:
    """Yield a plain file with the content of `path` and what was lost of it; a damaged gzip gives what comes before.

    Content decides, not the name. An unpacked copy lies in the system's temporary folder until the block ends.
    """
    with path.open("rb") as stream:
        if stream.read(2) != _GZIP:
            yield path, []
            return
        stream.seek(0)
        with tempfile.TemporaryDirectory(prefix="flowkit-") as folder:
            plain = Path(folder, "plain")
            damage = _unpack(stream, plain)
            yield plain, [Loss("damaged gzip files", 1, (example(path.name, damage),))] if damage else []


def _unpack(packed: IO[bytes], plain: Path) -> str:
    """Unpack all members; returns what is wrong with them, "" for nothing."""
    try:
        with plain.open("wb") as out:
            return _members(packed, out)
    except OSError as error:
        raise SourceError(f"cannot unpack into '{plain.parent}': {error.strerror or error}") from error


def _members(packed: IO[bytes], out: IO[bytes]) -> str:
    member, begun, rest = zlib.decompressobj(wbits=31), False, b""
    while block := rest or packed.read(_BLOCK):
        try:
            out.write(member.decompress(block, _BLOCK))
        except zlib.error as error:
            return str(error)
        begun, rest = True, member.unconsumed_tail
        if member.eof:
            # What follows is a further member, or padding.
            begun, rest = False, member.unused_data.lstrip(b"\0")
            member = zlib.decompressobj(wbits=31)
    return "it is cut" if begun else ""
