"""Drains → flow tables, with all that was asked for: owners, round trips, DNS, drops; and with their account."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from capture.account import CaptureReport, FileReport, with_report
from capture.ebpf.asked import Questions
from capture.ebpf.dropping import drop_columns, with_dropped_flows
from capture.ebpf.grouping import merged
from capture.ebpf.ledger import losses
from capture.ebpf.maps import Records
from capture.ebpf.opening import Opened, Wanted
from capture.ebpf.owners import Attribution, Ends
from capture.ebpf.records import COOKIE, COUNTERS, DROP_KEY, DROP_VALUE, OWNER
from capture.ebpf.sockets import looked_up
from capture.ebpf.table import flow_table, in_order
from capture.pcap.octets import U64
from capture.pcap.table import integers
from flowkit.contract import Provenance, with_provenance

NOBODY = np.empty(0, COOKIE), np.empty(0, OWNER)
NO_DROPS = np.empty(0, DROP_KEY), np.empty(0, DROP_VALUE)
_NS = 1000
_SOME = 5


@dataclass(frozen=True)
class Drained:
    """What one drain took out of the kernel, and by how much each counter grew meanwhile."""

    keys: Records
    values: Records
    counters: dict[str, int]
    dns: Records
    drops: Records
    dropped: Records

    def __len__(self) -> int:
        """Packets, as the hooks saw them."""
        return int(self.values["packets"].sum())


def joined(parts: Sequence[Drained]) -> Drained:
    """Several drains as one, with one row a key."""
    names = ("keys", "values", "dns", "drops", "dropped")
    columns = {name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
    counters = {name: sum(part.counters[name] for part in parts) for name in COUNTERS}
    keys, values = merged(columns.pop("keys"), columns.pop("values"))
    return Drained(keys, values, counters, **columns)


class Tables:
    """Makes the tables of one capture; remembers sockets and open questions from one to the next."""

    def __init__(self, wanted: Wanted, running: Opened, agent_ip: str | None) -> None:
        self._wanted, self._running, self._agent_ip = wanted, running, agent_ip
        self._ends, self._attribution, self._questions = Ends(), Attribution(wanted.netns), Questions()

    def of(self, parts: Sequence[Drained], gone: Sequence[str]) -> pd.DataFrame:
        """One flow table of several drains; `gone` is what went away meanwhile."""
        whole, wanted = joined(parts), self._wanted
        keys, values = whole.keys, whole.values
        if wanted.drops:
            keys, values = with_dropped_flows((keys, values), whole.drops, whole.dropped)
        keys, values = in_order(keys, values)
        epoch_ns = time.time_ns() - time.monotonic_ns()
        flows = flow_table(keys, values, self._running.interfaces, epoch_ns, self._agent_ip)
        more: dict[str, Any] = self._of_sockets(keys, values)
        notes = [f"{name} went away while it was captured" for name in gone]
        if wanted.dns:
            more |= self._questions.columns(keys, values, whole.dns, epoch_ns)
            notes += _unanswered(self._questions.unanswered(time.time_ns()))
        if wanted.drops:
            more |= drop_columns(keys, whole.drops, whole.dropped)
        if wanted.sampling > 1:
            more["Sampling"] = integers(np.full(len(keys), wanted.sampling), "UInt32")
        return self._accounted(flows.assign(**more), whole, notes)

    def _of_sockets(self, keys: Records, values: Records) -> dict[str, object]:
        sockets, wanted = self._running.sockets, self._wanted
        if sockets is None or not (wanted.owners or wanted.rtt):
            return {}
        owned = sockets.owners() if wanted.owners else NOBODY
        cookies = self._ends.cookies(keys, values, owned[0])
        found: dict[str, object] = {}
        if wanted.owners:
            found |= self._attribution.columns(cookies, values, owned)
        if wanted.rtt:
            found |= _round_trips(cookies, *sockets.round_trips())
        return found

    def _accounted(self, flows: pd.DataFrame, whole: Drained, notes: Sequence[str]) -> pd.DataFrame:
        name, counters, reasons = self._wanted.name, whole.counters, losses(whole.counters)
        sampling = self._wanted.sampling if self._wanted.sampling > 1 else None
        provenance = Provenance(sources=(name,), sampling=sampling).losing(reasons)
        table = with_provenance(flows, provenance.noting(*notes, *self._running.notes))
        packets, octets = len(whole), int(whole.values["bytes"].sum())
        account = FileReport(
            packets=packets + counters["not_ip"] + counters["cut"],
            bytes=octets + counters["not_ip_bytes"] + counters["cut_bytes"],
            ip_packets=packets,
            ip_bytes=octets,
            not_ip_packets=counters["not_ip"],
            not_ip_bytes=counters["not_ip_bytes"],
            undecoded_packets=counters["cut"],
            undecoded_bytes=counters["cut_bytes"],
            reasons=reasons,
        )
        return with_report(table, CaptureReport({name: account}))


def _round_trips(cookies: U64, known: Records, found: Records) -> dict[str, object]:
    """``TimeFlowRttNs``: the largest smoothed round-trip time of the local socket."""
    place = looked_up(cookies, known)
    most = found["most_us"][np.where(place >= 0, place, 0)].astype(np.int64) if len(found) else np.zeros(len(cookies))
    return {"TimeFlowRttNs": integers(most * _NS, "UInt64", place >= 0)}


def _unanswered(names: Sequence[str]) -> list[str]:
    if not names:
        return []
    some = ", ".join(list(dict.fromkeys(names))[:_SOME])
    return [f"{len(names)} DNS questions had no answer within 5 s, about {some}"]
