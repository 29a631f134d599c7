"""A Loki for tests: a real HTTP or HTTPS server that speaks ``query_range`` from a list of entries, and fails on request."""

from __future__ import annotations

import json
import re
import ssl
import subprocess
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from tests.serving import in_background
from tests.sources import forms


class FakeLoki(ThreadingHTTPServer):
    """`entries` are (labels, ns, line); `faults` are used up, one a request: see `Handler`."""

    daemon_threads = True

    def __init__(self, entries, largest=5000):
        super().__init__(("127.0.0.1", 0), Handler)
        self.entries, self.largest = entries, largest
        self.faults, self.asked, self.headers_seen, self.last = [], [], [], None

    def handle_error(self, request, client_address):
        """A client that hangs up is part of the tests."""

    def answer(self, start, end, limit, query):
        wanted = dict(re.findall(r'(\w+)="([^"]*)"', query.split("}")[0]))
        found = [e for e in self.entries if start <= e[1] < end and wanted.items() <= e[0].items()]
        unique = {(json.dumps(labels), time, line): (labels, time, line) for labels, time, line in found}
        return forms.streams(sorted(unique.values(), key=lambda entry: entry[1])[:limit])


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 20

    def log_message(self, format, *args):  # noqa: A002 - the base class's name
        """Tests are quiet."""

    def do_GET(self):
        loki = self.server
        asked = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
        loki.asked.append(asked)
        loki.headers_seen.append(dict(self.headers))
        fault = loki.faults.pop(0) if loki.faults else ""
        limit = int(asked["limit"])
        if not urlsplit(self.path).path.endswith("/loki/api/v1/query_range"):
            return self.send(404, b"page not found")
        if isinstance(fault, tuple):
            return self.send(*fault)
        if limit > loki.largest:
            return self.send(400, b"max entries limit per query exceeded, limit > max_entries_limit")
        result = loki.answer(int(asked["start"]), int(asked["end"]), limit, asked["query"])
        if fault == "duplicate page" and loki.last is not None:
            result = loki.last
        if fault == "out of order":
            result = [{**s, "values": [*reversed(s["values"]), s["values"][0]]} for s in reversed(result)]
        loki.last = result
        body = json.dumps({"status": "success", "data": {"resultType": "streams", "result": result}}).encode()
        if fault == "cut":
            return self.send(200, body, cut=True)
        if fault == "cut JSON":
            return self.send(200, body[: len(body) // 2])
        return self.send(200, body)

    def send(self, status, body, headers=None, cut=False):
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if cut else body)
        self.close_connection = True


def serving(entries, context=None, largest=5000):
    return in_background(FakeLoki(entries, largest), context)


def certificates(folder):
    """An authority, a server's certificate for 127.0.0.1 and a client's: ``ca.pem``, ``server.*``, ``client.*``."""

    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    (folder / "ca.cnf").write_text("basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n")
    (folder / "server.cnf").write_text("subjectAltName=IP:127.0.0.1\n")
    (folder / "client.cnf").write_text("extendedKeyUsage=clientAuth\n")
    for name in ("ca", "server", "client"):
        openssl("req", *key, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
        signer = ("-signkey", "ca.key") if name == "ca" else ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial")
        openssl(
            "x509",
            "-req",
            "-in",
            f"{name}.csr",
            "-days",
            "2",
            "-out",
            f"{name}.pem",
            "-extfile",
            f"{name}.cnf",
            *signer,
        )
    return folder


def tls(folder, ask_client=False):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem", folder / "server.key")
    if ask_client:
        context.load_verify_locations(folder / "ca.pem")
        context.verify_mode = ssl.CERT_REQUIRED
    return context
