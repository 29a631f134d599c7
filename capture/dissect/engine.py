"""A flow table by Wireshark's dissectors, packet by packet through pyshark: slow, complete, an oracle for the fast reader.

Written apart from it: nothing is shared but the agent's rule of flags and the contract. Reassembly is switched off, so that
every packet shows its own headers.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from ipaddress import ip_address
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from capture.account import CaptureReport, FileReport, with_report
from capture.agent import agent_address, capture_name
from capture.dissect.objects import each_packet
from flowkit.contract import Provenance, agent_flags, conform, stack, with_provenance
from flowkit.errors import CaptureError

AnyPath = str | PathLike[str]

_PREFERENCES = {
    "ip.defragment": "FALSE",
    "ipv6.defragment": "FALSE",
    "tcp.desegment_tcp_streams": "FALSE",
}
_PORTS = {"tcp": 6, "udp": 17, "sctp": 132}
_ICMP = {"icmp": 1, "icmpv6": 58}
_EXTENSIONS = {0, 43, 44, 51, 60, 135, 139, 140}
_CHAIN = ("nxt", "hopopts_nxt", "routing_nxt", "dstopts_nxt", "fraghdr_nxt")
_KEY = ["Etype", "SrcAddr", "DstAddr", "Proto", "SrcPort", "DstPort", "IcmpType", "IcmpCode"]
_COLUMNS = ["TimeFlowStartMs", "TimeFlowEndMs", *_KEY[1:3], *_KEY[4:6], "Proto", *_KEY[6:]]
_COLUMNS += ["Flags", "Bytes", "Packets", "Etype", "AgentIP", "CaptureFile"]
_ORDER = ["TimeFlowStartMs", "SrcAddr", "DstAddr", "Etype", "Proto", *_KEY[4:]]


class _Packet(NamedTuple):
    """One packet's part in a flow; `datagram` names what fragments belong to, `later` one that shows no ports itself."""

    Etype: int
    SrcAddr: str
    DstAddr: str
    Proto: int
    SrcPort: int | None
    DstPort: int | None
    IcmpType: int | None
    IcmpCode: int | None
    octets: int
    time: int
    flags: int
    datagram: tuple[Any, ...] | None
    later: bool


def flows_by_pyshark(paths: AnyPath | Sequence[AnyPath]) -> pd.DataFrame:
    """Read captures into a flow table through pyshark; columns as `capture.read_pcap`, less what only that one measures.

    Whatever Wireshark reads is read (also link types that `read_pcap` does not know), at about 500 packets a second. The
    innermost IP header counts, as there. Raises `CaptureError` when pyshark or tshark is missing or they fail.

    >>> flows_by_pyshark("no-such.pcap")
    Traceback (most recent call last):
    flowkit.errors.CaptureError: no-such.pcap: No such file or directory
    """
    each = [Path(path) for path in ([paths] if isinstance(paths, str | PathLike) else paths)]
    if not each:
        raise CaptureError("no capture file was given")
    tables, reports = [], {}
    for path in each:
        node = capture_name(path)
        flows, reports[path.name] = flows_of(path, node, agent_address(node))
        tables.append(with_provenance(flows, Provenance(sources=(path.name,))))
    return with_report(stack(tables), CaptureReport(reports))


def flows_of(path: Path, node: str, agent_ip: str | None) -> tuple[pd.DataFrame, FileReport]:
    """One file's flows and its account; `node` is what ``CaptureFile`` says."""
    packets = each_packet(path, _packet, preferences=_PREFERENCES)
    ip = [packet for packet in packets if isinstance(packet, _Packet)]
    flows = _flows(_with_ports(ip)).assign(AgentIP=agent_ip, CaptureFile=node)
    return conform(flows[_COLUMNS]), _report(ip, [packet for packet in packets if isinstance(packet, int)])


def _report(ip: list[_Packet], others: list[int]) -> FileReport:
    octets = sum(packet.octets for packet in ip)
    return FileReport(
        packets=len(ip) + len(others),
        bytes=octets + sum(others),
        ip_packets=len(ip),
        ip_bytes=octets,
        not_ip_packets=len(others),
        not_ip_bytes=sum(others),
    )


def _packet(packet: Any) -> _Packet | int:
    """A packet of a flow, or the length of a frame without IP."""
    octets, time = int(packet.length), int(Decimal(packet.frame_info.time_epoch) * 10**9)
    layers = _outside_errors(packet.layers)
    place = max((place for place, layer in enumerate(layers) if layer.layer_name in ("ip", "ipv6")), default=None)
    if place is None:
        return octets
    layer, above = layers[place], layers[place + 1 :]
    etype, proto, datagram, later = _ip(layer, above) if layer.layer_name == "ip" else _ipv6(layer, above)
    ends = (None, None, None, None) if later else _ends(proto, above)
    flags = 0 if later or proto != _PORTS["tcp"] else _flags(above)
    return _Packet(etype, layer.src, layer.dst, proto, *ends, octets, time, flags, datagram, later)


def _outside_errors(layers: Iterable[Any]) -> list[Any]:
    """The layers up to the first ICMP: behind it may stand the headers of the packet an error is about."""
    kept = list[Any]()
    for layer in layers:
        kept.append(layer)
        if layer.layer_name in _ICMP:
            break
    return kept


def _ip(layer: Any, _: list[Any]) -> tuple[int, int, tuple[Any, ...] | None, bool]:
    offset, proto = int(layer.frag_offset), int(layer.proto)
    pieces = offset > 0 or _true(layer.get_field("flags_mf"))
    datagram = (layer.src, layer.dst, proto, layer.id) if pieces else None
    return 0x0800, proto, datagram, offset > 0


def _ipv6(layer: Any, above: list[Any]) -> tuple[int, int, tuple[Any, ...] | None, bool]:
    chain = [int(value) for name in _CHAIN if (value := layer.get_field(name)) is not None]
    chain += [int(ah.next_header) for ah in above if ah.layer_name == "ah"]
    proto = next((proto for proto in chain if proto not in _EXTENSIONS), chain[0])
    offset = int(layer.get_field("fraghdr_offset") or 0)
    pieces = offset > 0 or _true(layer.get_field("fraghdr_more"))
    datagram = (layer.src, layer.dst, "any", layer.get_field("fraghdr_ident")) if pieces else None
    return 0x86DD, proto, datagram, offset > 0


def _true(value: Any) -> bool:
    return str(value) in ("1", "True")


def _ends(proto: int, above: list[Any]) -> tuple[int | None, int | None, int | None, int | None]:
    for layer in above:
        if _PORTS.get(layer.layer_name) == proto:
            return int(layer.srcport), int(layer.dstport), None, None
        if _ICMP.get(layer.layer_name) == proto:
            return None, None, int(layer.type), int(layer.code)
    return None, None, None, None


def _flags(above: list[Any]) -> int:
    octets = [int(layer.flags, 16) & 0xFF for layer in above if layer.layer_name == "tcp"]
    return int(agent_flags(np.array(octets[:1] or [0], np.uint8))[0])


def _with_ports(packets: list[_Packet]) -> list[_Packet]:
    """Give later fragments what the newest first one before them shows, or else the next one behind."""
    ready = _following(packets)
    return _following(ready[::-1])[::-1]


def _following(packets: list[_Packet]) -> list[_Packet]:
    firsts: dict[Any, _Packet] = {}
    ready = []
    for packet in packets:
        first = firsts.get(packet.datagram) if packet.later else None
        if packet.datagram is not None and not packet.later:
            firsts[packet.datagram] = packet
        ready.append(first._replace(octets=packet.octets, time=packet.time, flags=0) if first else packet)
    return ready


def _flows(packets: list[_Packet]) -> pd.DataFrame:
    table = pd.DataFrame(packets, columns=list(_Packet._fields))
    grouped = table.groupby(_KEY, dropna=False, sort=False)
    flows = grouped.agg(
        Packets=("octets", "size"),
        Bytes=("octets", "sum"),
        TimeFlowStartMs=("time", lambda times: int(times.min()) // 10**6),
        TimeFlowEndMs=("time", lambda times: int(times.max()) // 10**6),
        Flags=("flags", _united),
    ).reset_index()
    flows["Flags"] = flows["Flags"].astype("UInt16").where(flows["Proto"] == _PORTS["tcp"])
    return flows.sort_values(_ORDER, key=_in_order, ignore_index=True)


def _in_order(column: pd.Series[Any]) -> pd.Series[Any]:
    """Addresses in the order of their numbers, everything else in its own."""
    return column.map(lambda text: ip_address(text).packed.rjust(16, b"\0")) if column.name in _ORDER[1:3] else column


def _united(flags: pd.Series[Any]) -> int:
    whole = 0
    for value in flags:
        whole |= int(value)
    return whole
