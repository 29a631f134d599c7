"""A server: listens on its ports until it is told to stop. `python -m data.lab.programs.server ORDERS`.

ORDERS is JSON: `{"listen": [{"address", "port", "speaks"}…], "on_request": [[REQUEST…]…], "certificate": PATH}`.
A request for the page / first makes one request of each list, as an API asks the ones behind it.
"""

from __future__ import annotations

import json
import random
import signal
import socket
import socketserver
import ssl
import sys
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

from data.lab.programs.wire import Request, perform


class Page(BaseHTTPRequestHandler):
    """Answers every path with some text."""

    protocol_version = "HTTP/1.1"
    timeout = 5.0
    on_request: ClassVar[list[list[Request]]] = []

    def do_GET(self) -> None:
        """Answer a question, after asking our own."""
        if self.path == "/":
            for choices in self.on_request:
                with suppress(OSError):
                    perform(random.choice(choices))
        self._answer(b"ok\n" if self.path == "/healthz" else b"%d items\n" % random.randrange(9) * 300)

    def do_POST(self) -> None:
        """Take what is sent."""
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self._answer(b"taken\n")

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words: Any) -> None:
        """Say nothing: a probe every few seconds is no news."""


class WebServer(ThreadingHTTPServer):
    """HTTP on one address of either family, with TLS if it has a certificate."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, address: str, port: int, certificate: str) -> None:
        self.address_family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.context = None
        if certificate:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(certificate)
        super().__init__((address, port), Page)

    def server_bind(self) -> None:
        """Bind, and do not ask the DNS for our own name as the library would."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Shake hands in the request's own thread, so that a silent client holds up nobody."""
        if self.context:
            request.settimeout(Page.timeout)
            request = self.context.wrap_socket(request, server_side=True)
        super().finish_request(request, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a probe that only connects is no error."""


class Echo(socketserver.StreamRequestHandler):
    """Answers each line."""

    timeout = 5.0

    def handle(self) -> None:
        """Answer until the client leaves."""
        with suppress(OSError):
            for text in self.rfile:
                self.wfile.write(b"250 " + text)


class LineServer(socketserver.ThreadingTCPServer):
    """A line protocol over TCP."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 64


class Sink(socketserver.BaseRequestHandler):
    """Takes datagrams in silence."""

    def handle(self) -> None:
        """Do nothing."""


class Clock(socketserver.BaseRequestHandler):
    """Answers each datagram with as many bytes."""

    def handle(self) -> None:
        """Answer."""
        data, sock = self.request
        sock.sendto(b"\x1c" + data[1:], self.client_address)


def listen(address: str, port: int, speaks: str, certificate: str) -> socketserver.BaseServer:
    """Open a server on a port."""
    match speaks:
        case "http":
            return WebServer(address, port, "")
        case "https":
            return WebServer(address, port, certificate)
        case "line":
            return LineServer((address, port), Echo)
        case "sink":
            return socketserver.UDPServer((address, port), Sink)
        case "clock":
            return socketserver.UDPServer((address, port), Clock)
    raise ValueError(f"no server speaks {speaks!r}")


def main(orders: str) -> None:
    """Serve until SIGTERM."""
    wanted = json.loads(orders)
    Page.on_request = [[Request(**r) for r in choices] for choices in wanted["on_request"]]
    for port in wanted["listen"]:
        server = listen(port["address"], port["port"], port["speaks"], wanted["certificate"])
        threading.Thread(target=server.serve_forever, daemon=True).start()
    signal.sigwait({signal.SIGTERM, signal.SIGINT})


if __name__ == "__main__":
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    main(sys.argv[1])
