"""A running cluster, played by an HTTP server that answers with the recorded one's objects, in pages."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from flowkit.enrich import Inventory
from flowkit.errors import SpecError
from flowkit.manifests.kubernetes import _PATHS, cluster_objects

KINDS = {path: kind for kind, path in _PATHS}


@pytest.fixture
def server(cluster, tmp_path, monkeypatch):
    items = json.loads((cluster / "cluster.json").read_text())["items"]
    forbidden: set[str] = set()
    seen: list[str] = []

    class API(BaseHTTPRequestHandler):
        def do_GET(self):
            url = urlsplit(self.path)
            query = parse_qs(url.query)
            seen.append(self.headers.get("authorization", ""))
            kind = KINDS.get(url.path)
            if kind is None or kind in forbidden:
                self.send_error(403 if kind else 404)
                return
            mine = [
                {k: v for k, v in item.items() if k not in ("kind", "apiVersion")}
                for item in items
                if item["kind"] == kind
            ]
            start = int(query.get("continue", ["0"])[0])
            more = {"continue": str(start + 7)} if len(mine) > start + 7 else {}
            body = json.dumps(
                {"kind": f"{kind}List", "apiVersion": "v1", "metadata": more, "items": mine[start : start + 7]}
            ).encode()
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), API)
    thread = threading.Thread(target=http.serve_forever, daemon=True)
    thread.start()
    config = {
        "current-context": "lab",
        "contexts": [{"name": "lab", "context": {"cluster": "lab", "user": "me"}}],
        "clusters": [{"name": "lab", "cluster": {"server": f"http://127.0.0.1:{http.server_port}"}}],
        "users": [{"name": "me", "user": {"token": "secret-token"}}],
    }
    path = tmp_path / "kubeconfig"
    path.write_text(json.dumps(config))
    monkeypatch.setenv("KUBECONFIG", str(path))
    monkeypatch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(path))
    yield forbidden, seen
    http.shutdown()
    thread.join()
    http.server_close()


def test_a_running_cluster_is_the_inventory_its_export_is(server, cluster):
    live, exported = Inventory.of(cluster_objects()), Inventory.load(cluster / "cluster.json")
    assert live.identities == exported.identities
    assert live.backends == exported.backends
    assert set(server[1]) == {"Bearer secret-token"}


def test_what_may_not_be_listed_is_named_without_the_token(server):
    server[0].add("Service")
    with pytest.raises(SpecError, match="may not list Services: the server answers 403") as caught:
        cluster_objects()
    assert "secret" not in str(caught.value)


def test_no_kubeconfig_and_no_such_context(server, monkeypatch, tmp_path):
    with pytest.raises(SpecError, match="no cluster to read"):
        cluster_objects("elsewhere")


def test_a_server_that_is_down(tmp_path, monkeypatch):
    path = tmp_path / "kubeconfig"
    config = {
        "current-context": "x",
        "contexts": [{"name": "x", "context": {"cluster": "x", "user": "x"}}],
        "clusters": [{"name": "x", "cluster": {"server": "http://127.0.0.1:9"}}],
        "users": [{"name": "x", "user": {}}],
    }
    path.write_text(json.dumps(config))
    monkeypatch.setenv("KUBECONFIG", str(path))
    monkeypatch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(path))
    with pytest.raises(SpecError, match="cannot list Nodes"):
        cluster_objects()
