"""The handle of a capture in the kernel: drain flows when you like, look at the ledger, stream or record."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from html import escape
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Literal

import pandas as pd

from capture.agent import given_address
from capture.ebpf.attaching import HOOKS
from capture.ebpf.dropping import real_drops
from capture.ebpf.ledger import Ledger, ledger
from capture.ebpf.opening import Opened, Wanted, opened
from capture.ebpf.records import COUNTERS
from capture.ebpf.tables import NO_DROPS, Drained, Tables
from capture.pcap.plan import one_of
from flowkit.errors import CaptureError

if TYPE_CHECKING:
    from capture.live import LiveCapture

_MOST_FLOWS = 1 << 24


def ebpf(
    interfaces: str | Sequence[str] = (),
    *,
    cgroup: str | PathLike[str] | None = None,
    netns: str | None = None,
    sampling: int = 1,
    max_flows: int = 65_536,
    hook: Literal["auto", "tcx", "socket"] = "auto",
    agent_ip: str | None = None,
    owners: bool = False,
    dns: bool = False,
    rtt: bool = False,
    drops: bool = False,
) -> EbpfCapture:
    """Begin to count the flows of interfaces (or of a cgroup's sockets) inside the kernel, and return a handle at once.

    ``.drain()`` takes the flows out, ``.stream()`` does so every second, ``.ledger()`` tells where each packet went,
    ``.record(folder)`` writes rotating Parquet files. Two drains of one flow are two rows, to be summed. `netns` is a
    namespace by name, path or a process's number; one packet in `sampling` is counted; `max_flows` is the room for flows
    between two drains, and what finds none comes one packet a row. `hook` is TCX (Linux 6.6) or a packet socket.

    `owners` adds ``Pid Comm Uid Cgroup Container`` of the local end; `rtt` TCP's smoothed round-trip time; `dns` the agent's
    DNS fields; `drops` packets that the kernel dropped, with the reason.

    Needs CAP_BPF and CAP_NET_ADMIN; owners, rtt and drops CAP_PERFMON too. Raises `CaptureError` that names what is
    missing and the command that grants it.

    >>> ebpf("lo", sampling=0)
    Traceback (most recent call last):
    flowkit.errors.CaptureError: sampling is 0: give 1 for every packet, N for one in N
    """
    one_of("hook", hook, dict.fromkeys(HOOKS))
    if sampling < 1:
        raise CaptureError(f"sampling is {sampling}: give 1 for every packet, N for one in N")
    if not 0 < max_flows <= _MOST_FLOWS:
        raise CaptureError(f"max_flows is {max_flows}: give 1 to {_MOST_FLOWS:,}")
    names = (interfaces,) if isinstance(interfaces, str) else tuple(interfaces)
    if bool(names) == (cgroup is not None):
        raise CaptureError("give either interfaces or a cgroup")
    agent = None if agent_ip is None else given_address(agent_ip)
    folder = None if cgroup is None else Path(cgroup)
    wanted = Wanted(names, folder, netns, sampling, max_flows, hook, owners, dns, rtt, drops)
    if hook == "socket" and (owners or rtt):
        raise CaptureError("a packet socket's packets have no socket: owners and rtt need TCX (Linux 6.6) or a cgroup")
    return EbpfCapture(opened(wanted), wanted, agent)


class EbpfCapture:
    """A capture that runs; also for a ``with`` block, at whose end the programs are taken off.

    What was counted until then can still be drained.
    """

    def __init__(self, running: Opened, wanted: Wanted, agent_ip: str | None = None) -> None:
        self._running, self._wanted = running, wanted
        self._before = dict.fromkeys(COUNTERS, 0)
        self._counted = 0
        self._tables = Tables(wanted, running, agent_ip)
        self._lock, self._closing = threading.RLock(), threading.Event()
        self._rest: Drained | None = None
        self._ledger: Ledger | None = None

    @property
    def wanted(self) -> Wanted:
        """What is captured, and how."""
        return self._wanted

    def take(self) -> Drained:
        """Take flows out of the kernel without making a table of them."""
        with self._lock:
            if self._closing.is_set():
                rest, self._rest = self._rest, None
                if rest is None:
                    raise CaptureError(f"{self._wanted.name}: this capture is closed, and has been drained")
                return rest
            return self._drained()

    def _drained(self) -> Drained:
        keys, values = self._running.counting.drain()
        now = self._running.counting.counters()
        grown = {name: count - self._before[name] for name, count in now.items()}
        self._before = now
        dns = self._running.counting.dns()
        sockets = self._running.sockets
        drops = real_drops(*sockets.drops()) if sockets and self._wanted.drops else NO_DROPS
        taken = Drained(keys, values, grown, dns, *drops)
        self._counted += len(taken)
        return taken

    def drain(self) -> pd.DataFrame:
        """Take out the flows counted since the last drain, as a flow table; losses stand in its provenance."""
        return self.table([self.take()])

    def stream(self, every: float = 1.0) -> Iterator[pd.DataFrame]:
        """Yield a flow table every so many seconds, until the capture is closed."""
        while not self._closing.wait(every):
            yield self.drain()

    def ledger(self) -> Ledger:
        """Where the packets went so far."""
        with self._lock:
            if self._ledger is not None:
                return self._ledger
            return ledger(self._running.counting.counters(), self._counted, self._running.gone())

    def table(self, parts: Sequence[Drained]) -> pd.DataFrame:
        """One flow table of what several drains took out: one row a flow, direction and interface."""
        with self._lock:
            return self._tables.of(parts, self.ledger().gone)

    def record(
        self,
        folder: str | PathLike[str] | None = None,
        *,
        every: float = 60.0,
        duration: float | None = None,
        most_bytes: int | None = None,
    ) -> LiveCapture[Drained]:
        """Drain all the time, and close a table every so many seconds: a Parquet file in `folder`, else part of ``.flows``.

        The handle is that of `capture.live`; stopping it closes this capture. It ends by itself after `duration` seconds or
        `most_bytes` bytes of files.
        """
        from capture.ebpf.recording import recording
        from capture.live.capturing import Limits

        return recording(self, folder, every, Limits(duration, octets=most_bytes))

    def stop(self) -> Ledger:
        """Take the programs off, and keep what they counted for one more drain; the ledger is exact then."""
        with self._lock:
            if not self._closing.is_set():
                gone = self._running.gone()
                self._running.detach()
                self._rest = self._drained()
                self._ledger = ledger(self._before, self._counted, gone)
                self._closing.set()
                self._running.close()
            return self.ledger()

    def __enter__(self) -> EbpfCapture:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def __repr__(self) -> str:
        state = "counted on" if self._closing.is_set() else "counting on"
        return f"{state} {self._wanted.name}: {self.ledger()}"

    def _repr_html_(self) -> str:
        return f"<p>{escape(repr(self))}</p>"
