"""Live capture: a thread that reads a source, counts flows, and closes an interval at a time; the handle to it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from html import escape
from os import PathLike
from pathlib import Path
from typing import Generic, Literal

import pandas as pd

from capture.agent import given_address
from capture.live.dissected import Dissected
from capture.live.files import Files
from capture.live.interval import Interval, joined
from capture.live.opening import opened
from capture.live.sources import Batch, Counters, Gathered, Source, Wanted
from capture.pcap.plan import one_of
from capture.pcap.records import Records
from flowkit.errors import CaptureError

_IN_MEMORY_S, _IN_FILES_S = 5.0, 60.0
_ENGINES: dict[str, Callable[[float], Gathered[Records]]] = {"numpy": Interval, "pyshark": Dissected}


@dataclass(frozen=True)
class Limits:
    """When to stop by itself: after so many seconds, packets, or bytes of files; None means never."""

    duration: float | None = None
    packets: int | None = None
    octets: int | None = None


@dataclass(frozen=True)
class Progress:
    """A moment of a capture: seconds, packets counted, packets the kernel dropped (None: not known yet), intervals closed."""

    seconds: float
    packets: int
    dropped: int | None
    intervals: int
    files: tuple[Path, ...] = field(default=())
    running: bool = True

    def __str__(self) -> str:
        """One line for people.

        >>> print(Progress(2.0, 1500, 0, 1))
        2 s, 1,500 packets, 0 dropped, 1 interval
        """
        dropped = "drops not known yet" if self.dropped is None else f"{self.dropped:,} dropped"
        intervals = f"{self.intervals} interval{'s' if self.intervals != 1 else ''}"
        return f"{self.seconds:.0f} s, {self.packets:,} packets, {dropped}, {intervals}"


def live(
    interface: str,
    *,
    filter: str = "",  # noqa: A002 - the word users know
    duration: float | None = None,
    folder: str | PathLike[str] | None = None,
    every: float | None = None,
    most_packets: int | None = None,
    most_bytes: int | None = None,
    snap: int = 512,
    agent_ip: str | None = None,
    engine: Literal["numpy", "pyshark"] = "numpy",
) -> LiveCapture[Records]:
    """Begin to capture on an interface, and return a handle at once: ``.flows`` grows, ``.stop()`` ends it.

    `filter` is a capture filter in tcpdump's language; `snap` the bytes kept of each packet (sizes are those on the wire
    all the same). `every` so many seconds (5; 60 with a folder) an interval is closed: its flows join ``.flows``, and in
    `folder` they become a Parquet file, whole or not there. A flow that goes on has a row an interval, as the agent's do.
    Capturing ends by itself after `duration` seconds, `most_packets` packets or `most_bytes` bytes of files.
    ``engine="pyshark"`` has Wireshark's dissectors read each interval when it is closed, at about 500 packets a second: what
    comes faster is dropped, and counted.

    Reads the kernel's packet ring, else dumpcap. Columns and losses as `capture.read_pcap`; packets that the kernel dropped
    stand in the provenance. Raises `CaptureError` that names the missing capability or interface, or what is wrong with the
    filter.

    >>> live("no-such-interface", every=-1)
    Traceback (most recent call last):
    flowkit.errors.CaptureError: every is -1: give seconds above 0
    """
    one_of("engine", engine, _ENGINES)
    limits = Limits(duration, most_packets, most_bytes)
    every = every if every is not None else (_IN_MEMORY_S if folder is None else _IN_FILES_S)
    for name, value in {"every": every, "duration": duration, "snap": snap, "most_packets": most_packets}.items():
        if value is not None and value <= 0:
            raise CaptureError(
                f"{name} is {value}: give {'seconds' if name in ('every', 'duration') else 'a number'} above 0"
            )
    agent = None if agent_ip is None else given_address(agent_ip)
    files = None if folder is None else Files(Path(folder), interface)
    # Everything is imported and has run once before packets come, or the first ones would be dropped meanwhile.
    _ENGINES[engine](0.0).table(interface, agent, 0)
    plan = Plan(interface, agent, every, limits, files, _ENGINES[engine])
    return LiveCapture(opened(Wanted(interface, filter, snap)), plan)


@dataclass(frozen=True)
class Plan(Generic[Batch]):
    """What becomes of the packets: the interface's name, the node's address, seconds an interval, limits, files, the meter."""

    interface: str
    agent_ip: str | None
    every: float
    limits: Limits
    files: Files | None
    interval: Callable[[float], Gathered[Batch]]


class LiveCapture(Generic[Batch]):
    """A capture that runs; also for a ``with`` block, which stops it."""

    def __init__(self, source: Source[Batch], plan: Plan[Batch]) -> None:
        self._source, self._plan = source, plan
        self._stopping, self._failure = threading.Event(), list[BaseException]()
        self._begun = time.monotonic()
        self._ended: float | None = None
        self._packets, self._intervals, self._told = 0, 0, 0
        self._counters = Counters(0, 0)
        self._tables = list[pd.DataFrame]()
        self._keeping: Future[None] | None = None
        self._thread = threading.Thread(target=self._run, name=f"capture {plan.interface}", daemon=True)
        self._thread.start()

    @property
    def flows(self) -> pd.DataFrame:
        """The flows of all intervals closed so far; all of them once the capture has stopped."""
        files = self._plan.files
        return joined([pd.read_parquet(path) for path in list(files.written)] if files else list(self._tables))

    @property
    def running(self) -> bool:
        """Whether packets are still being captured or the last interval is being closed."""
        return self._thread.is_alive()

    @property
    def progress(self) -> Progress:
        """How far it is."""
        files = tuple(self._plan.files.written) if self._plan.files else ()
        seconds = (self._ended or time.monotonic()) - self._begun
        return Progress(seconds, self._packets, self._counters.dropped, self._intervals, files, self.running)

    def stop(self) -> Progress:
        """Stop capturing and close the last interval; raises what made the capture fail."""
        self.ask_to_stop()
        return self.wait()

    def ask_to_stop(self) -> None:
        """Have the capture stop soon; fit for a signal handler."""
        self._stopping.set()

    def wait(self, seconds: float | None = None) -> Progress:
        """Wait for the capture to end by itself, at most so many seconds; raises what made it fail."""
        self._thread.join(seconds)
        if self._failure and not self.running:
            raise self._failure[0]
        return self.progress

    def __enter__(self) -> LiveCapture[Batch]:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def __repr__(self) -> str:
        state = "capturing on" if self.running else "captured on"
        return f"{state} {self._plan.interface}: {self.progress}"

    def _repr_html_(self) -> str:
        return f"<p>{escape(repr(self))}</p>"

    def _run(self) -> None:
        with ThreadPoolExecutor(1, "keep") as keeper:
            try:
                self._capture(keeper)
            except BaseException as error:
                self._failure.append(error)
        self._ended = time.monotonic()

    def _capture(self, keeper: ThreadPoolExecutor) -> None:
        """Read packets until the end, an interval after the other; whatever ends it, the last interval is closed."""
        interval, cut, ending = self._plan.interval(time.time()), self._begun + self._plan.every, False
        try:
            for records in self._source.batches():
                if records is not None:
                    interval.add(records)
                    self._packets += len(records)
                now = time.monotonic()
                if now >= cut:
                    self._close(interval, keeper)
                    interval, cut = self._plan.interval(time.time()), max(cut + self._plan.every, now)
                if not ending and self._over(now):
                    self._source.end()
                    ending = True
        finally:
            self._source.close()
            self._close(interval, keeper)
            self._kept()

    def _over(self, now: float) -> bool:
        limits, files = self._plan.limits, self._plan.files
        return (
            self._stopping.is_set()
            or (limits.duration is not None and now - self._begun >= limits.duration)
            or (limits.packets is not None and self._packets >= limits.packets)
            or (limits.octets is not None and files is not None and files.size >= limits.octets)
        )

    def _close(self, interval: Gathered[Batch], keeper: ThreadPoolExecutor) -> None:
        """Hand an interval to the keeper's thread, so that packets are read on; a failure to write ends the capture."""
        self._kept()
        self._counters = self._source.counters()
        dropped = (self._counters.dropped or 0) - self._told
        self._told += dropped
        self._keeping = keeper.submit(self._keep, interval, dropped)

    def _kept(self) -> None:
        if self._keeping is not None:
            keeping, self._keeping = self._keeping, None
            keeping.result()

    def _keep(self, interval: Gathered[Batch], dropped: int) -> None:
        plan = self._plan
        if interval.packets or dropped:
            table = interval.table(plan.interface, plan.agent_ip, dropped)
            if plan.files:
                plan.files.add(table, interval.begun)
            else:
                self._tables.append(table)
        self._intervals += 1
