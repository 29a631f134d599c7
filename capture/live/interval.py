"""The packets of one interval → a flow table with its account: the offline reader's own parts, fed by a live source."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import fields
from typing import Any, NamedTuple, cast

import pandas as pd

from capture.account import CaptureReport, FileReport, report, with_report
from capture.pcap.container import Walked
from capture.pcap.decode import View
from capture.pcap.harvest import Harvester, Result, Yard
from capture.pcap.records import Records
from capture.pcap.sightings import dns_columns, rtt_columns
from capture.pcap.table import sorted_table
from flowkit.contract import Provenance, stack, with_provenance

DROPPED = "packets that the kernel dropped"

_VIEW = View()
_COUNTS = [field.name for field in fields(FileReport) if field.name.endswith(("packets", "bytes"))]


class _Block(NamedTuple):
    """Records in the form in which the reader's harvester takes them."""

    records: Records

    def parts(self) -> Iterator[Records]:
        yield self.records


class Interval:
    """Flows of an interval so far; `add` packets, then read the `table` once."""

    def __init__(self, begun: float) -> None:
        self.begun, self.packets = begun, 0
        self._harvester, self._yard, self._number = Harvester(_VIEW), Yard(), 0

    def add(self, records: Records) -> None:
        """Count a batch."""
        harvest = self._harvester.add(self._number, cast("Walked", _Block(records)))
        self._number += 1
        self.packets += len(records)
        if harvest is not None:
            self._yard.take(harvest)

    def table(self, interface: str, agent_ip: str | None, dropped: int) -> pd.DataFrame:
        """The flow table; packets that the kernel `dropped` meanwhile stand in its provenance."""
        self._yard.take(self._harvester.harvest())
        result = self._yard.result()
        reasons = {reason: count for reason, count in result.tally.reasons.items() if count}
        if dropped:
            reasons[DROPPED] = dropped
        provenance = Provenance(sources=(interface,)).losing(reasons)
        account = FileReport(**result.tally.counts, link_types=tuple(sorted(result.tally.links)), reasons=reasons)
        table = with_provenance(_flows(result, interface, agent_ip), provenance)
        return with_report(table, CaptureReport({interface: account}))


def _flows(result: Result, interface: str, agent_ip: str | None) -> pd.DataFrame:
    flows = result.flows
    table = sorted_table(flows, interface, agent_ip, result.places)
    seen: dict[str, Any] = {**rtt_columns(flows, result.round_trips), **dns_columns(flows, result.answers)}
    return table.assign(**seen)


def joined(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Tables of intervals under each other, with one account; an interval's empty table when there is none.

    >>> len(joined([]))
    0
    """
    if not tables:
        return Interval(0.0).table("", None, 0)
    reports = [report(table).files for table in tables]
    names = dict.fromkeys(name for files in reports for name in files)
    added = {name: _added([files[name] for files in reports if name in files]) for name in names}
    return with_report(stack(list(tables)), CaptureReport(added))


def _added(reports: Sequence[FileReport]) -> FileReport:
    """One account of several; live ones have no bytes left over."""
    counts = {name: sum(getattr(each, name) for each in reports) for name in _COUNTS}
    reasons: Counter[str] = Counter()
    for each in reports:
        reasons.update(each.reasons)
    links = tuple(sorted({link for each in reports for link in each.link_types}))
    return FileReport(**counts, link_types=links, reasons=dict(reasons))
