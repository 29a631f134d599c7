"""FlowMetrics over a growing folder of flows as a Prometheus target: what ``flowkit serve`` runs.

prometheus-client speaks with the scraper (which text form, compression, threads); the text is `exposition`'s, with
upstream's names and types. New files are read when a scrape comes, each once.
"""

from __future__ import annotations

import gzip
import threading
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from wsgiref.simple_server import make_server

import pandas as pd

from flowkit.contract import provenance
from flowkit.errors import FlowkitError, NothingMatched
from flowkit.metric.exposition import Format, expositions
from flowkit.metric.flowmetric import FlowMetric
from flowkit.metric.totals import Totals
from flowkit.sources import read

if TYPE_CHECKING:
    from wsgiref.simple_server import WSGIServer

try:
    from prometheus_client.exposition import ThreadingWSGIServer, _SilentHandler, choose_encoder, gzip_accepted
except ImportError as error:
    raise FlowkitError("serving metrics needs more: pip install 'flowkit-net[prometheus]'") from error

EXPIRY = 120.0
_SETTLED = 2.0
Naming = Callable[[pd.DataFrame], pd.DataFrame]
_HELP = {
    "flowkit_serve_files": "Files of flows, by what became of them",
    "flowkit_serve_flows": "Flows read",
    "flowkit_serve_lost": "What was left out of files, by reason",
}


@dataclass(frozen=True)
class Watched:
    """What is served: `metrics` over the files of `folder`; `naming` gives flows their names; series end after `expiry` s.

    An `expiry` of 0 keeps them for ever.
    """

    folder: Path
    metrics: Sequence[FlowMetric]
    naming: Naming | None = None
    expiry: float = EXPIRY


class Served:
    """The totals of a watched folder, brought up to date whenever they are asked for."""

    def __init__(self, watched: Watched, clock: Callable[[], float] = time.time) -> None:
        if not watched.folder.is_dir():
            raise FlowkitError(f"'{watched.folder}' is no folder: give the one capture writes its flows to")
        self._watched, self._clock, self._lock = watched, clock, threading.Lock()
        self._totals = [Totals(metric) for metric in watched.metrics]
        self._read: dict[Path, tuple[int, int]] = {}
        self._counts: Counter[tuple[str, str]] = Counter()

    def update(self) -> None:
        """Read the files that are new, and drop what has expired."""
        with self._lock:
            now = self._clock()
            for path in self._new(now):
                self._take(path, now)
            if self._watched.expiry:
                self._totals = [totals.without_old(now - self._watched.expiry) for totals in self._totals]

    def text(self, form: Format) -> str:
        """All metrics as Prometheus' text, and flowkit's own of what was read and lost."""
        self.update()
        with self._lock:
            return expositions(
                [(totals.metric, totals.table) for totals in self._totals if len(totals.table)], form, self._own()
            )

    def _new(self, now: float) -> Iterable[Path]:
        """Files not read yet; one that is no Parquet may still be written to, and waits until it has been left alone."""
        for path in sorted(self._watched.folder.rglob("*")):
            if path.name.startswith(".") or not path.is_file():
                continue
            about = path.stat()
            known, identity = self._read.get(path), (about.st_size, about.st_mtime_ns)
            if known is None and (path.suffix == ".parquet" or now - about.st_mtime >= _SETTLED):
                self._read[path] = identity
                yield path
            elif known not in (None, identity):
                self._read[path] = identity
                self._counts["flowkit_serve_files", "changed after it was read"] += 1

    def _take(self, path: Path, now: float) -> None:
        try:
            flows = read(path)
            named = flows if self._watched.naming is None else self._watched.naming(flows)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", NothingMatched)
                self._totals = [totals.adding(named, now) for totals in self._totals]
        except FlowkitError:
            self._counts["flowkit_serve_files", "not readable"] += 1
            return
        self._counts["flowkit_serve_files", "read"] += 1
        self._counts["flowkit_serve_flows", ""] += len(flows)
        for reason, count in provenance(named).losses.items():
            self._counts["flowkit_serve_lost", reason] += count

    def _own(self) -> list[str]:
        """The lines of flowkit's own metrics."""
        lines = []
        for name, text in _HELP.items():
            lines += [f"# HELP {name} {text}\n", f"# TYPE {name} gauge\n"]
            for (of, label), count in sorted(self._counts.items()):
                if of == name:
                    escaped = label.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
                    lines.append(f'{name}{{what="{escaped}"}} {count}\n' if label else f"{name} {count}\n")
        return lines


def application(served: Served) -> Callable[[dict[str, Any], Any], list[bytes]]:
    """The WSGI application: ``/metrics`` in the form the scraper accepts best."""

    def answer(environment: dict[str, Any], start: Any) -> list[bytes]:
        if environment["PATH_INFO"] not in ("/metrics", "/"):
            start("404 Not Found", [("Content-Type", "text/plain; charset=utf-8")])
            return [b"metrics are at /metrics\n"]
        kind = choose_encoder(environment.get("HTTP_ACCEPT", ""))[1]
        form: Format = "openmetrics" if kind.startswith("application/openmetrics-text") else "prometheus"
        body, headers = served.text(form).encode(), [("Content-Type", _CONTENT[form])]
        if gzip_accepted(environment.get("HTTP_ACCEPT_ENCODING", "")):
            body, headers = gzip.compress(body, 1), [*headers, ("Content-Encoding", "gzip")]
        start("200 OK", [*headers, ("Content-Length", str(len(body)))])
        return [body]

    return answer


_CONTENT: dict[Format, str] = {
    "prometheus": "text/plain; version=0.0.4; charset=utf-8",
    "openmetrics": "application/openmetrics-text; version=1.0.0; charset=utf-8",
}


def serving(served: Served, host: str = "127.0.0.1", port: int = 9102) -> WSGIServer:
    """A server for `served`, bound but not running: call its ``serve_forever``. Port 0 takes a free one.

    Raises `FlowkitError` for an address that cannot be had.
    """
    try:
        return make_server(host, port, application(served), ThreadingWSGIServer, handler_class=_SilentHandler)
    except OSError as error:
        raise FlowkitError(f"cannot serve at {host}:{port}: {error.strerror}") from error
