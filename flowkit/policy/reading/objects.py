"""What every policy object has: its name, namespace and annotations, and its place for messages."""

from __future__ import annotations

from collections.abc import Mapping

from flowkit.manifests.documents import Manifest
from flowkit.manifests.node import Node
from flowkit.policy.reading.selectors import is_subdomain

DEFAULT_NAMESPACE = "default"


def root(manifest: Manifest) -> Node:
    """The top of a policy's document, its place naming file and object; the object's name is checked.

    >>> root(Manifest({"metadata": {"name": "deny", "namespace": "shop"}}, "p.yaml", "NetworkPolicy")).place
    'p.yaml: NetworkPolicy shop/deny'
    """
    top = Node(manifest.body, f"{manifest.place}: {manifest.kind} {_called(manifest)}", "")
    meta = top.mapping("metadata")
    for key in ("name", "namespace"):
        text = meta.text(key, None if key == "name" else "")
        if text and not is_subdomain(text):
            meta.refuse(f"'{text}' is no name of an object: small letters, digits, '-' and '.'", key)
    return top


def _called(manifest: Manifest) -> str:
    meta = manifest.body.get("metadata")
    meta = meta if isinstance(meta, Mapping) else {}
    return "/".join(str(meta[key]) for key in ("namespace", "name") if meta.get(key)) or "without a name"


def namespace_of(top: Node) -> str:
    """The namespace an object is in; ``default`` where it does not say, as for kubectl.

    >>> namespace_of(Node({}, "p.yaml", ""))
    'default'
    """
    return top.mapping("metadata").text("namespace") or DEFAULT_NAMESPACE


def annotations_of(top: Node) -> tuple[tuple[str, str], ...]:
    """The annotations of an object, sorted; what is no text stays out, since nothing of ours reads it."""
    listed = top.mapping("metadata").mapping("annotations").body
    return tuple(sorted((str(key), value) for key, value in listed.items() if isinstance(value, str)))
