"""NetFlow v5, v9 and IPFIX as exporters send them, received on a UDP port for some seconds.

netflume decodes datagrams, keeps templates and sampling options by exporter, and watches sequence numbers. Anybody who
reaches the port can send: listen where only exporters do.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pandas as pd

from flowkit.contract import Provenance, conform, provenance, stack, with_provenance
from flowkit.contract.plain import plain
from flowkit.errors import SourceError
from flowkit.sources.control_bits import with_flags
from flowkit.sources.lacks import with_lacks
from flowkit.sources.two_way import both_ways

NAME = "NetFlow collector"

_REVERSE = "e29305."  # RFC 5103: the enterprise number of what goes the other way
_SENT_BY = {1: "Src", 2: "Dst"}  # biflowDirection: initiator, reverse initiator
_LOST = {
    "malformed": "datagrams that are no NetFlow or IPFIX",
    "unsupported_version": "datagrams of versions other than 5, 9 and 10",
    "parse_errors": "NetFlow datagrams that could not be decoded",
    "truncated": "NetFlow sets that are cut",
    "deferred": "NetFlow sets whose template had not come",
    "missed_exports": "exports that got lost on the way, by their sequence numbers",
}
_FIELDS: dict[str, Callable[[Any], Any]] = {
    "TimeFlowStartMs": lambda flow: round(flow.start * 1000),
    "TimeFlowEndMs": lambda flow: round((flow.start + (flow.duration or 0)) * 1000),
    "SrcAddr": lambda flow: flow.src_addr,
    "DstAddr": lambda flow: flow.dst_addr,
    "SrcPort": lambda flow: flow.src_port,
    "DstPort": lambda flow: flow.dst_port,
    "Proto": lambda flow: flow.proto,
    "IcmpType": lambda flow: _icmp(flow, "icmp_type", lambda both: both >> 8),
    "IcmpCode": lambda flow: _icmp(flow, "icmp_code", lambda both: both & 255),
    "Dscp": lambda flow: None if flow.get("tos") is None else int(flow.get("tos")) >> 2,
    "TcpControlBits": lambda flow: flow.tcp_flags,
    "Bytes": lambda flow: flow.octets,
    "Packets": lambda flow: flow.packets,
    "Sampling": lambda flow: flow.sampling_rate if flow.sampling_rate > 1 else None,
    "SrcMac": lambda flow: flow.get("src_mac"),
    "DstMac": lambda flow: flow.get("dst_mac"),
    "Vlan": lambda flow: flow.get("dot1q_vlan", flow.get("vlan")),
    "AgentIP": lambda flow: flow.exporter,
    "XlatSrcAddr": lambda flow: flow.get("post_nat_src_addr"),
    "XlatDstAddr": lambda flow: flow.get("post_nat_dst_addr"),
    "XlatSrcPort": lambda flow: flow.get("post_nat_src_port"),
    "XlatDstPort": lambda flow: flow.get("post_nat_dst_port"),
    "Initiator": lambda flow: _SENT_BY.get(flow.get("ie239")),
    "BytesBack": lambda flow: flow.get(_REVERSE + "1", flow.get(_REVERSE + "85")),
    "PacketsBack": lambda flow: flow.get(_REVERSE + "2", flow.get(_REVERSE + "86")),
    "BitsBack": lambda flow: flow.get(_REVERSE + "6"),
}


@dataclass(frozen=True)
class Bounds:
    """Where to listen, for how long, and for how many flows at most."""

    host: str
    port: int
    seconds: float
    flows: int | None = None


def read(urls: list[str]) -> pd.DataFrame:
    """Listen at URLs as `fk.read` names them, one after the other."""
    return stack([collect(_bounds(url)) for url in urls])


def collect(bounds: Bounds, listening: Callable[[int], None] = lambda _: None) -> pd.DataFrame:
    """Receive flows until the seconds are over or there are enough; `listening` is told the port once it is open.

    A record of both ways (RFC 5103) becomes a flow each. Sampling comes from the exporter's options. The provenance counts
    what could not be decoded and what got lost. Raises `SourceError` for a port that cannot be had and where no flow came.

    >>> collect(Bounds("127.0.0.1", 0, 0.01))
    Traceback (most recent call last):
    flowkit.errors.SourceError: no flow came to 127.0.0.1:0 within 0.01 s
    """
    with _collector(bounds) as collector:
        listening(int(collector.address[1]))
        rows = [row_of(flow) for flow in _flows(collector, bounds)]
        lost = {reason: int(collector.stats[key]) for key, reason in _LOST.items()}
    if not rows:
        told = ", ".join(f"{count:,} {reason}" for reason, count in lost.items() if count)
        raise SourceError(
            f"no flow came to {bounds.host}:{bounds.port} within {bounds.seconds:g} s{f' ({told})' if told else ''}"
        )
    return table_of(rows, Provenance((f"netflow://{bounds.host}:{bounds.port}",)).losing(lost))


def row_of(flow: Any) -> list[Any]:
    """What a decoded flow of netflume has for each field, in the order of ``_FIELDS``; missing is None."""
    return [told(flow) for told in _FIELDS.values()]


def table_of(rows: list[list[Any]], known: Provenance) -> pd.DataFrame:
    """Such rows as a conformed flow table with this provenance."""
    table = pd.DataFrame(rows, columns=list(_FIELDS), dtype=object).dropna(axis="columns", how="all")
    return with_lacks(with_flags(_each_way(conform(with_provenance(table, known)))))


def _collector(bounds: Bounds) -> Any:
    try:
        from netflume import Collector
    except ImportError:
        raise SourceError("a NetFlow collector needs netflume: pip install 'flowkit-net[netflow]'") from None
    try:
        make: Callable[..., Any] = Collector
        return make(port=bounds.port, bind=bounds.host, timeout=0.1, reuse_address=False)
    except OSError as error:
        raise SourceError(f"cannot listen at {bounds.host}:{bounds.port}: {error.strerror or error}") from error


def _flows(collector: Any, bounds: Bounds) -> Iterator[Any]:
    until, count = time.monotonic() + bounds.seconds, 0
    while (left := until - time.monotonic()) > 0:
        message = collector.poll(timeout=min(left, 0.5))
        for flow in [] if message is None else message.typed_flows():
            yield flow
            count += 1
            if count == bounds.flows:
                return


def _icmp(flow: Any, name: str, part: Callable[[int], int]) -> int | None:
    """ICMP's type or code: of its own, in one number of both, or, as NetFlow has it, in the destination's port."""
    if flow.proto not in (1, 58):
        return None
    own = flow.get(name)
    both = flow.get("icmp_type_code", flow.get("icmp_type_code_v6", flow.dst_port))
    return own if own is not None else None if both is None else part(int(both))


def _each_way(flows: pd.DataFrame) -> pd.DataFrame:
    """Ports only where the protocol has some; what goes the other way as flows of its own."""
    has_ports = (
        flows["Proto"].isin([6, 17, 132]) if "Proto" in flows.columns else pd.Series(data=False, index=flows.index)
    )
    flows = flows.assign(**{name: flows[name].where(has_ports) for name in ("SrcPort", "DstPort") if name in flows})
    own = {"BytesBack": "Bytes", "PacketsBack": "Packets", "BitsBack": "TcpControlBits"}
    there = {back: name for back, name in own.items() if back in flows.columns}
    if "PacketsBack" not in there:
        return flows.drop(columns=list(there))
    back = conform(flows[list(there)].rename(columns=there).astype(object))
    if "Initiator" in flows.columns:
        back = back.assign(Initiator=flows["Initiator"].astype(object).map({"Src": "Dst", "Dst": "Src"}))
    answered = (back["Packets"].fillna(0) > 0).to_numpy(dtype=bool)
    whole = both_ways(flows.drop(columns=list(there)), {str(name): back[name] for name in back.columns}, answered)
    return with_provenance(whole, provenance(flows))


def _bounds(url: str) -> Bounds:
    """``netflow://host:port?seconds=60&flows=100000``.

    >>> _bounds("netflow://0.0.0.0:2055")
    Traceback (most recent call last):
    flowkit.errors.SourceError: say for how many seconds to listen: netflow://0.0.0.0:2055?seconds=60
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or 2055
    except ValueError:
        raise SourceError("the URL of a NetFlow collector must be like netflow://0.0.0.0:2055?seconds=60") from None
    asked = {name: values[-1] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
    for name in asked:
        if name not in ("seconds", "flows"):
            raise SourceError(
                f"'{plain(name)[:20]}' is not known in the URL of a NetFlow collector: it takes seconds and flows"
            )
    if "seconds" not in asked:
        raise SourceError(f"say for how many seconds to listen: netflow://{plain(host)}:{port}?seconds=60")
    try:
        seconds, most = float(asked["seconds"]), int(asked["flows"]) if "flows" in asked else None
    except ValueError:
        raise SourceError("seconds and flows in the URL of a NetFlow collector are numbers") from None
    if not 0 < seconds <= 86_400 or (most is not None and most < 1):
        raise SourceError("seconds are more than 0 and at most a day, flows at least 1")
    return Bounds(host, port, seconds, most)
