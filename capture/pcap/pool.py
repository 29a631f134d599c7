"""Several files: one after the other, or in as many processes as there are cores where that pays."""

from __future__ import annotations

import multiprocessing
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Protocol, TypeVar

from capture.pcap.plan import Plan

# Below so many bytes in all, starting processes costs more than they save.
WORTH_IT = 16 << 20

Progress = Callable[[int], None]


class _HasPosition(Protocol):
    @property
    def position(self) -> int: ...


ReadT = TypeVar("ReadT", bound=_HasPosition)


def each_read(
    paths: Sequence[Path], read: Callable[[Path, Progress], ReadT], progress: Progress, plan: Plan
) -> Iterator[ReadT]:
    """Yield what `read` gives for each path, in order, telling `progress` the bytes read of all."""
    size = sum(path.stat().st_size for path in paths if path.is_file())
    together = len(paths) > 1 and plan.helpers > 0 and size >= WORTH_IT
    yield from _at_once(paths, read, progress, plan) if together else _in_turn(paths, read, progress)


def _in_turn(paths: Sequence[Path], read: Callable[[Path, Progress], ReadT], progress: Progress) -> Iterator[ReadT]:
    before = 0
    for path in paths:
        found = read(path, partial(_since, progress, before))
        before += found.position
        yield found


def _since(progress: Progress, before: int, position: int) -> None:
    progress(before + position)


def _at_once(
    paths: Sequence[Path], read: Callable[[Path, Progress], ReadT], progress: Progress, plan: Plan
) -> Iterator[ReadT]:
    """Read files in processes of their own; the results come in the order of the paths."""
    with (
        ProcessPoolExecutor(min(plan.helpers + 1, len(paths)), mp_context=multiprocessing.get_context("fork")) as pool,
        warnings.catch_warnings(),
    ):
        # Python warns that other threads' locks stay locked in a fork: reading takes none.
        warnings.simplefilter("ignore", DeprecationWarning)
        futures = [pool.submit(partial(read, path, _silent)) for path in paths]
        done = 0
        for future in futures:
            found = future.result()
            done += found.position
            progress(done)
            yield found


def _silent(_: int) -> None:
    """Progress is told when a file is done."""
