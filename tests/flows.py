"""Flow tables for tests, a row in one line."""

from __future__ import annotations

from typing import Any

import pandas as pd

from flowkit.contract import FLAG_BITS, conform

OPENING = "SYN ACK FIN_ACK"
ANSWERING = "SYN_ACK ACK FIN_ACK"


def flow(src: str, dst: str, flags: str | None = None, proto: int = 6, **more: Any) -> dict[str, Any]:
    """One flow: ends as ``address:port`` (``[v6]:port``, or a bare address), flags by name; anything else by field name."""
    (src_addr, src_port), (dst_addr, dst_port) = _socket(src), _socket(dst)
    row: dict[str, Any] = {
        "SrcAddr": src_addr,
        "DstAddr": dst_addr,
        "SrcPort": src_port,
        "DstPort": dst_port,
        "Proto": proto,
        "Bytes": 100,
        "Packets": 1,
        "TimeFlowStartMs": 1_000,
        "TimeFlowEndMs": 2_000,
    }
    if flags is not None:
        row["Flags"] = sum(FLAG_BITS[name] for name in flags.split())
    return row | more


def table(*flows: dict[str, Any]) -> pd.DataFrame:
    """A conformed flow table of such rows."""
    return conform(pd.DataFrame(list(flows)))


def exchange(client: str, server: str, **more: Any) -> list[dict[str, Any]]:
    """A TCP connection that was opened, answered and closed: one flow each way."""
    back = {_swap(name): value for name, value in more.items()}
    return [flow(client, server, OPENING, **more), flow(server, client, ANSWERING, **back)]


def pod(side: str, name: str, namespace: str = "shop", host: str = "10.0.0.11") -> dict[str, str]:
    """The fields of one end that is a pod of a Deployment called `name`."""
    return {
        f"{side}K8S_Name": f"{name}-1",
        f"{side}K8S_Type": "Pod",
        f"{side}K8S_Namespace": namespace,
        f"{side}K8S_OwnerName": name,
        f"{side}K8S_OwnerType": "Deployment",
        f"{side}K8S_HostIP": host,
    }


def service(side: str, name: str, namespace: str = "shop") -> dict[str, str]:
    """The fields of one end that is a Service."""
    return {
        f"{side}K8S_Name": name,
        f"{side}K8S_Type": "Service",
        f"{side}K8S_Namespace": namespace,
        f"{side}K8S_OwnerName": name,
        f"{side}K8S_OwnerType": "Service",
    }


def _socket(text: str) -> tuple[str, int | None]:
    if text.startswith("["):
        address, _, port = text[1:].partition("]:")
        return address.rstrip("]"), int(port) if port else None
    address, _, port = text.partition(":")
    return address, int(port) if port else None


def _swap(name: str) -> str:
    other = {"Src": "Dst", "Dst": "Src"}
    return other.get(name[:3], name[:3]) + name[3:]
