"""Capture files → one flow table: ties container, decoding, meter and table together, and never loses in silence."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from os import PathLike
from pathlib import Path

import pandas as pd

from capture.account import CaptureReport, CaptureWarning, FileReport, warning, with_report
from capture.agent import agent_address, capture_name, given_address
from capture.pcap.container import CHUNK, batches
from capture.pcap.decode import Tally, decode
from capture.pcap.fragments import Fragments
from capture.pcap.meter import Flows, Meter
from capture.pcap.records import Damage
from capture.pcap.stream import Stream, open_stream
from capture.pcap.table import flow_table
from flowkit.contract import Provenance, stack, with_provenance
from flowkit.errors import CaptureError

AnyPath = str | PathLike[str]
AgentIP = str | Mapping[str, str] | None
# Told how many bytes of the files have been read so far.
Progress = Callable[[int], None]

ORPHANS = "IP fragments without their first one (kept, without ports)"


def read_pcap(paths: AnyPath | Sequence[AnyPath], *, agent_ip: AgentIP = None) -> pd.DataFrame:
    """Read packet captures into a flow table: one row a one-way flow per file, as NetObserv's agent would report it.

    `paths` is a file or a list of files: classic pcap, plain or gzip, Ethernet. `agent_ip` is the recording node's
    address for all rows, or a mapping from ``CaptureFile`` to address; otherwise it is taken from file names that are
    an address or an AWS host name made of one, and else missing.

    Returns ``TimeFlowStartMs``, ``TimeFlowEndMs`` (ms since the epoch), ``SrcAddr``, ``DstAddr``, ``SrcPort``, ``DstPort``,
    ``Proto``, ``IcmpType``, ``IcmpCode``, ``Flags`` (one bit a packet, by rank), ``Bytes`` (on the wire, with the layer 2
    header), ``Packets``, ``Etype``, ``AgentIP``, ``CaptureFile``, each file sorted by start, then key. What was lost stands
    in the provenance, what was found in `capture.report`; one `CaptureWarning` names losses other than frames without IP.

    Raises `CaptureError` for a file that is missing, unreadable or not a capture. The flow key and the flags follow
    netobserv-ebpf-agent's ``bpf/utils.h``; options, extension headers and fragments, which it skips, are read too.

    >>> import os, tempfile
    >>> file = Path(tempfile.mkdtemp(), "node-1.pcap")
    >>> _ = file.write_bytes(bytes.fromhex("d4c3b2a1 0200 0400 00000000 00000000 00000400 01000000"))
    >>> flows = read_pcap(file)
    >>> len(flows), str(flows["Bytes"].dtype)
    (0, 'UInt64')
    """
    return read_files(paths, agent_ip=agent_ip)


def read_files(
    paths: AnyPath | Sequence[AnyPath],
    *,
    agent_ip: AgentIP = None,
    chunk: int = CHUNK,
    progress: Progress = lambda _: None,
) -> pd.DataFrame:
    """Do the work of `read_pcap`, `chunk` bytes at a time, telling `progress` the bytes of the files read so far."""
    tables, reports, before = [], {}, 0
    for name, path in _named(paths).items():
        read = _read(path, chunk, partial(_tell, progress, before))
        before += read.position
        node = capture_name(path)
        provenance = Provenance(sources=(name,)).losing(read.report.reasons)
        tables.append(with_provenance(flow_table(read.flows, node, _agent(node, agent_ip)), provenance))
        reports[name] = read.report
    _warn(reports)
    return with_report(stack(tables), CaptureReport(reports))


def _tell(progress: Progress, before: int, position: int) -> None:
    progress(before + position)


def _named(paths: AnyPath | Sequence[AnyPath]) -> dict[str, Path]:
    """Name each file: by its file name, or as it was given where two have the same one."""
    each = [Path(path) for path in ([paths] if isinstance(paths, str | PathLike) else paths)]
    if not each:
        raise CaptureError("no capture file was given")
    twice = next((path for path, times in Counter(path.absolute() for path in each).items() if times > 1), None)
    if twice is not None:
        raise CaptureError(f"{twice.name} is given twice: its packets would count double")
    names = Counter(path.name for path in each)
    return {path.name if names[path.name] == 1 else str(path): path for path in each}


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
class _Read:
    flows: Flows
    report: FileReport
    position: int


def _read(path: Path, chunk: int, progress: Progress) -> _Read:
    """Read one file."""
    meter, fragments, tally, damage = Meter(), Fragments(), Tally(), None
    with open_stream(path) as stream:
        for batch in batches(stream, str(path), chunk):
            if isinstance(batch, Damage):
                damage = batch
            elif (packets := decode(batch, fragments, tally)) is not None:
                meter.add(packets)
            progress(stream.position)
        meter.add(fragments.rest())
        tally.reasons[ORPHANS] += fragments.orphans
        _tally_damage(tally, path.name, damage, stream)
    return _Read(meter.flows(), _report(tally, damage), stream.position)


def _tally_damage(tally: Tally, name: str, damage: Damage | None, stream: Stream) -> None:
    if stream.damage is not None:
        tally.reasons[f"gzip streams damaged or cut ({name} at byte {stream.damage})"] += 1
    if damage is not None:
        what = "cut record" if damage.cut else "no sane record"
        tally.reasons[f"bytes left over at the end of {name} ({what} at offset {damage.offset})"] += damage.octets


def _report(tally: Tally, damage: Damage | None) -> FileReport:
    return FileReport(
        **tally.counts,
        left_over_bytes=damage.octets if damage else 0,
        first_bad_offset=damage.offset if damage else None,
        link_types=tuple(sorted(tally.links)),
        reasons={reason: count for reason, count in tally.reasons.items() if count},
    )
