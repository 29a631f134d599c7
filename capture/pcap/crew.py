"""Several processes on one capture: the walk over records stays here, decoding and grouping go to whoever is free.

Helpers are forked (Linux only), so they need no start-up and see the same code; they run nothing but numpy on bytes handed
over in shared memory. They start only when a capture has proved long, so short ones are never slower. This process does a
batch itself when all helpers are busy.
"""

from __future__ import annotations

import mmap
import multiprocessing
import warnings
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

from capture.pcap.container import CHUNK, Walked
from capture.pcap.harvest import Harvest, Harvester
from capture.pcap.octets import SPARE
from capture.pcap.plan import Plan
from flowkit.errors import CaptureError

_SLOTS = 6
_SLOT = CHUNK + (2 << 20)


class Crew:
    """This process and its helpers; for a ``with`` block, after which no helper is left."""

    def __init__(self, plan: Plan) -> None:
        self._plan, self._own = plan, Harvester(plan.view, plan.cuts, plan.heap)
        self._helpers: list[_Helper] = []

    def __enter__(self) -> Crew:
        return self

    def __exit__(self, *_: object) -> None:
        for helper in self._helpers:
            helper.end()

    def add(self, number: int, walked: Walked) -> Iterator[Harvest]:
        """Have a batch decoded; yield the harvests that are ready."""
        if number == self._plan.patience:
            self._helpers = [_Helper(self._plan) for _ in range(self._plan.helpers)]
        for helper in self._helpers:
            yield from helper.ready()
        if any(helper.take(number, walked) for helper in self._helpers):
            return
        if harvest := self._own.add(number, walked):
            yield harvest

    def finish(self) -> Iterator[Harvest]:
        """Yield the harvests of all that was added."""
        for helper in self._helpers:
            helper.stop()
        yield self._own.harvest()
        for helper in self._helpers:
            yield from helper.last()


class _Helper:
    """A forked process, and the shared memory through which it gets batches."""

    def __init__(self, plan: Plan) -> None:
        fork = multiprocessing.get_context("fork")
        self._memory = mmap.mmap(-1, _SLOTS * _SLOT)
        self._free = list(range(_SLOTS))
        self._pipe, theirs = fork.Pipe()
        self._process = fork.Process(target=_work, args=(theirs, self._memory, plan), daemon=True)
        with warnings.catch_warnings():
            # Python warns that other threads' locks stay locked in a fork: the helper takes none.
            warnings.simplefilter("ignore", DeprecationWarning)
            self._process.start()
        theirs.close()

    def take(self, number: int, walked: Walked) -> bool:
        """Hand a batch over; False when the helper is busy or the batch is too big for it."""
        first = int(walked.offsets[0])
        size = len(walked.buffer) - SPARE - first
        room = -(-(size + SPARE) // 8) * 8
        if not self._free or room + walked.offsets.nbytes > _SLOT:
            return False
        slot = self._free.pop()
        memory = np.frombuffer(self._memory, np.uint8, _SLOT, slot * _SLOT)
        memory[: size + SPARE] = walked.buffer[first:]
        memory[room : room + walked.offsets.nbytes].view(np.int64)[:] = walked.offsets - first
        none = walked.buffer[:0]
        bare = replace(walked, buffer=none, offsets=walked.offsets[:0])
        self._send((number, slot, size, room, len(walked.offsets), bare))
        return True

    def ready(self) -> Iterator[Harvest]:
        """The harvests that have come so far."""
        while self._pipe.poll():
            yield from self._received()

    def stop(self) -> None:
        """Say that no batch follows."""
        self._send(None)

    def last(self) -> Iterator[Harvest]:
        """The harvests still to come."""
        while True:
            slot, harvest = self._message()
            if harvest is not None:
                yield harvest
            if slot is None:
                return

    def end(self) -> None:
        """Leave nothing behind."""
        self._pipe.close()
        self._process.kill()
        self._process.join()
        with suppress(BufferError):
            self._memory.close()

    def _received(self) -> Iterator[Harvest]:
        slot, harvest = self._message()
        self._free.append(slot)
        if harvest is not None:
            yield harvest

    def _send(self, message: object) -> None:
        try:
            self._pipe.send(message)
        except OSError as error:
            raise CaptureError(LOST) from error

    def _message(self) -> tuple[Any, Harvest | None]:
        try:
            slot, harvest = self._pipe.recv()
        except (EOFError, OSError) as error:
            raise CaptureError(LOST) from error
        if isinstance(harvest, Exception):
            raise harvest
        return slot, harvest


# Told when a process has gone.
LOST = "a helper process ended before its work (memory?): read again with workers=1"


def _work(pipe: Connection, memory: mmap.mmap, plan: Plan) -> None:
    """What a helper does: decode batches until there are no more."""
    own = Harvester(plan.view, plan.cuts, plan.heap)
    try:
        while (message := pipe.recv()) is not None:
            number, slot, size, room, count, bare = message
            held = np.frombuffer(memory, np.uint8, _SLOT, slot * _SLOT)
            offsets = held[room : room + count * 8].view(np.int64)
            pipe.send((slot, own.add(number, replace(bare, buffer=held[: size + SPARE], offsets=offsets))))
        pipe.send((None, own.harvest()))
    except (EOFError, BrokenPipeError, KeyboardInterrupt):
        return
    except Exception as error:  # told to the process that reads, whatever it is
        pipe.send((None, error))
