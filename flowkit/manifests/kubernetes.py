"""Kubernetes objects from a running cluster, as ``kubectl get … -A -o json`` would print them.

Uses the `kubernetes` client (extra ``cluster``) with the user's own kubeconfig, or the pod's service account inside a cluster;
reads only, in pages. The only file that imports it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from importlib import import_module
from typing import Any

from flowkit.errors import SpecError
from flowkit.manifests.documents import Manifest

_PAGE = 500
_PATHS = (
    ("Node", "/api/v1/nodes"),
    ("Namespace", "/api/v1/namespaces"),
    ("Pod", "/api/v1/pods"),
    ("Service", "/api/v1/services"),
    ("ReplicaSet", "/apis/apps/v1/replicasets"),
    ("Deployment", "/apis/apps/v1/deployments"),
    ("DaemonSet", "/apis/apps/v1/daemonsets"),
    ("StatefulSet", "/apis/apps/v1/statefulsets"),
    ("Job", "/apis/batch/v1/jobs"),
    ("EndpointSlice", "/apis/discovery.k8s.io/v1/endpointslices"),
)
# OpenShift's own; other clusters answer 404.
_OPTIONAL = (("Network", "/apis/config.openshift.io/v1/networks"),)
_GOOD, _ABSENT, _FORBIDDEN = 200, 404, (401, 403)
_PATIENCE = 30  # seconds a page may take


def cluster_objects(context: str | None = None) -> list[Manifest]:
    """Read the objects an inventory needs from the cluster of a kubeconfig `context` (the current one without).

    Raises `SpecError` naming what is missing: the client, a kubeconfig, the server, or the right to list a kind.
    """
    client = _client(context)
    found = [item for kind, path in _PATHS for item in _listed(client, kind, path)]
    for kind, path in _OPTIONAL:
        try:
            found += _listed(client, kind, path)
        except _NotThere:
            continue
    return found


class _NotThere(SpecError):
    """The cluster does not know this kind."""


def _client(context: str | None) -> Any:
    try:
        # Through Any: the client's own functions carry no types.
        client, config = (import_module(f"kubernetes.{name}") for name in ("client", "config"))
    except ImportError:
        raise SpecError("reading a cluster needs the package kubernetes: pip install 'flowkit-net[cluster]'") from None
    try:
        if context is None and _inside():
            config.load_incluster_config()
        else:
            config.load_kube_config(context=context)
    except config.ConfigException as error:
        raise SpecError(f"no cluster to read: {str(error).splitlines()[0]}") from None
    return client.ApiClient()


def _inside() -> bool:
    return "KUBERNETES_SERVICE_HOST" in os.environ and "KUBECONFIG" not in os.environ


def _listed(client: Any, kind: str, path: str) -> Iterator[Manifest]:
    """One kind, page by page."""
    onward = ""
    while True:
        body = _page(client, kind, path, [("limit", _PAGE), *([("continue", onward)] if onward else [])])
        for number, item in enumerate(body.get("items") or []):
            # Lists leave kind and version out of their items.
            yield Manifest({"kind": kind, "apiVersion": body.get("apiVersion", ""), **item}, f"{path} {number}", kind)
        onward = (body.get("metadata") or {}).get("continue") or ""
        if not onward:
            return


def _page(client: Any, kind: str, path: str, query: list[tuple[str, Any]]) -> dict[str, Any]:
    from kubernetes.client.exceptions import OpenApiException
    from urllib3.exceptions import HTTPError

    request = client.param_serialize("GET", path, query_params=query, auth_settings=["BearerToken"])
    try:
        answer = client.call_api(*request, _request_timeout=_PATIENCE)
        body = answer.read()
    except (HTTPError, OpenApiException, OSError) as error:
        raise SpecError(f"cannot list {kind}s: {type(error).__name__} from the server at {path}") from None
    if answer.status == _ABSENT:
        raise _NotThere(f"the cluster has no {kind}s at {path}")
    if answer.status != _GOOD:
        why = f"may not list {kind}s" if answer.status in _FORBIDDEN else f"cannot list {kind}s"
        raise SpecError(f"{why}: the server answers {answer.status} {answer.reason}")
    try:
        return dict(json.loads(body))
    except ValueError:
        raise SpecError(f"cannot list {kind}s: the server at {path} answers with what is no JSON") from None
