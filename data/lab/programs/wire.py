"""One function for each thing a client can say.

Each opens a connection of its own, and raises OSError when it fails.
"""

from __future__ import annotations

import os
import socket
import ssl
import subprocess
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException

TIMEOUT = 3.0
IMPATIENT = 1.3  # of a bare connect: long enough for one retransmitted SYN


@dataclass(frozen=True)
class Request:
    """What to say to whom: a name or an address, a port (0 for ICMP), and our own address when we have several."""

    speaks: str
    host: str
    port: int
    family: int = 4
    source: str = ""
    path: str = "/"
    upload: int = 0


def perform(request: Request) -> None:
    """Do what a request says."""
    SPEECH[request.speaks](request)


def connect(request: Request, kind: int = socket.SOCK_STREAM, timeout: float = TIMEOUT) -> socket.socket:
    """Connect a socket. One address family alone, so that a client asks the DNS for just that."""
    family = socket.AF_INET6 if request.family == 6 else socket.AF_INET
    address = socket.getaddrinfo(request.host, request.port, family, kind)[0][4]
    sock = socket.socket(family, kind)
    try:
        sock.settimeout(timeout)
        if request.source:
            sock.bind((request.source, 0))
        sock.connect(address)
    except OSError:
        sock.close()
        raise
    return sock


def http(request: Request) -> None:
    """Get a page, then send one on the same connection."""
    with connect(request) as sock:
        _exchange(sock, request)


def https(request: Request) -> None:
    """Do the same over TLS, with the server's name in the hello. The lab's certificates are self-signed."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with connect(request) as sock, context.wrap_socket(sock, server_hostname=request.host) as safe:
        _exchange(safe, request)


def _exchange(sock: socket.socket, request: Request) -> None:
    connection = HTTPConnection(request.host, request.port)
    connection.sock = sock
    try:
        connection.request("GET", request.path)
        connection.getresponse().read()
        if request.path == "/":
            connection.request("POST", "/items", body=os.urandom(request.upload or 80), headers={"Connection": "close"})
            connection.getresponse().read()
    except HTTPException as error:
        raise OSError(str(error)) from error


def redis(request: Request) -> None:
    """Count a visit and read the counter back."""
    with connect(request) as sock:
        sock.sendall(b"INCR visits\r\nGET visits\r\n")
        sock.recv(4096)
        sock.sendall(b"QUIT\r\n")
        while sock.recv(4096):
            pass


def postgres(request: Request) -> None:
    """Ask PostgreSQL something through its own client."""
    where = ["-h", request.host, "-p", str(request.port), "-U", "postgres", "-d", "postgres"]
    question = "select relname, relkind from pg_class limit 200"
    done = subprocess.run(["psql", "-X", "-q", *where, "-c", question], capture_output=True, check=False)
    if done.returncode:
        raise OSError(done.stderr.decode())


def line(request: Request) -> None:
    """Send a line, read the answer."""
    with connect(request) as sock:
        sock.sendall(b"EHLO lab\n")
        sock.recv(4096)


def sink(request: Request) -> None:
    """Send one datagram that nobody answers."""
    with connect(request, socket.SOCK_DGRAM) as sock:
        sock.send(b"<134>shop.requests:1|c")


def clock(request: Request) -> None:
    """Ask for the time."""
    with connect(request, socket.SOCK_DGRAM) as sock:
        sock.send(b"\x1b" + bytes(47))
        sock.recv(512)


def bare(request: Request) -> None:
    """Connect and say nothing."""
    connect(request, timeout=IMPATIENT).close()


def ping(request: Request) -> None:
    """Send two echo requests."""
    command = ["ping", f"-{request.family}", "-n", "-q", "-c", "2", "-i", "0.3", "-W", "1", request.host]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        raise OSError(f"no echo from {request.host}")


SPEECH = {
    "http": http,
    "https": https,
    "redis": redis,
    "postgres": postgres,
    "line": line,
    "sink": sink,
    "clock": clock,
    "connect": bare,
    "ping": ping,
}
