"""prometheus-pandas' client, made fit for real servers: POST, TLS and tokens, time-outs, retries, errors in Prometheus' words.

The only file that imports prometheus_pandas, and requests, which that package needs but does not declare.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable, Mapping
from typing import Any

from flowkit.errors import FlowkitError, QueryError, SourceError
from flowkit.sources.prometheus.server import Prometheus

try:
    import requests
    from prometheus_pandas.query import Prometheus as PandasClient
    from requests.adapters import HTTPAdapter
except ImportError as error:
    raise FlowkitError("reading a Prometheus needs more: pip install 'flowkit-net[prometheus]'") from error

_LONGEST_WAIT = 60.0
_OK, _BUSY, _SERVER_FAULT = 200, 429, 500
_REFUSALS = (400, 422)
_PLACE = re.compile(r"\b(\d+):(\d+): ")
_HINTS = {
    401: "(is there a token, and is it still valid?) ",
    403: "(may this user read metrics?) ",
    404: "(does the URL end before /api/v1?) ",
    413: "(the query is too long for it) ",
    **dict.fromkeys((301, 302, 303, 307, 308), "(a redirect, which is not followed so that no token goes elsewhere) "),
}


class _Failure(Exception):
    """What went wrong and may go better, and how long the server wants us to wait (0 where it does not say)."""

    def __init__(self, what: str, wait: float = 0.0) -> None:
        super().__init__(what)
        self.what, self.wait = what, wait


class _Verified(HTTPAdapter):
    """Connections by the server's own TLS context."""

    def __init__(self, server: Prometheus) -> None:
        self._context = server.tls()
        super().__init__()

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        super().init_poolmanager(*arguments, **options, ssl_context=self._context)

    def cert_verify(self, connection: Any, url: str, verify: object, cert: object) -> None:
        """Leave all to the context; requests would trust its own list of authorities."""


class Client(PandasClient):  # type: ignore[misc]  # that package says no types
    """`query` and `query_range` are prometheus-pandas' own; `data` and `noted` are what tidy tables are made of."""

    def __init__(self, server: Prometheus, sleep: Callable[[float], object] = time.sleep) -> None:
        session = requests.Session()
        session.auth = self._signed
        if server.url.startswith("https:"):
            session.mount("https://", _Verified(server))
        super().__init__(server.url, session)
        self.server, self._sleep = server, sleep
        self.noted: list[str] = []

    def __repr__(self) -> str:
        return f"Client({self.server!r})"

    def data(self, path: str, parameters: Mapping[str, Any], method: str = "POST") -> Any:
        """The ``data`` of an answer; warnings are kept in `noted`.

        Raises `QueryError` for a query the server does not understand or cannot evaluate, with its words and place, and
        `SourceError` when it refuses otherwise or fails as often as `server.attempts` allows.
        """
        failure = _Failure("")
        for attempt in range(self.server.attempts):
            if attempt:
                self._sleep(min(failure.wait or 2.0 ** (attempt - 2) * random.uniform(1, 2), _LONGEST_WAIT))  # noqa: S311
            try:
                return self._once(path, parameters, method)
            except _Failure as error:
                failure = error
        raise SourceError(
            f"Prometheus at {self.server.url} failed {self.server.attempts} times, at last: {failure.what}"
        )

    def _do_query(self, path: str, params: dict[str, Any]) -> Any:
        """What prometheus-pandas calls; its own speaks GET, which breaks on long queries."""
        return self.data(path, params)

    def _signed(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers.update(self.server.authorization())
        return request

    def _once(self, path: str, parameters: Mapping[str, Any], method: str) -> Any:
        where = {"data" if method == "POST" else "params": parameters}
        try:
            response = self.http.request(
                method, self.api_url + path, **where, timeout=self.server.timeout, allow_redirects=False
            )
        except requests.exceptions.SSLError as error:
            what = self.server.without_secrets(str(error))
            raise SourceError(
                f"Prometheus at {self.server.url} cannot be trusted: {what}; name its authority with ca"
            ) from None
        except requests.exceptions.RequestException as error:
            raise _Failure(self.server.without_secrets(f"{type(error).__name__}: {_cause(error)}")) from None
        answer = _json(response)
        if response.status_code != _OK:
            raise self._refusal(response, answer, str(parameters.get("query", "")))
        if answer.get("status") != "success" or "data" not in answer:
            raise _Failure(f"an answer that is none: {self.server.without_secrets(response.text[:80])}")
        self.noted += [
            self.server.without_secrets(str(note)) for key in ("warnings", "infos") for note in answer.get(key, [])
        ]
        return answer["data"]

    def _refusal(self, response: requests.Response, answer: Mapping[str, Any], query: str) -> Exception:
        status = response.status_code
        said = self.server.without_secrets(str(answer.get("error") or response.text[:2000]))
        if status in _REFUSALS and answer.get("error"):
            return QueryError(f"Prometheus says: {said}", query=query, position=_position(said, query))
        if status == _BUSY or status >= _SERVER_FAULT:
            return _Failure(f"{status} {said}", _seconds(response.headers.get("Retry-After", "")))
        return SourceError(f"Prometheus at {self.server.url} refuses: {status} {_HINTS.get(status, '')}{said}")


def _json(response: requests.Response) -> Mapping[str, Any]:
    """The answer as an object; an empty one where it is something else."""
    try:
        found = response.json()
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _cause(error: BaseException) -> str:
    """What is at the bottom of requests' nested errors."""
    reason = error.args[0] if error.args else error
    return str(getattr(reason, "reason", reason))


def _position(said: str, query: str) -> int | None:
    """The place that Prometheus names as line:column, as a place in the query."""
    found = _PLACE.search(said)
    if found is None:
        return None
    lines = query.split("\n")[: int(found[1]) - 1]
    return min(sum(len(line) + 1 for line in lines) + int(found[2]) - 1, len(query))


def _seconds(text: str) -> float:
    try:
        return max(0.0, float(text))
    except ValueError:
        return 0.0
