"""One request to Loki, asked again while that helps: busy, failing and unreachable servers, cut and senseless answers.

The standard library's client is enough for this, and does two things right by doing nothing: it follows no redirect, which
could carry the token elsewhere, and it logs nothing.
"""

from __future__ import annotations

import http.client
import json
import random
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

from flowkit.errors import SourceError
from flowkit.sources.loki.server import Loki

_PATH = "/loki/api/v1/query_range"
_LONGEST_WAIT = 60.0
_BLOCK = 1 << 20
_BUSY = 429


class _Failure(Exception):
    """What went wrong and may go better, and how long the server wants us to wait (0 where it does not say)."""

    def __init__(self, what: str, wait: float = 0.0) -> None:
        super().__init__(what)
        self.what, self.wait = what, wait


def asking(
    server: Loki, sleep: Callable[[float], object] = time.sleep
) -> Callable[[Mapping[str, str]], dict[str, Any]]:
    """A function that asks `server` for one page, by the parameters of ``query_range``, and returns the answer's ``data``.

    It waits with `sleep` between attempts: as long as the server says, or twice as long each time. It raises `SourceError`
    when the server refuses, redirects, or fails as often as `server.attempts` allows.
    """
    context = server.tls() if server.url.startswith("https:") else None

    def connection() -> http.client.HTTPConnection:
        host = urlsplit(server.url).netloc
        if context is None:
            return http.client.HTTPConnection(host, timeout=server.timeout)
        return http.client.HTTPSConnection(host, timeout=server.timeout, context=context)

    def ask(parameters: Mapping[str, str]) -> dict[str, Any]:
        target = f"{urlsplit(server.url).path}{_PATH}?{urlencode(parameters)}"
        failure = _Failure("")
        for attempt in range(server.attempts):
            if attempt:
                sleep(min(failure.wait or 2.0 ** (attempt - 2) * random.uniform(1, 2), _LONGEST_WAIT))  # noqa: S311 - no secret
            try:
                return _once(server, connection(), target)
            except _Failure as error:
                failure = error
        raise SourceError(f"Loki at {server.url} failed {server.attempts} times, at last: {failure.what}")

    return ask


def _once(server: Loki, connection: http.client.HTTPConnection, target: str) -> dict[str, Any]:
    try:
        connection.request("GET", target, headers=server.headers())
        response = connection.getresponse()
        body = _body(response, time.monotonic() + 10 * server.timeout)
    except (OSError, http.client.HTTPException) as error:
        raise _failure(server, error) from None
    finally:
        connection.close()
    if response.status == http.client.OK:
        return _data(server, body)
    said = server.without_secrets(body[:2000].decode("utf-8", "replace"))
    if response.status == _BUSY or response.status >= 500:
        raise _Failure(f"{response.status} {said}", _seconds(response.headers.get("Retry-After", "")))
    raise SourceError(f"Loki at {server.url} refuses: {response.status} {_HINTS.get(response.status, '')}{said}")


_HINTS = {
    401: "(is there a token, and is it still valid?) ",
    403: "(may this user read the tenant's flows?) ",
    404: "(does the URL end before /loki/api/v1?) ",
    **dict.fromkeys((301, 302, 303, 307, 308), "(a redirect, which is not followed so that no token goes elsewhere) "),
}


def _failure(server: Loki, error: Exception) -> Exception:
    """A certificate that cannot be trusted stays so; all else may pass."""
    what = server.without_secrets(f"{type(error).__name__}: {error}")
    if type(error).__name__ == "SSLCertVerificationError":
        return SourceError(f"Loki at {server.url} cannot be trusted: {what}; name its authority with ca")
    return _Failure(what)


def _body(response: http.client.HTTPResponse, deadline: float) -> bytes:
    blocks = []
    while block := response.read1(_BLOCK):
        blocks.append(block)
        if time.monotonic() > deadline:
            raise TimeoutError("the answer takes too long")
    # read1 takes an early end for the end.
    if response.length:
        raise http.client.IncompleteRead(b"", response.length)
    return b"".join(blocks)


def _data(server: Loki, body: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        raise _Failure(
            f"an answer that is no JSON: {server.without_secrets(body[:80].decode('utf-8', 'replace'))}"
        ) from None
    data = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(data, dict):
        raise _Failure("an answer without data")
    if data.get("resultType") != "streams":
        raise SourceError(f"Loki at {server.url} answers with metrics, not flows: ask without rate, count or sum")
    return data


def _seconds(text: str) -> float:
    try:
        return max(0.0, float(text))
    except ValueError:
        return 0.0
