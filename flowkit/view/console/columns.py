"""The console's columns by their id, which are shown by default, and how a flow's fields make their cells.

Source: ``columns`` of the operator's ``static-frontend-config.yaml``. Columns of a feature are shown where flows carry it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import pandas as pd

from flowkit.contract import FIELDS, flag_names
from flowkit.contract.plain import plain
from flowkit.errors import SpecError
from flowkit.view.console.words import PROTOCOLS

Cells = Callable[[pd.DataFrame], "pd.Series[Any]"]
_MOST_MS = 253_402_300_800_000  # the year 10000: pandas' times end before, a screen's long before


@dataclass(frozen=True)
class Column:
    """A column: its heading, the fields it is made of, and how (None: the first field as it is)."""

    heading: str
    fields: tuple[str, ...]
    cells: Cells | None = None
    by_default: bool = False


def _time(field: str, unit: int = 1) -> Cells:
    def cells(flows: pd.DataFrame) -> pd.Series[Any]:
        moments = pd.to_numeric(flows[field], errors="coerce").astype("Float64") * unit
        return pd.to_datetime(moments.where(moments.between(0, _MOST_MS - 1)).astype("Int64"), unit="ms", utc=True)

    return cells


def _object(side: str, kind: str, name: str) -> Cells:
    """``Kind.namespace.name``, else the address and port as the console falls back to."""

    def cells(flows: pd.DataFrame) -> pd.Series[Any]:
        kinds, namespaces, names = (_words(flows, f"{side}K8S_{field}") for field in (kind, "Namespace", name))
        known = (kinds + "." + (namespaces + ".").where(namespaces != "", "") + names).where(names != "", "")
        return known.where(known != "", _socket(side)(flows)) if name == "Name" else known

    return cells


def _socket(side: str) -> Cells:
    def cells(flows: pd.DataFrame) -> pd.Series[Any]:
        address, port = _words(flows, f"{side}Addr"), _words(flows, f"{side}Port")
        bracketed = address.where(~address.str.contains(":", regex=False), "[" + address + "]")
        return bracketed.where(port != "", address) + (":" + port).where(port != "", "")

    return cells


def _difference(late: str, early: str, unit: int = 1) -> Cells:
    def cells(flows: pd.DataFrame) -> pd.Series[Any]:
        numbers = [pd.to_numeric(flows[field], errors="coerce").astype("Float64") for field in (late, early)]
        return (numbers[0] * unit - numbers[1]).round().astype("Int64")

    return cells


def _named(field: str, names: dict[int, str]) -> Cells:
    return lambda flows: flows[field].map(
        lambda number: names.get(int(number), str(number)) if pd.notna(number) else ""
    )


def _joined(field: str) -> Cells:
    def text(value: Any) -> str:
        if isinstance(value, list):
            return ", ".join(map(str, value))
        return "" if pd.isna(value) else str(value)

    return lambda flows: flows[field].astype(object).map(text)


def _flags(flows: pd.DataFrame) -> pd.Series[Any]:
    named = flows["Flags"] if flows["Flags"].dtype == object else flag_names(flows["Flags"])
    return _joined("Flags")(flows.assign(Flags=named))


def _events(flows: pd.DataFrame) -> pd.Series[Any]:
    def text(value: Any) -> str:
        events = [event for event in value if isinstance(event, dict)] if isinstance(value, list) else []
        return "; ".join(" ".join(str(event[key]) for key in _EVENT if event.get(key)) for event in events)

    return flows["NetworkEvents"].astype(object).map(text)


_EVENT = ("Action", "Type", "Direction", "Namespace", "Name")


def _words(flows: pd.DataFrame, field: str) -> pd.Series[Any]:
    if field not in flows.columns:
        return pd.Series("", index=flows.index, dtype="str")
    return flows[field].astype("str").where(flows[field].notna(), "").astype("str")


def _end(side: str, word: str) -> dict[str, Column]:
    """The columns of one side."""
    k8s = f"{side}K8S_"
    named = (f"{k8s}Type", f"{k8s}Namespace", f"{k8s}Name")
    owned = (f"{k8s}OwnerType", f"{k8s}Namespace", f"{k8s}OwnerName")
    socket = (f"{side}Addr", f"{side}Port")
    plainly = {
        f"{k8s}Name": "name", f"{k8s}Type": "kind", f"{k8s}OwnerName": "owner", f"{k8s}OwnerType": "owner kind",
        f"{k8s}Namespace": "namespace", f"{side}Addr": "IP", f"{side}Port": "port", f"{side}Mac": "MAC",
        f"{k8s}HostIP": "node IP", f"{k8s}HostName": "node", f"{k8s}Zone": "zone", f"{side}SubnetLabel": "subnet label",
        f"{k8s}NetworkName": "network",
    }  # fmt: skip
    shown = {f"{k8s}Name", f"{k8s}Namespace", f"{side}Port", f"{k8s}NetworkName"}
    columns = {
        field: Column(f"{word} {heading}", (field,), by_default=field in shown) for field, heading in plainly.items()
    }
    objects = {
        f"{k8s}Object": Column(f"{word} object", (*named, *socket), _object(side, "Type", "Name")),
        f"{k8s}OwnerObject": Column(f"{word} owner object", owned, _object(side, "OwnerType", "OwnerName")),
        f"{side}AddrPort": Column(f"{word} IP & port", socket, _socket(side)),
    }
    return columns | objects


_PROTOCOL_NAMES = {number: name for name, number in PROTOCOLS.items() if name != "IPV6-ICMP"}
COLUMNS: dict[str, Column] = {
    "StartTime": Column("start time", ("TimeFlowStartMs",), _time("TimeFlowStartMs")),
    "EndTime": Column("end time", ("TimeFlowEndMs",), _time("TimeFlowEndMs"), by_default=True),
    "RecordType": Column("type", ("_RecordType",), by_default=True),
    "_HashId": Column("conversation", ("_HashId",), by_default=True),
    "ClusterName": Column("cluster", ("K8S_ClusterName",)),
    **_end("Src", "src"),
    **_end("Dst", "dst"),
    "K8S_FlowLayer": Column("layer", ("K8S_FlowLayer",)),
    "Proto": Column("protocol", ("Proto",), _named("Proto", _PROTOCOL_NAMES), by_default=True),
    "Dscp": Column("DSCP", ("Dscp",), by_default=True),
    "IcmpType": Column("ICMP type", ("IcmpType",)),
    "IcmpCode": Column("ICMP code", ("IcmpCode",)),
    "TCPFlags": Column("TCP flags", ("Flags",), _flags),
    "FlowDirection": Column(
        "node direction", ("FlowDirection",), _named("FlowDirection", {0: "Ingress", 1: "Egress", 2: "Inner"})
    ),
    "Interfaces": Column("interfaces", ("Interfaces",), _joined("Interfaces")),
    "IfDirections": Column("interface directions", ("IfDirections",), _joined("IfDirections")),
    "Udns": Column("UDN", ("Udns",), _joined("Udns")),
    "Sampling": Column("sampling", ("Sampling",)),
    "Bytes": Column("bytes", ("Bytes",), by_default=True),
    "Packets": Column("packets", ("Packets",), by_default=True),
    "FlowDuration": Column(
        "duration ms", ("TimeFlowEndMs", "TimeFlowStartMs"), _difference("TimeFlowEndMs", "TimeFlowStartMs")
    ),
    "CollectionTime": Column("collection time", ("TimeReceived",), _time("TimeReceived", 1000)),
    "CollectionLatency": Column(
        "collection latency ms", ("TimeReceived", "TimeFlowEndMs"), _difference("TimeReceived", "TimeFlowEndMs", 1000)
    ),
    "PktDropBytes": Column("dropped bytes", ("PktDropBytes",)),
    "PktDropPackets": Column("dropped packets", ("PktDropPackets",)),
    "PktDropLatestState": Column("drop state", ("PktDropLatestState",)),
    "PktDropLatestDropCause": Column("drop cause", ("PktDropLatestDropCause",)),
    "PktDropLatestFlags": Column("drop flags", ("PktDropLatestFlags",)),
    "DNSId": Column("DNS id", ("DnsId",)),
    "DNSName": Column("DNS name", ("DnsName",)),
    "DNSLatency": Column("DNS latency ms", ("DnsLatencyMs",), by_default=True),
    "DNSResponseCode": Column("DNS response", ("DnsFlagsResponseCode",), by_default=True),
    "DNSErrNo": Column("DNS error", ("DnsErrno",)),
    "TimeFlowRttMs": Column(
        "RTT ms",
        ("TimeFlowRttNs",),
        lambda flows: (flows["TimeFlowRttNs"].astype("Float64") / 1e6).round(3),
        by_default=True,
    ),
    "NetworkEvents": Column("network events", ("NetworkEvents",), _events, by_default=True),
    "XlatZoneId": Column("xlat zone", ("ZoneId",), by_default=True),
    "XlatSrcK8S_Object": Column(
        "xlat src object",
        ("XlatSrcK8S_Type", "XlatSrcK8S_Namespace", "XlatSrcK8S_Name", "XlatSrcAddr", "XlatSrcPort"),
        _object("XlatSrc", "Type", "Name"),
        by_default=True,
    ),
    "XlatDstK8S_Object": Column(
        "xlat dst object",
        ("XlatDstK8S_Type", "XlatDstK8S_Namespace", "XlatDstK8S_Name", "XlatDstAddr", "XlatDstPort"),
        _object("XlatDst", "Type", "Name"),
        by_default=True,
    ),
    "IPSecStatus": Column("IPsec", ("IPSecStatus",), by_default=True),
}

_BOTH = ("SrcK8S_Object", "DstK8S_Object")
PRESETS: dict[str, tuple[str, ...]] = {
    "default": tuple(name for name, column in COLUMNS.items() if column.by_default),
    "addresses": ("EndTime", "SrcAddrPort", "DstAddrPort", "Proto", "TCPFlags", "Bytes", "Packets", "FlowDuration"),
    "objects": ("EndTime", *_BOTH, "DstPort", "Proto", "TCPFlags", "FlowDirection", "Bytes", "Packets"),
    "owners": ("EndTime", "SrcK8S_OwnerObject", "DstK8S_OwnerObject", "DstPort", "Proto", "K8S_FlowLayer", "Bytes", "Packets"),
    "drops": ("EndTime", *_BOTH, "Proto", "Bytes", "Packets", *(name for name in COLUMNS if name.startswith("PktDrop"))),
    "dns": ("EndTime", *_BOTH, *(name for name in COLUMNS if name.startswith("DNS"))),
    "events": ("EndTime", *_BOTH, "DstPort", "Proto", "NetworkEvents", "PktDropLatestDropCause"),
    "all": tuple(COLUMNS),
}  # fmt: skip


def columns_of(asked: str | Sequence[str], flows: pd.DataFrame) -> tuple[str, ...]:
    """The column ids of a preset whose fields some flow carries; or those named, which may also be fields.

    Raises `SpecError` with a hint for a name that is neither.

    >>> columns_of("addresses", pd.DataFrame({"SrcAddr": ["10.0.0.1"], "Bytes": [1]}))
    ('SrcAddrPort', 'Bytes')
    """
    if isinstance(asked, str) and asked in PRESETS:
        carried = {str(name) for name in flows.columns if flows[name].notna().any()}
        return tuple(name for name in PRESETS[asked] if _carries(name, carried))
    names = [asked] if isinstance(asked, str) else list(asked)
    known = {*COLUMNS, *FIELDS, *map(str, flows.columns)}
    for name in names:
        if name not in known:
            close = get_close_matches(name, [*known, *PRESETS], n=1)
            hint = f"did you mean '{close[0]}'?" if close else f"presets are {', '.join(PRESETS)}"
            raise SpecError(f"no column '{plain(name)[:60]}': {hint}", place="columns")
    return tuple(dict.fromkeys(names))


def _carries(name: str, carried: set[str]) -> bool:
    """Whether flows have what the column shows: of a computed one every part, of an object either its name or its address."""
    fields = COLUMNS[name].fields
    return (
        any(field in carried for field in fields)
        if "Object" in name or "AddrPort" in name
        else carried.issuperset(fields)
    )


def laid_out(flows: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """The cells of these columns under their headings, a row a flow.

    >>> laid_out(pd.DataFrame({"Proto": [6], "SrcAddr": ["::1"], "SrcPort": [80]}), ["Proto", "SrcAddrPort"]).values.tolist()
    [['TCP', '[::1]:80']]
    """
    lacking = {field for name in names for field in _column(name).fields if field not in flows.columns}
    whole = flows.assign(**{field: pd.Series(pd.NA, index=flows.index, dtype="object") for field in lacking})
    return pd.DataFrame({_column(name).heading: _cells(whole, _column(name)) for name in names}, index=flows.index)


def _column(name: str) -> Column:
    if name in COLUMNS:
        return COLUMNS[name]
    special = next((one for one in COLUMNS.values() if one.fields == (name,)), None)
    return Column(name, (name,), special.cells if special else None)


def _cells(flows: pd.DataFrame, column: Column) -> pd.Series[Any]:
    if column.cells is not None:
        return column.cells(flows)
    values = flows[column.fields[0]]
    return values if pd.api.types.is_numeric_dtype(values) else _joined(column.fields[0])(flows)
