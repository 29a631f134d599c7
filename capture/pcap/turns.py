"""Processes that take turns at the pieces of a capture, and what they find put together."""

from __future__ import annotations

import multiprocessing
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any

from capture.pcap.crew import LOST
from capture.pcap.harvest import Harvest, Harvester, Yard
from capture.pcap.pieces import Piece, Pieces
from capture.pcap.plan import Plan
from flowkit.errors import CaptureError

# Pieces that one process reads in a row, so that its heaps hold packets of about the same time.
_IN_A_ROW = 8

Progress = Callable[[int], None]
# What a process says: the piece it has walked, and a harvest when there is one; None when it has done.
Said = tuple[int, Piece, Harvest | None] | tuple[int, None, Harvest]


def read_together(whole: Pieces, plan: Plan, yard: Yard, progress: Progress) -> int | None:
    """Read all pieces into `yard` and return where the rest of the file begins; None where the pieces do not join.

    The yard has no use then.
    """
    found: dict[int, Piece] = {}
    turns = multiprocessing.get_context("fork").Value("q", 0)
    reading = _Reading(whole, plan, turns)
    with _helped(reading, plan.helpers) as pipes:
        for number, piece, harvest in _all(reading.read(), pipes):
            if harvest is not None:
                yard.take(harvest)
            if piece is not None:
                found[number] = piece
                progress(len(found) * whole.size)
                if piece.end < 0:
                    return None
    joined = all(found[number].end == found[number + 1].begin for number in range(whole.count - 1))
    return found[whole.count - 1].end if joined else None


@dataclass(frozen=True)
class _Reading:
    """What every process needs to know; `turns` is the number of the next piece that nobody has taken."""

    whole: Pieces
    plan: Plan
    turns: Any

    def read(self) -> Iterator[Said]:
        """Read pieces until none is left."""
        own, room = Harvester(self.plan.view, self.plan.cuts, self.plan.heap), self.whole.room()
        with self.whole.path.open("rb") as file:
            for number in self._numbers():
                piece, walked = self.whole.walk(file.fileno(), number, room)
                yield number, piece, own.add(number, walked) if walked is not None else None
        yield -1, None, own.harvest()

    def _numbers(self) -> Iterator[int]:
        while (first := self._take()) < self.whole.count:
            yield from range(first, min(first + _IN_A_ROW, self.whole.count))

    def _take(self) -> int:
        with self.turns.get_lock():
            first: int = self.turns.value
            self.turns.value = first + _IN_A_ROW
        return first


def _all(own: Iterator[Said], pipes: Sequence[Connection]) -> Iterator[Said]:
    """What this process finds, and in between and after it what the others say."""
    open_ = list(pipes)
    for said in own:
        yield said
        for pipe in [pipe for pipe in open_ if pipe.poll()]:
            yield from _heard(pipe, open_)
    while open_:
        ready = wait(open_)
        for pipe in [pipe for pipe in open_ if pipe in ready]:
            yield from _heard(pipe, open_)


def _heard(pipe: Connection, open_: list[Connection]) -> Iterator[Said]:
    try:
        said = pipe.recv()
    except (EOFError, OSError) as error:
        raise CaptureError(LOST) from error
    if isinstance(said, Exception):
        raise said
    if said[1] is None:
        open_.remove(pipe)
    yield said


@contextmanager
def _helped(reading: _Reading, count: int) -> Iterator[list[Connection]]:
    """Forked processes that read too, of which none is left after the ``with`` block."""
    fork = multiprocessing.get_context("fork")
    pipes, processes = list[Connection](), []
    with warnings.catch_warnings():
        # Python warns that other threads' locks stay locked in a fork: these processes take none of them.
        warnings.simplefilter("ignore", DeprecationWarning)
        for _ in range(count):
            ours, theirs = fork.Pipe(duplex=False)
            process = fork.Process(target=_work, args=(theirs, reading), daemon=True)
            process.start()
            theirs.close()
            pipes.append(ours)
            processes.append(process)
    try:
        yield pipes
    finally:
        for pipe, process in zip(pipes, processes, strict=True):
            pipe.close()
            process.kill()
            process.join()


def _work(pipe: Connection, reading: _Reading) -> None:
    try:
        for said in reading.read():
            pipe.send(said)
    except (BrokenPipeError, KeyboardInterrupt):
        return
    except Exception as error:  # told to the process that reads, whatever it is
        pipe.send(error)
