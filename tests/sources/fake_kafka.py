"""Brokers for tests: librdkafka's own mock cluster, and one that only lets in by password and repeats what it was told."""

import socketserver
import struct
import threading
from contextlib import contextmanager

import pytest


@contextmanager
def cluster(topic, values):
    """A broker of librdkafka, over TCP, whose `topic` holds `values`; yields its address and a function to add more."""
    confluent = pytest.importorskip(
        "confluent_kafka", reason="confluent-kafka is not installed: no broker to read from"
    )
    producer = confluent.Producer({"test.mock.num.brokers": 1, "bootstrap.servers": "mock:1", "log_level": 0})
    broker = next(iter(producer.list_topics(timeout=10).brokers.values()))

    def add(more):
        for value in more:
            producer.produce(topic, value)
        assert producer.flush(10) == 0

    add(values)
    yield f"{broker.host}:{broker.port}", add


class _Gate(socketserver.BaseRequestHandler):
    """Answers ApiVersions, SaslHandshake and SaslAuthenticate; refuses every login with the client's own bytes."""

    def handle(self):
        while len(size := self._exactly(4)) == 4:
            request = self._exactly(struct.unpack(">i", size)[0])
            key, _, correlation = struct.unpack(">hhi", request[:8])
            answer = struct.pack(">i", correlation) + self._answer(key, request)
            self.request.sendall(struct.pack(">i", len(answer)) + answer)

    def _exactly(self, count):
        found = b""
        while len(found) < count and (more := self.request.recv(count - len(found))):
            found += more
        return found

    def _answer(self, key, request):
        if key == 18:
            keys = [(18, 0, 0), (17, 1, 1), (36, 0, 0), (3, 0, 4)]
            return (
                struct.pack(">hi", 0, len(keys))
                + b"".join(struct.pack(">hhh", *one) for one in keys)
                + struct.pack(">i", 0)
            )
        if key == 17:
            return struct.pack(">hih", 0, 1, 5) + b"PLAIN"
        said = request.split(b"\0")[-1]
        self.server.told.append(said)
        said = b"wrong: " + said
        return struct.pack(">hh", 58, len(said)) + said + struct.pack(">i", 0)


@contextmanager
def gate(context):
    """A broker behind TLS that refuses every login; yields it: `told` is what came as password."""

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        told: list[bytes] = []  # noqa: RUF012

        def get_request(self):
            connection, address = super().get_request()
            return context.wrap_socket(connection, server_side=True), address

        def handle_error(self, request, address):
            pass

    with Server(("127.0.0.1", 0), _Gate) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server
        finally:
            server.shutdown()
