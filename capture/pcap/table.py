"""Flows → a flow table in the contract's dtypes, sorted, with each distinct address turned into text once."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Sequence

import numpy as np
import pandas as pd

from capture.pcap.keys import numbered
from capture.pcap.meter import Flows
from capture.pcap.network import IPV4, IPV6
from capture.pcap.octets import I64, U64, Bool
from capture.pcap.packets import Key, Macs
from capture.pcap.places import Place
from capture.pcap.transport import ICMP_PROTOCOLS, PORT_PROTOCOLS, TCP

_MS = 1_000_000
_MACS = np.dtype([("DstMacHigh", ">u2"), ("DstMacLow", ">u4"), ("SrcMacHigh", ">u2"), ("SrcMacLow", ">u4")])
_MAC_ENDS = ("SrcMac", "DstMac")


def in_order(flows: Flows) -> Flows:
    """The flows in the order of a flow table: by ``TimeFlowStartMs``, then by key, then by time."""
    columns = (flows.first, *reversed(flows.key.columns))
    # Sorting by a column of one value changes nothing and costs as much as any.
    telling = [column for column in columns if len(column) and bool((column != column[0]).any())]
    return flows.take(np.lexsort((*telling, flows.first // _MS)))


def flow_table(flows: Flows, capture_file: str, agent_ip: str | None, places: Sequence[Place] = ()) -> pd.DataFrame:
    """Return one row a flow, sorted by ``TimeFlowStartMs``, then by key.

    Columns: TimeFlowStartMs, TimeFlowEndMs (ms since the epoch, rounded down), SrcAddr, DstAddr, SrcPort, DstPort, Proto,
    IcmpType, IcmpCode, Flags, Bytes (on the wire, with the layer 2 header), Packets, Etype, AgentIP, CaptureFile, Dscp (of
    the last packet), TimeFlowStartNs, TimeFlowEndNs; and where a flow has them, SrcMac, DstMac (of the first packet), Vlan,
    Interfaces, OuterSrcAddr, OuterDstAddr. Ports are missing unless TCP, UDP or SCTP, ICMP fields unless ICMP or ICMPv6,
    Flags unless TCP.

    >>> from capture.pcap.meter import Meter
    >>> flow_table(Meter().flows(), "node-1", None).shape
    (0, 18)
    """
    return sorted_table(in_order(flows), capture_file, agent_ip, places)


def sorted_table(flows: Flows, capture_file: str, agent_ip: str | None, places: Sequence[Place]) -> pd.DataFrame:
    """Do the work of `flow_table` for flows that are in its order already."""
    key, proto = flows.key, flows.key.proto
    src, dst = _addresses(key.is_v6, (key.src_hi, key.src_lo), (key.dst_hi, key.dst_lo))
    ports = key.known & np.isin(proto, PORT_PROTOCOLS)
    icmp = key.known & np.isin(proto, ICMP_PROTOCOLS)
    table = {
        "TimeFlowStartMs": integers(flows.first // _MS, "Int64"),
        "TimeFlowEndMs": integers(flows.last // _MS, "Int64"),
        "SrcAddr": src,
        "DstAddr": dst,
        "SrcPort": integers(key.first, "UInt16", ports),
        "DstPort": integers(key.second, "UInt16", ports),
        "Proto": integers(proto, "UInt8"),
        "IcmpType": integers(key.first, "UInt8", icmp),
        "IcmpCode": integers(key.second, "UInt8", icmp),
        "Flags": integers(flows.flags, "UInt16", proto == TCP),
        "Bytes": integers(flows.octets, "UInt64"),
        "Packets": integers(flows.packets, "UInt64"),
        "Etype": integers(np.where(key.is_v6, IPV6, IPV4), "UInt16"),
        "AgentIP": _constant(agent_ip, len(flows)),
        "CaptureFile": _constant(capture_file, len(flows)),
        "Dscp": integers(flows.dscp, "UInt8"),
        "TimeFlowStartNs": integers(flows.first, "Int64"),
        "TimeFlowEndNs": integers(flows.last, "Int64"),
    }
    return pd.DataFrame({**table, **_mac_columns(flows.macs), **_place_columns(key.place, places)})


def integers(values: np.ndarray, dtype: str, present: Bool | None = None) -> pd.arrays.IntegerArray:
    """A column of exact nullable integers, missing where not `present`.

    >>> integers(np.array([1, 2]), "UInt8", np.array([True, False])).isna().tolist()
    [False, True]
    """
    missing = np.zeros(len(values), np.bool_) if present is None else ~present
    exact = np.where(missing, 0, values).astype(dtype.lower())
    return pd.arrays.IntegerArray(exact, missing)


def _constant(text: str | None, size: int) -> pd.Categorical:
    codes = np.full(size, -1 if text is None else 0, np.int8)
    return pd.Categorical.from_codes(codes, categories=pd.Index([] if text is None else [text], dtype="str"))


def _mac_columns(macs: Macs) -> dict[str, pd.Categorical]:
    """MAC addresses as text; all zeros is none, as on links that have no such addresses."""
    halves = macs.view(_MACS)
    if not any(halves[name].any() for name in _MACS.names or ()):
        return {}
    numbers = {end: halves[f"{end}High"].astype(np.uint64) << np.uint64(32) | halves[f"{end}Low"] for end in _MAC_ENDS}
    return {name: _macs(number) for name, number in numbers.items()}


def _macs(numbers: U64) -> pd.Categorical:
    codes, distinct = pd.factorize(np.where(numbers, numbers, 0), sort=True)
    texts = [number.to_bytes(6, "big").hex(":") for number in distinct.tolist()]
    column = pd.Categorical.from_codes(codes, categories=pd.Index(texts, dtype="str"))
    none = "00:00:00:00:00:00"
    return column.remove_categories([none]) if none in column.categories else column


def _place_columns(number: I64, places: Sequence[Place]) -> dict[str, object]:
    """What the places in the key mean: columns only for what some flow has."""
    used = np.unique(number).tolist() if len(places) > 1 else []
    here = [places[each] for each in used]
    code = np.searchsorted(used, number) if used else number
    columns: dict[str, object] = {}
    if any(place.vlan >= 0 for place in here):
        vlan = np.array([place.vlan for place in here])
        columns["Vlan"] = integers(vlan[code], "UInt16", vlan[code] >= 0)
    if any(place.interface for place in here):
        names = [[place.interface] if place.interface else None for place in here]
        columns["Interfaces"] = pd.Series(_objects(names)[code], dtype=object)
    if any(place.outer for place in here):
        columns |= _outer_columns(here, code)
    return columns


def _objects(values: list[list[str] | None]) -> np.ndarray:
    array = np.empty(len(values), object)
    array[:] = values
    return array


def _outer_columns(here: Sequence[Place], code: I64) -> dict[str, object]:
    outers = np.array([place.outer or (0, 0, 0, 0, 0) for place in here], np.uint64)
    is_v6, *halves = outers.T
    none = np.array([place.outer is None for place in here])
    src, dst = _addresses(is_v6 == 1, (halves[0], halves[1]), (halves[2], halves[3]))
    columns = {"OuterSrcAddr": src, "OuterDstAddr": dst}
    return {name: _without(column, none).take(code) for name, column in columns.items()}


def _without(column: pd.Categorical, rows: Bool) -> pd.Categorical:
    return pd.Categorical.from_codes(np.where(rows, -1, column.codes), dtype=column.dtype).remove_unused_categories()


def _addresses(is_v6: Bool, *ends: tuple[U64, U64]) -> list[pd.Categorical]:
    """Addresses of each end as categoricals with the same categories: IPv4 before IPv6, each by number."""
    hi, lo = (np.concatenate(halves) for halves in zip(*ends, strict=True))
    none = np.zeros(len(lo), np.uint64)
    whole = Key(none, none, hi, lo, np.tile(is_v6, len(ends)).astype(np.uint64))
    code, first_row = numbered(whole)
    distinct = whole.take(first_row)
    order = np.lexsort((distinct.dst_lo, distinct.dst_hi, distinct.word))
    rank = np.empty(len(order), np.int32)
    rank[order] = np.arange(len(order))
    texts = pd.Index(_texts(distinct.take(order)), dtype="str")
    return [pd.Categorical.from_codes(part, categories=texts) for part in np.split(rank[code], len(ends))]


def _texts(addresses: Key) -> list[str]:
    numbers = zip(addresses.word.tolist(), addresses.dst_hi.tolist(), addresses.dst_lo.tolist(), strict=True)
    return [_text_v6(hi, lo) if is_v6 else socket.inet_ntoa(lo.to_bytes(4, "big")) for is_v6, hi, lo in numbers]


def _text_v6(hi: int, lo: int) -> str:
    # inet_ntop writes ::a00:1 as ::10.0.0.1, a form that RFC 5952 keeps for IPv4-mapped addresses.
    if hi == 0 and lo >> 32 == 0:
        return str(ipaddress.IPv6Address(lo))
    return socket.inet_ntop(socket.AF_INET6, hi.to_bytes(8, "big") + lo.to_bytes(8, "big"))
