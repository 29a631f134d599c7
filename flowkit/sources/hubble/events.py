"""What a Hubble event says, as SQL over its JSON: ends, names, flags, verdict, and which way it went.

Source: Cilium's ``flow.proto`` in its JSON form with proto names, https://github.com/cilium/cilium/blob/main/api/v1/flow/flow.proto.
"""

from __future__ import annotations

from flowkit.contract import FLAG_BITS
from flowkit.sources.foreign import pointed

POINTERS = {
    "time": "/time",
    "verdict": "/verdict",
    "kind": "/Type",
    "event": "/event_type/type",
    "point": "/trace_observation_point",
    "way": "/traffic_direction",
    "is_reply": "/is_reply",
    "reply": "/reply",
    "reason": "/drop_reason_desc",
    "reason_number": "/drop_reason",
    "node": "/node_name",
    "SrcAddr": "/IP/source",
    "DstAddr": "/IP/destination",
    "ip_version": "/IP/ipVersion",
    "SrcMac": "/ethernet/source",
    "DstMac": "/ethernet/destination",
    "interface": "/interface/name",
    "tcp": "/l4/TCP",
    "tcp_source": "/l4/TCP/source_port",
    "tcp_destination": "/l4/TCP/destination_port",
    **{flag: f"/l4/TCP/flags/{flag}" for flag in ("FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR")},
    "udp": "/l4/UDP",
    "udp_source": "/l4/UDP/source_port",
    "udp_destination": "/l4/UDP/destination_port",
    "sctp": "/l4/SCTP",
    "sctp_source": "/l4/SCTP/source_port",
    "sctp_destination": "/l4/SCTP/destination_port",
    "icmp": "/l4/ICMPv4",
    "icmp_type": "/l4/ICMPv4/type",
    "icmp_code": "/l4/ICMPv4/code",
    "icmp6": "/l4/ICMPv6",
    "icmp6_type": "/l4/ICMPv6/type",
    "icmp6_code": "/l4/ICMPv6/code",
    "answer": "/l7/type",
    "latency": "/l7/latency_ns",
    "DnsName": "/l7/dns/query",
    "dns": "/l7/dns",
    "rcode": "/l7/dns/rcode",
    "HttpMethod": "/l7/http/method",
    "HttpUrl": "/l7/http/url",
    "HttpCode": "/l7/http/code",
    **{
        f"{side}_{name}": f"/{end}/{place}"
        for side, end in (("Src", "source"), ("Dst", "destination"))
        for name, place in {
            "id": "ID",
            "identity": "identity",
            "namespace": "namespace",
            "labels": "labels",
            "pod": "pod_name",
            "workload": "workloads/0/name",
            "workload_kind": "workloads/0/kind",
        }.items()
    },
    **{
        f"{side}_{name}": f"/{end}_{place}"
        for side, end in (("Src", "source"), ("Dst", "destination"))
        for name, place in {
            "names": "names",
            "service": "service/name",
            "service_namespace": "service/namespace",
        }.items()
    },
    **{
        f"{did}_{name}": f"/{did}_by/0/{name}"
        for did in ("ingress_allowed", "egress_allowed", "ingress_denied", "egress_denied")
        for name in ("name", "namespace", "kind")
    },
}

# Identities that are reserved, https://docs.cilium.io/en/stable/gettingstarted/terminology/#special-identities
_RESERVED = {
    1: "host",
    2: "world",
    3: "unmanaged",
    4: "health",
    5: "init",
    6: "remote-node",
    7: "kube-apiserver",
    8: "ingress",
    9: "world-ipv4",
    10: "world-ipv6",
}
_NUMBERED = " ".join(f"WHEN '{number}' THEN '{name}'" for number, name in _RESERVED.items())
_RANKED = (
    ("SYN = 'true' AND ACK = 'true'", "SYN_ACK"),
    ("FIN = 'true' AND ACK = 'true'", "FIN_ACK"),
    ("RST = 'true' AND ACK = 'true'", "RST_ACK"),
    *((f"{name} = 'true'", name) for name in ("FIN", "SYN", "ACK", "RST", "PSH", "URG", "ECE", "CWR")),
)
_FLAG = "CASE " + " ".join(f"WHEN {test} THEN {FLAG_BITS[name]}" for test, name in _RANKED) + " ELSE 0 END"
_RCODES = (
    "NoError",
    "FormErr",
    "ServFail",
    "NXDomain",
    "NotImp",
    "Refused",
    "YXDomain",
    "YXRRSet",
    "NXRRSet",
    "NotAuth",
    "NotZone",
)
_BY_POLICY = "('POLICY_DENIED', 'POLICY_DENY')"
_POLICY_VERDICT = "5"  # pkg/monitor/api: MessageTypePolicyVerdict


def _reserved(side: str) -> str:
    """The reserved identity of an end; of several labels the one that says most, else the identity's number."""
    labels = f"coalesce({side}_labels, '')"
    return (
        f"CASE WHEN {labels} LIKE '%\"reserved:host\"%' THEN 'host' "
        f"WHEN {labels} LIKE '%\"reserved:remote-node\"%' THEN 'remote-node' "
        f"WHEN {labels} LIKE '%\"reserved:kube-apiserver\"%' THEN 'kube-apiserver' "
        f"WHEN {labels} LIKE '%\"reserved:%' THEN regexp_extract({labels}, '\"reserved:([a-z0-9-]+)\"', 1) "
        f"WHEN {labels} LIKE '%\"cidr:%' THEN 'world' "
        f"ELSE CASE {side}_identity {_NUMBERED} END END"
    )


def _end(side: str) -> str:
    """Name, kind and owner of an end: pod, then node, then Service; a pod without a workload owns itself."""
    pod, service = f"nullif({side}_pod, '')", f"nullif({side}_service, '')"
    node = f"{side}_reserved IN ('host', 'remote-node')"
    here = f"CASE WHEN {side}_reserved = 'host' THEN node_name END"
    return (
        f"coalesce({pod}, CASE WHEN {node} THEN {here} ELSE {service} END) AS {side}K8S_Name, "
        f"CASE WHEN {pod} IS NOT NULL THEN 'Pod' WHEN {node} THEN 'Node' "
        f"WHEN {service} IS NOT NULL THEN 'Service' END AS {side}K8S_Type, "
        f"CASE WHEN {pod} IS NOT NULL THEN nullif({side}_namespace, '') WHEN NOT coalesce({node}, false) "
        f"THEN coalesce({side}_service_namespace, nullif({side}_namespace, '')) END AS {side}K8S_Namespace, "
        f"CASE WHEN {pod} IS NOT NULL THEN coalesce({side}_workload, {side}_pod) ELSE {side}K8S_Name END "
        f"AS {side}K8S_OwnerName, "
        f"CASE WHEN {pod} IS NOT NULL AND {side}_workload IS NOT NULL THEN coalesce({side}_workload_kind, 'Pod') "
        f"ELSE {side}K8S_Type END AS {side}K8S_OwnerType, "
        f"CASE WHEN coalesce({side}_id, '0') <> '0' THEN node_name END AS {side}K8S_HostName, "
        f"CASE WHEN {side}_reserved NOT IN ('host', 'remote-node') AND NOT starts_with({side}_reserved, 'world') "
        f"AND {pod} IS NULL THEN 'reserved:' || {side}_reserved END AS {side}SubnetLabel"
    )


# Whether the network let a packet through says an event where it arrived, or left for where no other policy is in its way.
_ALLOWED = f"""
    verdict = 'AUDIT' OR (verdict IN ('FORWARDED', 'REDIRECTED') AND kind <> 'L7' AND (
        point = 'TO_ENDPOINT' OR (event = '{_POLICY_VERDICT}' AND way = 'INGRESS') OR (
            starts_with(Dst_reserved, 'world') AND (
                (event = '{_POLICY_VERDICT}' AND way = 'EGRESS') OR point IN ('TO_STACK', 'TO_NETWORK', 'TO_OVERLAY')))))
"""
_DENIED = f"verdict = 'DROPPED' AND cause IN {_BY_POLICY}"


def _decided_by(name: str) -> str:
    """What the policy that decided says of itself, for the verdict and the way of the event."""
    return (
        f"CASE WHEN denied AND way = 'INGRESS' THEN ingress_denied_{name} "
        f"WHEN denied AND way = 'EGRESS' THEN egress_denied_{name} "
        f"WHEN allowed AND way = 'INGRESS' THEN ingress_allowed_{name} WHEN allowed THEN egress_allowed_{name} END"
    )


_EVENT = f"""
    CASE WHEN allowed OR denied THEN to_json({{
        'Feature': 'acl',
        'Type': CASE verdict WHEN 'AUDIT' THEN 'audit mode of Cilium' ELSE coalesce({_decided_by("kind")}, 'Cilium') END,
        'Namespace': coalesce({_decided_by("namespace")}, ''),
        'Name': coalesce({_decided_by("name")}, ''),
        'Action': CASE WHEN denied THEN 'drop' ELSE 'allow' END,
        'Direction': CASE way WHEN 'INGRESS' THEN 'Ingress' WHEN 'EGRESS' THEN 'Egress' ELSE '' END
    }}) WHEN kind = 'L7' AND verdict = 'DROPPED' THEN to_json({{'Feature': 'l7', 'Type': 'Cilium L7', 'Action': 'drop'}}) END
"""

READ = f"""
    SELECT *,
        epoch_us(TRY_CAST(time AS TIMESTAMP)) // 1000 AS moment,
        CASE WHEN verdict = 'DROPPED' AND coalesce(kind, '') <> 'L7'
             THEN coalesce(reason, 'DROP_REASON_' || reason_number, 'DROP_REASON_UNKNOWN') END AS cause,
        coalesce({_DENIED}, false) AS denied,
        CASE WHEN coalesce(is_reply, nullif(reply, 'false')) = 'true' THEN 'Dst'
             -- Policies are asked about the first packet of a connection only.
             WHEN is_reply = 'false' OR event = '{_POLICY_VERDICT}' OR denied THEN 'Src' END AS Initiator,
        regexp_replace(node, '^.*/', '') AS node_name,
        CASE WHEN contains(node, '/') THEN regexp_extract(node, '^(.*)/', 1) END AS K8S_ClusterName,
        {_reserved("Src")} AS Src_reserved, {_reserved("Dst")} AS Dst_reserved,
        CASE WHEN tcp IS NOT NULL THEN 6 WHEN udp IS NOT NULL THEN 17 WHEN sctp IS NOT NULL THEN 132
             WHEN icmp IS NOT NULL THEN 1 WHEN icmp6 IS NOT NULL THEN 58 END AS Proto,
        coalesce(tcp_source, udp_source, sctp_source) AS SrcPort,
        coalesce(tcp_destination, udp_destination, sctp_destination) AS DstPort,
        CASE WHEN icmp IS NOT NULL THEN coalesce(icmp_type, '0')
             WHEN icmp6 IS NOT NULL THEN coalesce(icmp6_type, '0') END AS IcmpType,
        CASE WHEN icmp IS NOT NULL THEN coalesce(icmp_code, '0')
             WHEN icmp6 IS NOT NULL THEN coalesce(icmp6_code, '0') END AS IcmpCode,
        CASE ip_version WHEN 'IPv4' THEN 2048 WHEN 'IPv6' THEN 34525 END AS Etype,
        CASE WHEN tcp IS NOT NULL AND coalesce(kind, '') <> 'L7' THEN {_FLAG} END AS flag,
        coalesce({_ALLOWED}, false) AS allowed,
        CASE WHEN dns IS NOT NULL AND answer = 'RESPONSE' THEN
             coalesce({[*_RCODES]}[1 + TRY_CAST(coalesce(rcode, '0') AS UTINYINT)], 'UnDefined') END AS DnsFlagsResponseCode,
        CASE WHEN dns IS NOT NULL AND answer = 'RESPONSE'
             THEN TRY_CAST(latency AS UBIGINT) // 1000000 END AS DnsLatencyMs,
        -- The way is that of the connection; that of the packet is the other one for a reply.
        CASE WHEN way NOT IN ('INGRESS', 'EGRESS') THEN NULL
             WHEN (way = 'INGRESS') = (coalesce(Initiator, 'Src') = 'Src') THEN 0 ELSE 1 END AS FlowDirection,
        {_EVENT} AS network_event
    FROM ({pointed("coalesce(json -> '/flow', json)", POINTERS, "given")})
"""  # noqa: S608 - fixed texts

ENDS = f"{_end('Src')}, {_end('Dst')}"
