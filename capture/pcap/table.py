"""Flows → a flow table in the contract's dtypes, sorted, with each distinct address turned into text once."""

from __future__ import annotations

import ipaddress
import socket

import numpy as np
import pandas as pd

from capture.pcap.meter import Flows, numbered
from capture.pcap.network import IPV4, IPV6
from capture.pcap.octets import U64, Bool
from capture.pcap.packets import Key
from capture.pcap.transport import ICMP_PROTOCOLS, PORT_PROTOCOLS, TCP

_MS = 1_000_000


def flow_table(flows: Flows, capture_file: str, agent_ip: str | None) -> pd.DataFrame:
    """Return one row a flow, sorted by ``TimeFlowStartMs``, then by key.

    Columns: TimeFlowStartMs, TimeFlowEndMs (ms since the epoch, rounded down), SrcAddr, DstAddr, SrcPort, DstPort, Proto,
    IcmpType, IcmpCode, Flags, Bytes (on the wire, with the layer 2 header), Packets, Etype, AgentIP, CaptureFile.
    Ports are missing unless TCP, UDP or SCTP, ICMP fields unless ICMP or ICMPv6, Flags unless TCP.

    >>> from capture.pcap.meter import Meter
    >>> flow_table(Meter().flows(), "node-1", None).shape
    (0, 15)
    """
    order = np.lexsort((*reversed(flows.key.columns), flows.first // _MS))
    key, proto = flows.key.take(order), flows.key.proto[order]
    src, dst = _addresses(key.is_v6, (key.src_hi, key.src_lo), (key.dst_hi, key.dst_lo))
    ports = key.known & np.isin(proto, PORT_PROTOCOLS)
    icmp = key.known & np.isin(proto, ICMP_PROTOCOLS)
    return pd.DataFrame(
        {
            "TimeFlowStartMs": _integers(flows.first[order] // _MS, "Int64"),
            "TimeFlowEndMs": _integers(flows.last[order] // _MS, "Int64"),
            "SrcAddr": src,
            "DstAddr": dst,
            "SrcPort": _integers(key.first, "UInt16", ports),
            "DstPort": _integers(key.second, "UInt16", ports),
            "Proto": _integers(proto, "UInt8"),
            "IcmpType": _integers(key.first, "UInt8", icmp),
            "IcmpCode": _integers(key.second, "UInt8", icmp),
            "Flags": _integers(flows.flags[order], "UInt16", proto == TCP),
            "Bytes": _integers(flows.octets[order], "UInt64"),
            "Packets": _integers(flows.packets[order], "UInt64"),
            "Etype": _integers(np.where(key.is_v6, IPV6, IPV4), "UInt16"),
            "AgentIP": _constant(agent_ip, len(flows)),
            "CaptureFile": _constant(capture_file, len(flows)),
        }
    )


def _integers(values: np.ndarray, dtype: str, present: Bool | None = None) -> pd.arrays.IntegerArray:
    missing = np.zeros(len(values), np.bool_) if present is None else ~present
    exact = np.where(missing, 0, values).astype(dtype.lower())
    return pd.arrays.IntegerArray(exact, missing)


def _constant(text: str | None, size: int) -> pd.Categorical:
    codes = np.full(size, -1 if text is None else 0, np.int8)
    return pd.Categorical.from_codes(codes, categories=pd.Index([] if text is None else [text], dtype="str"))


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
