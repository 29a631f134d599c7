"""A server for tests that answers what it is told: a list of (status, headers, body, share of the body that is sent)."""

from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.serving import in_background


@dataclass
class Answer:
    status: int = 200
    body: bytes = b'{"status": "success", "data": {"resultType": "vector", "result": []}}'
    headers: dict = field(default_factory=dict)
    share: float = 1.0


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 20

    def log_message(self, format, *args):  # noqa: A002 - the base class's name
        """Tests are quiet."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.asked.append((self.path, dict(self.headers), body))
        answer = self.server.answers.pop(0) if self.server.answers else Answer()
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Connection", "close")
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body[: int(len(answer.body) * answer.share)])
        self.close_connection = True

    do_GET = do_POST  # noqa: N815 - the base class's name


class Scripted(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, answers):
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers, self.asked = list(answers), []

    def handle_error(self, request, client_address):
        """A client that hangs up is part of the tests."""


def scripted(*answers, context=None):
    return in_background(Scripted(answers), context)
