"""Files of Hubble events into flows: events of one direction of one connection at one node, close in time, are one flow.

Hubble tells an event a packet and place it passed, and of most packets nothing (monitor aggregation). So there are no bytes
and packets to add, but every event has its own TCP flags: OR-ed over a flow they are what NetObserv's agent would have set.
"""

from __future__ import annotations

from pathlib import Path

import duckdb
import pandas as pd

from flowkit.contract import provenance, stack, with_provenance
from flowkit.errors import SourceError
from flowkit.sources.foreign import Found, json_objects, left_out, texts
from flowkit.sources.hubble.events import ENDS, READ
from flowkit.sources.lacks import with_lacks
from flowkit.sources.losses import Loss

NAME = "Hubble JSON"

GAP_MS = 60_000  # more silence than this ends a flow; Hubble tells of a living connection every 5 s
_IS_FLOW = "(json_exists(json, '/flow') OR (json_exists(json, '/verdict') AND json_exists(json, '/IP')))"
_KEY = (
    "node", "SrcAddr", "DstAddr", "SrcPort", "DstPort", "Proto", "IcmpType", "IcmpCode", "Initiator", "FlowDirection"
)  # fmt: skip
_FIRST = (
    "node_name", "K8S_ClusterName", "SrcMac", "DstMac", "Etype", "Src_id", "Dst_id", "Src_namespace", "Dst_namespace",
    "Src_pod", "Dst_pod", "Src_workload", "Dst_workload", "Src_workload_kind", "Dst_workload_kind", "Src_service",
    "Dst_service", "Src_service_namespace", "Dst_service_namespace", "Src_reserved", "Dst_reserved", "Src_identity",
    "Dst_identity", "Src_labels", "Dst_labels", "Src_names", "Dst_names", "DnsName", "DnsFlagsResponseCode",
    "DnsLatencyMs", "HttpMethod", "HttpUrl", "HttpCode",
)  # fmt: skip
_COLUMNS = (
    "TimeFlowStartMs", "TimeFlowEndMs", "SrcAddr", "DstAddr", "SrcPort", "DstPort", "Proto", "IcmpType", "IcmpCode",
    "Flags", "SrcMac", "DstMac", "Etype", "FlowDirection", "Interfaces", "SrcK8S_Name", "DstK8S_Name", "SrcK8S_Type",
    "DstK8S_Type", "SrcK8S_Namespace", "DstK8S_Namespace", "SrcK8S_OwnerName", "DstK8S_OwnerName", "SrcK8S_OwnerType",
    "DstK8S_OwnerType", "SrcK8S_HostName", "DstK8S_HostName", "SrcSubnetLabel", "DstSubnetLabel", "K8S_ClusterName",
    "PktDropPackets", "PktDropLatestDropCause", "DnsName", "DnsFlagsResponseCode", "DnsLatencyMs", "NetworkEvents",
    "Initiator", "CaptureFile", "Verdict", "SrcIdentity", "DstIdentity", "SrcLabels", "DstLabels", "SrcNames",
    "DstNames", "HttpMethod", "HttpUrl", "HttpCode",
)  # fmt: skip

_RUNS = f"""
    SELECT *, sum(CAST(coalesce(moment - earlier, 0) > {GAP_MS} AS INTEGER)) OVER same AS run
    FROM (SELECT *, lag(moment) OVER (PARTITION BY {", ".join(_KEY)} ORDER BY moment, row) AS earlier FROM events)
    WINDOW same AS (PARTITION BY {", ".join(_KEY)} ORDER BY moment, row)
"""  # noqa: S608 - fixed texts
_GROUPED = f"""
    SELECT min(row) AS first_row, run, {", ".join(_KEY)},
        {", ".join(f"first({name} ORDER BY row) FILTER ({name} IS NOT NULL) AS {name}" for name in _FIRST)},
        min(moment) AS TimeFlowStartMs, max(moment) AS TimeFlowEndMs, bit_or(flag) AS Flags,
        nullif(count(*) FILTER (cause IS NOT NULL), 0) AS PktDropPackets,
        last(cause ORDER BY moment, row) FILTER (cause IS NOT NULL) AS PktDropLatestDropCause,
        list(DISTINCT CAST(network_event AS VARCHAR) ORDER BY CAST(network_event AS VARCHAR))
            FILTER (network_event IS NOT NULL) AS told,
        list(DISTINCT interface ORDER BY interface) FILTER (interface IS NOT NULL) AS interfaces,
        string_agg(DISTINCT verdict, ',' ORDER BY verdict) AS Verdict
    FROM runs GROUP BY ALL
"""  # noqa: S608 - fixed texts
_FLOWS = f"""
    SELECT *, {ENDS}, node_name AS CaptureFile,
        Src_identity AS SrcIdentity, Dst_identity AS DstIdentity, Src_labels AS SrcLabels, Dst_labels AS DstLabels,
        Src_names AS SrcNames, Dst_names AS DstNames,
        '[' || array_to_string(told, ',') || ']' AS NetworkEvents, CAST(to_json(interfaces) AS VARCHAR) AS Interfaces
    FROM grouped ORDER BY first_row
"""  # noqa: S608 - fixed texts


def recognises(head: bytes, name: str) -> bool:  # noqa: ARG001 - every source is asked the same way
    """A first JSON object that holds a flow with a verdict, or one of Hubble's other events.

    >>> recognises(b'{"flow":{"time":"2026-01-12T08:00:00Z","verdict":"FORWARDED"', "hubble.log")
    True
    """
    if not head.removeprefix(b"\xef\xbb\xbf").lstrip(b" \t\r\n[").startswith(b"{"):
        return False
    told = head.replace(b" ", b"")
    return b'"flow":{' in told or b'"lost_events":{' in told or (b'"verdict":"' in told and b'"IP":{' in told)


def read(paths: list[Path]) -> pd.DataFrame:
    """Read files of Hubble events into one conformed flow table.

    Events that belong to one flow are counted as folded. Verdicts become ``NetworkEvents`` and drop causes, `is_reply` becomes
    ``Initiator``. Columns beside the fields: ``Verdict``, ``SrcIdentity``, ``SrcLabels``, ``SrcNames`` (JSON lists), the same
    for Dst, ``HttpMethod``, ``HttpUrl``, ``HttpCode``. Raises `SourceError` for a file without a Hubble flow.
    """
    return with_lacks(stack([_read(path) for path in paths]))


def _read(path: Path) -> pd.DataFrame:
    with json_objects(path) as (connection, losses):
        losses = [*losses, *_other_events(connection, path.name)]
        connection.execute(f"CREATE TEMP TABLE events AS {READ}")
        losses += _sockets(connection)
        (count,) = connection.execute("SELECT count(*) FROM events").fetchone() or (0,)
        if not count:
            raise SourceError(f"cannot read '{path}': it holds no Hubble flow of packets")
        connection.execute(f"CREATE TEMP TABLE runs AS {_RUNS}")
        connection.execute(f"CREATE TEMP TABLE grouped AS {_GROUPED}")
        flows = Found(texts(connection, _FLOWS, _COLUMNS), tuple(losses), (_NO_TOTALS,)).conformed(path.name)
    folded = {"Hubble events of the same flow": int(count) - len(flows)}
    return with_provenance(flows, provenance(flows).folding(folded))


_NO_TOTALS = "Hubble counts neither bytes nor packets, and tells of few packets of a connection: both are missing"


def _other_events(connection: duckdb.DuckDBPyConnection, name: str) -> list[Loss]:
    (lost,) = connection.execute(
        "SELECT sum(coalesce(TRY_CAST(json ->> '/lost_events/num_events_lost' AS HUGEINT), 1)) FROM given "
        "WHERE json_exists(json, '/lost_events')"
    ).fetchone() or (None,)
    known = [Loss("events that Hubble lost before it wrote them", min(int(lost), 1 << 62))] if lost else []
    connection.execute("DELETE FROM given WHERE json_exists(json, '/lost_events')")
    return [*known, *left_out(connection, _IS_FLOW, "JSON values that are no Hubble flow", name)]


def _sockets(connection: duckdb.DuckDBPyConnection) -> list[Loss]:
    """Leave out what sockets were translated to: no packet, and its connection is told by the packets' own events."""
    test = "kind = 'SOCK' OR verdict IN ('TRACED', 'TRANSLATED')"
    (count,) = connection.execute(f"SELECT count(*) FROM events WHERE {test}").fetchone() or (0,)  # noqa: S608 - fixed texts
    connection.execute(f"DELETE FROM events WHERE {test}")  # noqa: S608 - fixed texts
    return [Loss("Hubble events of sockets, without a packet", int(count))]
