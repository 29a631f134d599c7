"""Where a Prometheus is and how to be let in: one frozen value that shows no secret."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from flowkit.sources.access import Access, checked_url

_SCHEMES = {"http": "http", "https": "https"}


@dataclass(frozen=True)
class Prometheus(Access):
    """A Prometheus, Thanos or Mimir: `url` is what stands before ``/api/v1``.

    `token` is a bearer token, or `token_file` where it is read before every request, because tokens are renewed; `certificate`
    and `key` are a client's files in PEM; `ca` is a file of authorities to trust instead of the system's. TLS is always
    verified. `timeout` (seconds) is for every read; `attempts` count for busy (429), failing (5xx) and unreachable servers,
    and for answers that are cut. `steps` is how many moments of a range are asked for at once: servers refuse above 11,000.

    >>> Prometheus("https://thanos-querier.openshift-monitoring.svc:9091/api/v1/", token="secret")
    Prometheus(url='https://thanos-querier.openshift-monitoring.svc:9091', ca=None, timeout=60.0, attempts=4, steps=10000)
    """

    url: str
    token: str = field(default="", repr=False)
    token_file: Path | None = field(default=None, repr=False)
    certificate: Path | None = field(default=None, repr=False)
    key: Path | None = field(default=None, repr=False)
    ca: Path | None = None
    timeout: float = 60.0
    attempts: int = 4
    steps: int = 10_000

    def __post_init__(self) -> None:
        checked = checked_url(self.url, _SCHEMES, "Prometheus", "http://host:9090 or https://host/path")
        object.__setattr__(self, "url", checked.removesuffix("/api/v1"))

    @classmethod
    def from_environment(cls, url: str, environment: Mapping[str, str] = os.environ) -> Prometheus:
        """The server at `url` with what ``PROMETHEUS_BEARER_TOKEN`` (or ``…_FILE``), ``PROMETHEUS_CA_CERT_PATH``,
        ``PROMETHEUS_CLIENT_CERT_PATH`` and ``PROMETHEUS_CLIENT_KEY_PATH`` say.

        >>> Prometheus.from_environment("http://host:9090", {"PROMETHEUS_CA_CERT_PATH": "ca.pem"}).ca
        PosixPath('ca.pem')
        """

        def file(name: str) -> Path | None:
            return Path(text) if (text := environment.get(f"PROMETHEUS_{name}")) else None

        return cls(
            url,
            token=environment.get("PROMETHEUS_BEARER_TOKEN", ""),
            token_file=file("BEARER_TOKEN_FILE"),
            certificate=file("CLIENT_CERT_PATH"),
            key=file("CLIENT_KEY_PATH"),
            ca=file("CA_CERT_PATH"),
        )
