"""Runs tshark as a program of its own, so it works inside a notebook's event loop too; its complaints become our errors."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import IO

from capture.account import CaptureWarning
from flowkit.errors import CaptureError

AnyPath = str | PathLike[str]

# What tshark says to root before anything else, and what it says of its own plug-ins.
_NOISE = ("Running as user ", "** (tshark:", "(tshark:")
_COMPLAINT = 2000  # bytes of complaints that are read


def program(name: str = "tshark") -> str:
    """The path of a program of Wireshark's; raises `CaptureError` when it is not installed.

    >>> program("no-such-shark")
    Traceback (most recent call last):
    flowkit.errors.CaptureError: no-such-shark is not installed: 'apt install tshark' on Debian, else the package wireshark-cli
    """
    path = shutil.which(name)
    if path is None:
        raise CaptureError(f"{name} is not installed: 'apt install tshark' on Debian, else the package wireshark-cli")
    return path


@contextmanager
def running(path: AnyPath, arguments: Sequence[str]) -> Iterator[IO[bytes]]:
    """Run tshark on a capture and give its output to a ``with`` block; names are not resolved over the network.

    When it fails before its first byte of output, `CaptureError` has its own message; when it fails later (a cut file)
    a `CaptureWarning` has it.
    """
    file = Path(path)
    if not file.exists():
        raise CaptureError(f"{file}: No such file or directory")
    command = [program(), "-n", "-r", str(file.absolute()), *arguments]
    with tempfile.TemporaryFile() as complaints:
        process = subprocess.Popen(  # noqa: S603 - a fixed program, its arguments as a list
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=complaints, env=_environment()
        )
        assert process.stdout is not None  # noqa: S101 - asked for above
        output = _Counted(process.stdout)
        try:
            yield output  # type: ignore[misc]
            code = process.wait()
        finally:
            process.kill()
            process.wait()
            process.stdout.close()
        if code:
            _complain(file, complaints, output.seen)


class _Counted:
    """A stream that knows whether anything came out of it."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream, self.seen = stream, False

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(size)
        self.seen = self.seen or bool(data)
        return data

    def __iter__(self) -> Iterator[bytes]:
        for line in self._stream:
            self.seen = True
            yield line


def _environment() -> dict[str, str]:
    return {**os.environ, "LC_ALL": "C.UTF-8", "TZ": "UTC"}


def _complain(file: Path, complaints: IO[bytes], seen: bool) -> None:  # noqa: FBT001
    complaints.seek(0)
    lines = complaints.read(_COMPLAINT).decode(errors="replace").splitlines()
    told = " ".join(line.strip() for line in lines if line.strip() and not line.startswith(_NOISE))
    message = f"{file.name}: {told.removeprefix('tshark: ') or 'tshark failed without a word'}"
    if not seen:
        raise CaptureError(message)
    # Our caller's caller reads the file: contextlib, the reading function, then theirs.
    warnings.warn(message, CaptureWarning, stacklevel=5)
