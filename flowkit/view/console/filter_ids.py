"""The console's filters by their id: which fields each looks at, and how its values are written.

Source: ``filters`` of the operator's ``static-frontend-config.yaml``. ``src_x``, ``dst_x``: one side, ``x``: either.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Written = Literal["text", "address", "port", "protocol", "direction", "number", "flags", "events", "resource"]


@dataclass(frozen=True)
class FilterId:
    """A filter: it holds if one of `fields` passes; `written` says how its values are read, `listed` that fields are lists."""

    fields: tuple[str, ...]
    written: Written = "text"
    listed: bool = False


# What both sides have: id without side, the fields without side, how it is written.
_ENDS: tuple[tuple[str, tuple[str, ...], Written], ...] = (
    ("namespace", ("K8S_Namespace",), "text"),
    ("name", ("K8S_Name",), "text"),
    ("kind", ("K8S_Type", "K8S_OwnerType"), "text"),
    ("owner_name", ("K8S_OwnerName",), "text"),
    ("zone", ("K8S_Zone",), "text"),
    ("subnet_label", ("SubnetLabel",), "text"),
    ("resource", ("K8S_",), "resource"),
    ("address", ("Addr",), "address"),
    ("port", ("Port",), "port"),
    ("mac", ("Mac",), "text"),
    ("host_address", ("K8S_HostIP",), "address"),
    ("host_name", ("K8S_HostName",), "text"),
    ("network", ("K8S_NetworkName",), "text"),
)
_PLAIN: dict[str, FilterId] = {
    "cluster_name": FilterId(("K8S_ClusterName",)),
    "protocol": FilterId(("Proto",), "protocol"),
    "dscp": FilterId(("Dscp",), "number"),
    "icmp_type": FilterId(("IcmpType",), "number"),
    "icmp_code": FilterId(("IcmpCode",), "number"),
    "tcp_flags": FilterId(("Flags",), "flags", listed=True),
    "node_direction": FilterId(("FlowDirection",), "direction"),
    "flow_layer": FilterId(("K8S_FlowLayer",)),
    "interfaces": FilterId(("Interfaces",), listed=True),
    "ifdirections": FilterId(("IfDirections",), "direction", listed=True),
    "udns": FilterId(("Udns",), listed=True),
    "id": FilterId(("_HashId",)),
    "type": FilterId(("_RecordType",)),
    "pkt_drop_state": FilterId(("PktDropLatestState",)),
    "pkt_drop_cause": FilterId(("PktDropLatestDropCause",)),
    "dns_id": FilterId(("DnsId",), "number"),
    "dns_name": FilterId(("DnsName",)),
    "dns_latency": FilterId(("DnsLatencyMs",), "number"),
    "dns_flag_response_code": FilterId(("DnsFlagsResponseCode",)),
    "dns_errno": FilterId(("DnsErrno",), "number"),
    "time_flow_rtt": FilterId(("TimeFlowRttNs",), "number"),
    "network_events": FilterId(("NetworkEvents",), "events", listed=True),
    "xlat_zone_id": FilterId(("ZoneId",), "number"),
    "xlat_src_address": FilterId(("XlatSrcAddr",), "address"),
    "xlat_dst_address": FilterId(("XlatDstAddr",), "address"),
    "xlat_src_port": FilterId(("XlatSrcPort",), "port"),
    "xlat_dst_port": FilterId(("XlatDstPort",), "port"),
    "ipsec_status": FilterId(("IPSecStatus",)),
}


def _of_ends() -> Iterator[tuple[str, FilterId]]:
    for name, fields, written in _ENDS:
        src, dst = (tuple(side + field for field in fields) for side in ("Src", "Dst"))
        yield from (
            (name, FilterId((*src, *dst), written)),
            (f"src_{name}", FilterId(src, written)),
            (f"dst_{name}", FilterId(dst, written)),
        )


FILTER_IDS: dict[str, FilterId] = {**dict(_of_ends()), **_PLAIN}
