"""What every Kubernetes object has: its metadata and a reference to its owner."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid5

Object = dict[str, Any]

CREATED = "2026-01-12T08:00:00Z"
UIDS = UUID("6f0c9a52-3b1e-4b6e-9a57-0d5f6c1e2a34")  # ours alone: any constant gives stable uids


def metadata(kind: str, namespace: str, name: str, labels: Mapping[str, str], made_by: Object | None = None) -> Object:
    """Write an object's metadata."""
    return {
        "creationTimestamp": CREATED,
        **({"labels": dict(labels)} if labels else {}),
        "name": name,
        **({"namespace": namespace} if namespace else {}),
        **({"ownerReferences": [made_by]} if made_by else {}),
        "resourceVersion": str(10_000 + int(uid(kind, namespace, name)[:4], 16)),
        "uid": uid(kind, namespace, name),
    }


def uid(kind: str, namespace: str, name: str) -> str:
    """Make an object's stable uid."""
    return str(uuid5(UIDS, f"{kind}/{namespace}/{name}"))


def owner(api: str, kind: str, namespace: str, name: str) -> Object:
    """Refer to an owner that controls the object."""
    return {
        "apiVersion": api,
        "blockOwnerDeletion": True,
        "controller": True,
        "kind": kind,
        "name": name,
        "uid": uid(kind, namespace, name),
    }
