"""From a row of a flow table back to its packets: the display filter, the packets' summary, their decoded tree."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from ipaddress import ip_address
from typing import Any

import pandas as pd

from capture.dissect.fields import dissect
from capture.dissect.tshark import AnyPath, running
from flowkit.errors import CaptureError

_PORTS = {6: "tcp", 17: "udp", 132: "sctp"}
_ICMP = {1: "icmp", 58: "icmpv6"}
_KEY = ("SrcAddr", "SrcPort", "DstAddr", "DstPort", "Proto")
_SUMMARY = {
    "frame.number": "Number",
    "frame.time_epoch": "Time",
    "_ws.col.Source": "Source",
    "_ws.col.Destination": "Destination",
    "_ws.col.Protocol": "Protocol",
    "frame.len": "Length",
    "_ws.col.Info": "Info",
}
_MOST_DECODED = 100

# A row of a flow table, or the key alone: source address and port, destination address and port, protocol number.
Flow = Mapping[str, Any] | pd.Series | pd.DataFrame | tuple[Any, ...]


def display_filter(flow: Flow, *, both: bool = False) -> str:
    """Write the Wireshark display filter that shows the packets of a flow, to be copied into Wireshark or tshark.

    `flow` is a row of a flow table (also a table of one row), or the key alone: source address and port, destination
    address and port, protocol number. With ``TimeFlowStartMs`` and ``TimeFlowEndMs`` it keeps to that time; with `both`
    it also shows the other direction. ICMP errors about the flow are not part of it, nor are later IP fragments, which
    have no ports to be found by.

    >>> display_filter(("10.0.0.1", 40000, "10.0.0.2", 443, 6))
    'ip.src == 10.0.0.1 && ip.dst == 10.0.0.2 && tcp.srcport == 40000 && tcp.dstport == 443 && !icmp && !icmpv6'
    """
    row = _row(flow)
    way = " && ".join(_ends(row))
    if both:
        back = {**row, "SrcAddr": row["DstAddr"], "DstAddr": row["SrcAddr"]}
        back |= {"SrcPort": row.get("DstPort"), "DstPort": row.get("SrcPort")}
        way = f"(({way}) || ({' && '.join(_ends(back))}))"
    return " && ".join([way, *_others(row), *_times(row)])


def packets_of(flow: Flow, path: AnyPath, *, both: bool = False) -> pd.DataFrame:
    """Show the packets of one flow as Wireshark's list does.

    Columns, all text: Number, Time (s since the epoch), Source, Destination, Protocol, Length, Info; the display filter that
    finds them (`display_filter`) is in ``attrs["display_filter"]``.

    Raises `CaptureError` as `dissect` does.

    >>> packets_of(("10.0.0.1", 40000, "10.0.0.2", 443, 6), "no-such.pcap")
    Traceback (most recent call last):
    flowkit.errors.CaptureError: no-such.pcap: No such file or directory
    """
    shown = display_filter(flow, both=both)
    table = dissect(path, list(_SUMMARY), shown).rename(columns=_SUMMARY)
    table.attrs["display_filter"] = shown
    return table


def packet_tree(flow: Flow, path: AnyPath, *, both: bool = False, most: int = _MOST_DECODED) -> str:
    """Decode the first packets of a flow, at most `most`, layer by layer, as the middle pane of Wireshark shows them.

    Raises `CaptureError` as `dissect` does.

    >>> packet_tree(("10.0.0.1", 40000, "10.0.0.2", 443, 6), "no-such.pcap")
    Traceback (most recent call last):
    flowkit.errors.CaptureError: no-such.pcap: No such file or directory
    """
    # Control characters in a packet's text must not reach a terminal: tshark writes them as escapes.
    trees = list[str]()
    with running(path, ["-V", "-Y", display_filter(flow, both=both)]) as output:
        for line in _lines(output):
            begins = line.startswith("Frame ")
            if begins and len(trees) == most:
                break
            if begins:
                trees.append("")
            trees[-1] += line
    return "".join(trees)


def _lines(output: Any) -> Iterator[str]:
    return (line.decode(errors="replace") for line in output)


def _row(flow: Flow) -> dict[str, Any]:
    if isinstance(flow, pd.DataFrame):
        if len(flow) != 1:
            raise CaptureError(f"one flow is asked for, and {len(flow)} rows were given: take one with flows.iloc[0]")
        flow = flow.iloc[0]
    given = dict(zip(_KEY, flow, strict=True)) if isinstance(flow, tuple) and len(flow) == len(_KEY) else flow
    if isinstance(given, tuple):
        raise CaptureError(f"a flow's key is {', '.join(_KEY)}")
    row = {str(name): value for name, value in given.items() if not pd.isna(value)}
    if missing := [name for name in ("SrcAddr", "DstAddr", "Proto") if name not in row]:
        raise CaptureError(f"this flow has no {missing[0]}")
    return row


def _ends(row: Mapping[str, Any]) -> Iterator[str]:
    proto = int(row["Proto"])
    for field, way in (("SrcAddr", "src"), ("DstAddr", "dst")):
        address = _address(field, row[field])
        yield f"{'ipv6' if ':' in address else 'ip'}.{way} == {address}"
    for field, name in (("SrcPort", "srcport"), ("DstPort", "dstport")):
        if proto in _PORTS and row.get(field) is not None:
            yield f"{_PORTS[proto]}.{name} == {int(row[field])}"


def _address(field: str, value: Any) -> str:
    try:
        return str(ip_address(str(value)))
    except ValueError:
        raise CaptureError(f"{field} '{value}' is not an IP address") from None


def _others(row: Mapping[str, Any]) -> Iterator[str]:
    proto = int(row["Proto"])
    if proto in _ICMP:
        names = (("IcmpType", "type"), ("IcmpCode", "code"))
        yield from [f"{_ICMP[proto]}.{name} == {int(row[field])}" for field, name in names if field in row] or [
            _ICMP[proto]
        ]
    elif proto in _PORTS:
        # An ICMP error carries the header of the packet it is about, which would match as well.
        yield "!icmp && !icmpv6"
    elif ":" in str(row["SrcAddr"]):
        yield f"ipv6.nxt == {proto}"
    else:
        yield f"ip.proto == {proto}"


def _times(row: Mapping[str, Any]) -> Iterator[str]:
    """The table's times are rounded down to the millisecond, so the last packet lies inside the one they name."""
    if "TimeFlowStartMs" in row and "TimeFlowEndMs" in row:
        yield f"frame.time_epoch >= {_seconds(int(row['TimeFlowStartMs']))}"
        yield f"frame.time_epoch < {_seconds(int(row['TimeFlowEndMs']) + 1)}"


def _seconds(milliseconds: int) -> str:
    return f"{milliseconds // 1000}.{milliseconds % 1000:03d}"
