"""One NetworkPolicy (``networking.k8s.io/v1``), parsed, filled in and checked.

Source: Kubernetes ``pkg/apis/networking`` validation.go and v1/defaults.go; keys that do not exist are refused, as ``kubectl
apply`` does.
"""

from __future__ import annotations

from flowkit.manifests.documents import Manifest
from flowkit.manifests.node import Node
from flowkit.policy.model import EGRESS, INGRESS, NetworkPolicy, Peer, Port, Rule, Selector
from flowkit.policy.reading.objects import annotations_of, namespace_of, root
from flowkit.policy.reading.selectors import selector
from flowkit.policy.reading.values import block, number, port_name, protocol

API_VERSION = "networking.k8s.io/v1"
_DIRECTIONS = (INGRESS, EGRESS)


def parse_networkpolicy(manifest: Manifest) -> NetworkPolicy:
    """Parse one NetworkPolicy; raise `SpecError` naming file, object, key, value and way out for whatever is wrong.

    Without ``policyTypes`` it is about ingress, and about egress where it has egress rules.

    >>> body = {"metadata": {"name": "deny", "namespace": "shop"}, "spec": {"podSelector": {}}}
    >>> parse_networkpolicy(Manifest(body, "deny.yaml", "NetworkPolicy")).directions
    ('Ingress',)
    """
    top = root(manifest)
    top.only(("apiVersion", "kind", "metadata", "spec", "status"))
    spec = top.mapping("spec")
    spec.only(("podSelector", "policyTypes", "ingress", "egress"))
    ingress = tuple(_rule(entry, "from") for entry in spec.mappings("ingress"))
    egress = tuple(_rule(entry, "to") for entry in spec.mappings("egress"))
    return NetworkPolicy(
        namespace=namespace_of(top),
        name=top.mapping("metadata").text("name", None),
        subject=selector(spec, "podSelector") or Selector(),
        directions=_directions(spec, has_egress=bool(egress)),
        ingress=ingress,
        egress=egress,
        annotations=annotations_of(top),
        place=top.place,
    )


def _directions(spec: Node, *, has_egress: bool) -> tuple[str, ...]:
    listed = spec.texts("policyTypes")
    for place, text in enumerate(listed):
        if text not in _DIRECTIONS:
            spec.refuse(f"'{text}' is none of {', '.join(_DIRECTIONS)}", f"policyTypes[{place}]")
    if len(listed) > len(_DIRECTIONS):
        spec.refuse("may not hold more than two entries", "policyTypes")
    wanted = listed or (_DIRECTIONS if has_egress else (INGRESS,))
    return tuple(direction for direction in _DIRECTIONS if direction in wanted)


def _rule(entry: Node, peers: str) -> Rule:
    entry.only((peers, "ports"))
    return Rule(
        tuple(_peer(peer) for peer in entry.mappings(peers)), tuple(_port(port) for port in entry.mappings("ports"))
    )


def _peer(entry: Node) -> Peer:
    entry.only(("podSelector", "namespaceSelector", "ipBlock"))
    pods, namespaces = selector(entry, "podSelector"), selector(entry, "namespaceSelector")
    if entry.body.get("ipBlock") is None:
        if pods is None and namespaces is None:
            entry.refuse("must hold podSelector, namespaceSelector or ipBlock; for every peer leave the list out")
        return Peer(pods, namespaces)
    if pods is not None or namespaces is not None:
        entry.refuse(
            "must stand alone, without podSelector and namespaceSelector: make it a peer of its own", "ipBlock"
        )
    return Peer(block=block(entry.mapping("ipBlock")))


def _port(entry: Node) -> Port:
    entry.only(("protocol", "port", "endPort"))
    proto = protocol(entry)
    port: int | str | None = None
    if isinstance(entry.body.get("port"), str):
        port = port_name(entry, "port")
    elif entry.body.get("port") is not None:
        port = number(entry, "port")
    return Port(proto, port, _end(entry, port))


def _end(entry: Node, port: int | str | None) -> int | None:
    if entry.body.get("endPort") is None:
        return None
    if not isinstance(port, int):
        entry.refuse("needs a port that is a number", "endPort")
    end = number(entry, "endPort")
    if end < port:
        entry.refuse(f"'{end}' must not be less than port {port}", "endPort")
    return end
