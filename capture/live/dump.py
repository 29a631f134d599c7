"""Packets through dumpcap, Wireshark's small capture program: for users whose dumpcap may capture although they may not."""

from __future__ import annotations

import io
import os
import re
import select
import shutil
import subprocess
import tempfile
from collections.abc import Iterator

from capture.live.sources import Counters, Wanted
from capture.pcap.classic import HEADER_SIZE
from capture.pcap.container import batches
from capture.pcap.records import Damage, Records
from flowkit.errors import CaptureError

_PIECE = 1 << 20
_WAIT_S = 0.1
_START_S = 10.0
_COUNTS = re.compile(r"Packets received/dropped on interface .*: (\d+)/(\d+) ")


class Dumpcap:
    """dumpcap on one interface, its packets through a pipe."""

    def __init__(self, wanted: Wanted) -> None:
        program = shutil.which("dumpcap")
        if program is None:
            raise CaptureError("dumpcap is not installed")
        command = [program, "-q", "-P", "-i", wanted.interface, "-s", str(wanted.snap), "-w", "-"]
        command += ["-f", wanted.filter] if wanted.filter else []
        self._told = ""
        self._name, self._errors = wanted.interface, tempfile.TemporaryFile()  # noqa: SIM115 - closed with the source
        self._process = subprocess.Popen(  # noqa: S603 - a list, no shell
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self._errors, start_new_session=True
        )
        assert self._process.stdout is not None  # noqa: S101 - asked for above
        self._stdout = self._process.stdout
        self._pipe = self._stdout.fileno()
        self._head = self._begin()
        self._rest = b""

    def _begin(self) -> bytes:
        """Wait for the file header, which dumpcap writes when it captures; raises `CaptureError` with its words otherwise."""
        head = b""
        while len(head) < HEADER_SIZE and select.select([self._pipe], [], [], _START_S)[0]:
            piece = os.read(self._pipe, HEADER_SIZE - len(head))
            if not piece:
                break
            head += piece
        if len(head) < HEADER_SIZE:
            self.close()
            raise CaptureError(f"{self._name}: dumpcap: {self._words()}")
        return head

    def _words(self) -> str:
        lines = [line.strip() for line in self._told.splitlines() if line.strip()]
        return lines[-1].removeprefix("dumpcap: ") if lines else "it did not start"

    def _complaints(self) -> str:
        self._errors.seek(0)
        return self._errors.read().decode(errors="replace")

    def batches(self) -> Iterator[Records | None]:
        """Yield what comes through the pipe; ends when dumpcap does."""
        while True:
            if not select.select([self._pipe], [], [], _WAIT_S)[0]:
                yield None
                continue
            piece = os.read(self._pipe, _PIECE)
            if not piece:
                return
            yield from self._whole(self._rest + piece)

    def _whole(self, data: bytes) -> Iterator[Records]:
        """The whole records of some bytes; what is not whole waits for the next ones."""
        self._rest = b""
        for found in batches(io.BytesIO(self._head + data), self._name):  # type: ignore[arg-type]
            if isinstance(found, Damage):
                self._rest = data[len(data) - found.octets :]
            else:
                yield found

    def counters(self) -> Counters:
        """What dumpcap told at its end; nothing before."""
        if self._process.poll() is None:
            return Counters(None, None)
        found = _COUNTS.search(self._told or self._complaints())
        return Counters(int(found[1]), int(found[2])) if found else Counters(None, None)

    def end(self) -> None:
        """Ask dumpcap to stop; it writes what it has first."""
        self._process.terminate()

    def close(self) -> None:
        """End dumpcap, by force only if it does not listen."""
        self._process.terminate()
        try:
            self._process.wait(_START_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._stdout.close()
        self._told = self._told or self._complaints()
        self._errors.close()
