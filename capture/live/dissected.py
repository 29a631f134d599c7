"""The packets of one interval → a flow table by Wireshark's dissectors: they wait in a file until pyshark reads them."""

from __future__ import annotations

import struct
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

from capture.account import CaptureReport, FileReport, with_report
from capture.dissect.engine import flows_of
from capture.dissect.objects import needs
from capture.live.interval import DROPPED, Interval
from capture.pcap.octets import I64
from capture.pcap.records import Records
from flowkit.contract import Provenance, with_provenance

UNSEEN = "packets that tshark did not show"

_HEAD = struct.Struct("=IHHiIII")
_NANOSECONDS, _VERSION, _LONGEST = 0xA1B23C4D, (2, 4), 262144
_RECORD = 16


class Dissected:
    """Packets of an interval so far; `add` some, then read the `table` once. Does what `Interval` does, slowly."""

    def __init__(self, begun: float) -> None:
        needs()
        self.begun, self.packets = begun, 0
        self._file = tempfile.NamedTemporaryFile(suffix=".pcap")  # noqa: SIM115 - closed with the table

    def add(self, records: Records) -> None:
        """Write a batch down; an interface has one link type."""
        if not self.packets:
            self._file.write(_HEAD.pack(_NANOSECONDS, *_VERSION, 0, 0, _LONGEST, records.link))
        self._file.write(_written(records))
        self.packets += len(records)

    def table(self, interface: str, agent_ip: str | None, dropped: int) -> pd.DataFrame:
        """The flow table; packets that the kernel `dropped` meanwhile stand in its provenance."""
        with self._file as file:
            if not self.packets:
                return Interval(self.begun).table(interface, agent_ip, dropped)
            file.flush()
            flows, account = self._read(Path(file.name), interface, agent_ip)
        counted = {DROPPED: dropped, UNSEEN: self.packets - account.packets}
        reasons = {reason: count for reason, count in counted.items() if count}
        flows = with_provenance(flows, Provenance(sources=(interface,)).losing(reasons))
        return with_report(flows, CaptureReport({interface: FileReport(**{**vars(account), "reasons": reasons})}))

    def _read(self, path: Path, interface: str, agent_ip: str | None) -> tuple[pd.DataFrame, FileReport]:
        """Read what was written; twice when a Ctrl-C, which a terminal sends to tshark too, came in between."""
        flows, account = flows_of(path, interface, agent_ip)
        return (flows, account) if account.packets == self.packets else flows_of(path, interface, agent_ip)


def _written(records: Records) -> bytes:
    """Records as a classic pcap has them, in this machine's byte order.

    >>> one = np.array([0])
    >>> _written(Records(np.arange(9, dtype=np.uint8), one + 2, one + 3, one + 60, one + 10**9 + 5, 1))[-3:].hex()
    '020304'
    """
    size = records.captured + _RECORD
    begin = np.cumsum(size) - size
    out = np.zeros(int(size.sum()), np.uint8)
    head = np.stack([records.time // 10**9, records.time % 10**9, records.captured, records.wire], axis=1)
    out[begin[:, None] + np.arange(_RECORD)] = head.astype(np.uint32).view(np.uint8).reshape(len(records), _RECORD)
    within = _counted(records.captured)
    source, target = (np.repeat(each, records.captured) + within for each in (records.start, begin + _RECORD))
    out[target] = records.buffer[source]
    return out.tobytes()


def _counted(sizes: I64) -> I64:
    """0, 1, 2 … anew for each size."""
    return np.arange(int(sizes.sum())) - np.repeat(np.cumsum(sizes) - sizes, sizes)
