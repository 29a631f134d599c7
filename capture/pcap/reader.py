"""Capture files → one flow table: ties container, decoding, meter and table together, and never loses in silence."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from capture.account import CaptureReport, CaptureWarning, FileReport, warning, with_report
from capture.agent import agent_address, capture_name, given_address
from capture.pcap import classic
from capture.pcap.container import CHUNK, Walked, walk
from capture.pcap.crew import Crew
from capture.pcap.decode import Tally, Tunnels, Vlan
from capture.pcap.harvest import ORPHANS, Result, Yard
from capture.pcap.paths import AnyPath, named_files
from capture.pcap.pieces import pieces
from capture.pcap.plan import Options, Plan, helpers, one_of
from capture.pcap.pool import each_read
from capture.pcap.records import Damage
from capture.pcap.sightings import dns_columns, name_columns, rtt_columns
from capture.pcap.stream import STANDARD_INPUT, Stream, Window, open_middle, open_stream
from capture.pcap.table import sorted_table
from capture.pcap.turns import read_together
from flowkit.contract import Provenance, stack, with_provenance

__all__ = ["ORPHANS", "read_files", "read_pcap"]

AgentIP = str | Mapping[str, str] | None
# Told how many bytes of the files have been read so far.
Progress = Callable[[int], None]

PLAN = Plan(helpers=helpers(None))


def read_pcap(
    paths: AnyPath | Sequence[AnyPath],
    *,
    agent_ip: AgentIP = None,
    tunnels: Tunnels = "inner",
    vlan: Vlan = "ignore",
    export_s: float | None = None,
    idle_s: float | None = None,
    rtt: bool = True,
    dns: bool = True,
    workers: int | None = None,
    engine: Literal["numpy", "pyshark"] = "numpy",
) -> pd.DataFrame:
    """Read packet captures into a flow table: one row a one-way flow per file, as NetObserv's agent would report it.

    `paths` is a file, a glob, ``-`` (standard input) or a list of them: pcap or pcapng, plain or packed with gzip, xz or
    zstd. `agent_ip` is the recording node's address for all rows, or a mapping from ``CaptureFile`` to address; otherwise it
    is taken from file names that are an address or an AWS host name made of one, and else missing.

    `tunnels` says whose flows: of the packets inside VXLAN, Geneve, GRE, ERSPAN and IP in IP (with ``OuterSrcAddr``,
    ``OuterDstAddr``), or of what carries them. ``vlan="key"`` tells flows of different VLANs apart (``Vlan``). `export_s`
    cuts flows at each multiple of so many seconds, as an agent exports them, `idle_s` after so long without a packet.
    `rtt` and `dns` look for handshakes (``TimeFlowRttNs``) and DNS (``DnsId DnsFlags DnsFlagsResponseCode DnsLatencyMs
    DnsName``). `workers` is the number of processes; one a core when not given, and only for what takes long.
    ``engine="pyshark"`` reads by Wireshark's dissectors instead: slow, without the options, an oracle
    (`capture.dissect.engine`).

    Returns the columns of `capture.pcap.table.flow_table`, each file sorted by start, then key. What was lost stands in the
    provenance, what was found in `capture.report`; one `CaptureWarning` names losses other than frames without IP.

    Raises `CaptureError` for a file that is missing, unreadable or not a capture. The flow key and the flags follow
    netobserv-ebpf-agent's ``bpf/utils.h``; options, extension headers and fragments, which it skips, are read too.

    >>> import os, tempfile
    >>> file = Path(tempfile.mkdtemp(), "node-1.pcap")
    >>> _ = file.write_bytes(bytes.fromhex("d4c3b2a1 0200 0400 00000000 00000000 00000400 01000000"))
    >>> flows = read_pcap(file)
    >>> len(flows), str(flows["Bytes"].dtype)
    (0, 'UInt64')
    """
    one_of("engine", engine, ("numpy", "pyshark"))
    if engine == "pyshark":
        flows: pd.DataFrame = import_module("capture.dissect.engine").flows_by_pyshark(paths)
        return flows
    how = Options(tunnels, vlan, export_s, idle_s, rtt, dns, workers).plan()
    return read_files(paths, agent_ip=agent_ip, plan=how)


def read_files(
    paths: AnyPath | Sequence[AnyPath],
    *,
    agent_ip: AgentIP = None,
    chunk: int = CHUNK,
    progress: Progress = lambda _: None,
    plan: Plan = PLAN,
) -> pd.DataFrame:
    """Do the work of `read_pcap`, `chunk` bytes at a time, telling `progress` the bytes of the files read so far."""
    named = named_files(paths)
    tables, reports = [], {}
    for name, read in zip(
        named, each_read(list(named.values()), partial(read_file, chunk, plan), progress, plan), strict=True
    ):
        tables.append(_table(name, named[name], read, agent_ip))
        reports[name] = read.report
    _warn(reports)
    return with_report(stack(tables), CaptureReport(reports))


def _table(name: str, path: Path, read: Read, agent_ip: AgentIP) -> pd.DataFrame:
    node = "stdin" if path == STANDARD_INPUT else capture_name(path)
    result = read.result
    flows = result.flows
    table = sorted_table(flows, node, _agent(node, agent_ip), result.places)
    seen: dict[str, Any] = {**rtt_columns(flows, result.round_trips), **dns_columns(flows, result.answers)}
    seen |= name_columns(result.named, result.places)
    return with_provenance(table.assign(**seen), Provenance(sources=(name,)).losing(read.report.reasons))


def _agent(node: str, agent_ip: AgentIP) -> str | None:
    given = agent_ip.get(node) if isinstance(agent_ip, Mapping) else agent_ip
    return given_address(given) if given is not None else agent_address(node)


def _warn(reports: Mapping[str, FileReport]) -> None:
    losses: Counter[str] = Counter()
    for file in reports.values():
        losses.update(file.reasons)
    if text := warning(losses):
        # The caller of read_pcap is three calls up.
        warnings.warn(text, CaptureWarning, stacklevel=4)


@dataclass(frozen=True)
class Read:
    """What one file gave: flows and what belongs to them, the account, how many bytes of the file that took."""

    result: Result
    report: FileReport
    position: int


def read_file(chunk: int, plan: Plan, path: Path, progress: Progress) -> Read:
    """Read one file."""
    return _in_pieces(chunk, plan, path, progress) or _from_end_to_end(chunk, plan, path, progress)


def _in_pieces(chunk: int, plan: Plan, path: Path, progress: Progress) -> Read | None:
    """Read a long plain file in several processes; None where it must be read from end to end."""
    whole = pieces(path, chunk) if plan.helpers else None
    if whole is None:
        return None
    yard = Yard(plan.cuts)
    end = read_together(whole, plan, yard, progress)
    if end is None:
        return None
    rest = _Rest(path, yard, progress, whole.count, whole.first_ns)
    with open_middle(path, end) as stream, Crew(replace(plan, helpers=0)) as crew:
        return rest.read(crew, classic.records(Window(stream, chunk, end), whole.form, 0), stream)


def _from_end_to_end(chunk: int, plan: Plan, path: Path, progress: Progress) -> Read:
    with open_stream(path) as stream, Crew(plan) as crew:
        return _Rest(path, Yard(plan.cuts), progress).read(crew, walk(stream, str(path), chunk), stream)


@dataclass
class _Rest:
    """What of a file is still to be read, from its batch `number` on."""

    path: Path
    yard: Yard
    progress: Progress
    number: int = 0
    first_ns: int | None = None

    def read(self, crew: Crew, batches: Iterator[Walked | Damage], stream: Stream) -> Read:
        damage = None
        for found in batches:
            if isinstance(found, Damage):
                damage = found
            else:
                self._add(crew, found)
                self.progress(stream.position)
        for harvest in crew.finish():
            self.yard.take(harvest)
        result = self.yard.result()
        _tally_damage(result.tally, self.path.name, damage, stream)
        return Read(result, _report(result.tally, damage, self.first_ns), stream.position)

    def _add(self, crew: Crew, found: Walked) -> None:
        self.first_ns = found.first_time() if self.first_ns is None else self.first_ns
        for harvest in crew.add(self.number, found):
            self.yard.take(harvest)
        self.number += 1


def _tally_damage(tally: Tally, name: str, damage: Damage | None, stream: Stream) -> None:
    if stream.damage is not None:
        tally.reasons[f"packed streams damaged or cut ({name} at byte {stream.damage})"] += 1
    if damage is not None:
        what = "cut record" if damage.cut else "no sane record"
        tally.reasons[f"bytes left over at the end of {name} ({what} at offset {damage.offset})"] += damage.octets


def _report(tally: Tally, damage: Damage | None, first_ns: int | None) -> FileReport:
    return FileReport(
        **tally.counts,
        left_over_bytes=damage.octets if damage else 0,
        first_ns=first_ns,
        first_bad_offset=damage.offset if damage else None,
        link_types=tuple(sorted(tally.links)),
        reasons={reason: count for reason, count in tally.reasons.items() if count},
    )
