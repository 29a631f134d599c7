"""A cluster of two nodes for tests, as kubectl prints it."""

from __future__ import annotations

from typing import Any


def _owner(kind: str, name: str) -> list[dict[str, Any]]:
    return [{"kind": kind, "name": name, "controller": True}]


def _pod(
    name: str, namespace: str, node: int, address: str, owners: list[Any] | None = None, **labels: str
) -> dict[str, Any]:
    host = f"10.0.0.1{node}"
    return {
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "ownerReferences": owners or [], "labels": labels},
        "spec": {"nodeName": f"node-{'ab'[node - 1]}"},
        "status": {"phase": "Running", "hostIP": host, "podIP": address, "podIPs": [{"ip": address}]},
    }


def _node(letter: str, address: str) -> dict[str, Any]:
    return {
        "kind": "Node",
        "metadata": {"name": f"node-{letter}", "labels": {"topology.kubernetes.io/zone": f"zone-{letter}"}},
        "status": {
            "addresses": [{"type": "Hostname", "address": f"node-{letter}"}, {"type": "InternalIP", "address": address}]
        },
    }


def _service(name: str, namespace: str, address: str) -> dict[str, Any]:
    return {
        "kind": "Service",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"clusterIP": address, "clusterIPs": [address]},
    }


OBJECTS: list[dict[str, Any]] = [
    _node("a", "10.0.0.11"),
    _node("b", "10.0.0.12"),
    {"kind": "Deployment", "metadata": {"name": "web", "namespace": "shop"}},
    {
        "kind": "ReplicaSet",
        "metadata": {"name": "web-7d9", "namespace": "shop", "ownerReferences": _owner("Deployment", "web")},
    },
    _pod("web-7d9-x", "shop", 1, "10.128.0.5", _owner("ReplicaSet", "web-7d9"), **{"pod-template-hash": "7d9"}),
    _pod("db-0", "data", 2, "10.129.0.6", _owner("StatefulSet", "db")),
    _pod("flp-q", "netobserv", 1, "10.128.0.7", _owner("DaemonSet", "flowlogs-pipeline")),
    _pod("agent-z", "netobserv", 2, "10.0.0.12", _owner("DaemonSet", "agent")),
    _pod("alone", "shop", 1, "10.128.0.9"),
    _service("api", "shop", "172.30.0.9"),
    _service("kubernetes", "default", "172.30.0.1"),
    _service("headless", "shop", "None"),
]
CLUSTER: dict[str, Any] = {"kind": "List", "apiVersion": "v1", "items": OBJECTS}
