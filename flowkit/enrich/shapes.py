"""What the parts of Kubernetes objects that an inventory reads must look like; an object of another shape is told apart by it.

Source: the Kubernetes API reference (core/v1, apps/v1, discovery.k8s.io/v1), as far as it is read here. The API server never
writes another shape; a file from a stranger may.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from flowkit.enrich.objects import Body


@dataclass(frozen=True)
class _Each:
    """A mapping whose keys are anybody's and whose values all have one shape."""

    shape: Any


@dataclass(frozen=True)
class _Needed:
    """A part that must be there."""

    shape: Any


_META = {
    "name": str,
    "namespace": str,
    "uid": str,
    "labels": _Each(str),
    "annotations": _Each(str),
    "ownerReferences": [{"kind": str, "name": str}],
}
_POD_SPEC = {
    "nodeName": str,
    "hostNetwork": bool,
    "containers": [{"ports": [{"containerPort": int, "protocol": str, "name": str}]}],
}
_TERMINATED: Mapping[str, Any] = {"state": {"terminated": {}}}
_STATUS = {
    "Pod": {
        "hostIP": str,
        "hostIPs": [{"ip": str}],
        "podIP": str,
        "podIPs": [{"ip": str}],
        "phase": str,
        "containerStatuses": [_TERMINATED],
    },
    "Node": {"addresses": [{"type": str, "address": _Needed(str)}]},
}
_SERVICE_PORT = {"name": str, "port": _Needed(int), "protocol": str, "targetPort": (int, str)}
_SPEC = {
    "Pod": _POD_SPEC,
    "Service": {"clusterIP": str, "clusterIPs": [str], "ports": [_SERVICE_PORT], "selector": _Each(str)},
}
_SLICE = {"endpoints": [{"addresses": [str]}], "ports": [{"name": str, "port": int, "protocol": str}]}
_MORE: Mapping[str, Mapping[str, Any]] = {"EndpointSlice": _SLICE}


def misshapen(body: Body, kind: str) -> str:
    """The first part of an object that is not what the API says, as ``status.podIPs: must be a list``; ``""`` if all is well.

    >>> misshapen({"metadata": {"name": "web"}, "status": {"podIPs": "10.128.0.5"}}, "Pod")
    'status.podIPs: must be a list'
    """
    shape = {"metadata": _META, "spec": _SPEC.get(kind, {}), "status": _STATUS.get(kind, {}), **_MORE.get(kind, {})}
    return next(_complaints(body, shape, ""), "")


def _complaints(value: Any, shape: Any, path: str) -> Iterator[str]:
    if isinstance(shape, _Needed):
        if value is None:
            yield f"{path}: is missing"
        shape = shape.shape
    if value is None:
        return
    if isinstance(shape, list):
        yield from _items(value, shape[0], path)
    elif isinstance(shape, Mapping | _Each):
        yield from _parts(value, shape, path)
    elif not isinstance(value, shape) or (isinstance(value, bool) and shape is not bool):
        yield f"{path}: must be {_NAMES[shape]}"


_NAMES = {str: "text", int: "a whole number", bool: "true or false", (int, str): "a whole number or text"}


def _items(value: Any, shape: Any, path: str) -> Iterator[str]:
    if not isinstance(value, list):
        yield f"{path}: must be a list"
        return
    for number, item in enumerate(value):
        yield from _complaints(item, _Needed(shape), f"{path}[{number}]")


def _parts(value: Any, shape: Mapping[str, Any] | _Each, path: str) -> Iterator[str]:
    if not isinstance(value, Mapping):
        yield f"{path}: must be a mapping"
        return
    each = isinstance(shape, _Each)
    for key in value if isinstance(shape, _Each) else shape:
        inner = shape.shape if isinstance(shape, _Each) else shape[key]
        yield from _complaints(value.get(key), inner, str(key) if not path else f"{path}.{'*' if each else key}")
