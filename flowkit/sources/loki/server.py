"""Where a Loki is and how to be let in: one frozen value that shows no secret."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from flowkit.errors import SourceError
from flowkit.sources.access import Access, checked_url

_SCHEMES = {"loki": "https", "loki+https": "https", "loki+http": "http", "https": "https", "http": "http"}


@dataclass(frozen=True)
class Loki(Access):
    """A Loki or its gateway: `url` is what stands before ``/loki/api/v1``; ``loki://`` means HTTPS, ``loki+http://`` does not.

    `token` is a bearer token, or `token_file` where it is read before every request, because tokens are renewed; `certificate`
    and `key` are a client's files in PEM; `ca` is a file of authorities to trust instead of the system's. `tenant` goes into
    ``X-Scope-OrgID``. TLS is always verified. `timeout` (seconds) is for every read; a request may take ten of it. `attempts`
    count for busy (429), failing (5xx) and unreachable servers. `limit` is how many entries it gives at once at most.

    >>> Loki("loki://gateway:8080/api/logs/v1/network", token="secret")
    Loki(url='https://gateway:8080/api/logs/v1/network', tenant='', ca=None, timeout=30.0, attempts=6, limit=5000)
    """

    url: str
    tenant: str = ""
    token: str = field(default="", repr=False)
    token_file: Path | None = field(default=None, repr=False)
    certificate: Path | None = field(default=None, repr=False)
    key: Path | None = field(default=None, repr=False)
    ca: Path | None = None
    timeout: float = 30.0
    attempts: int = 6
    limit: int = 5000

    def __post_init__(self) -> None:
        object.__setattr__(self, "url", _checked(self.url))

    @classmethod
    def from_environment(cls, url: str, environment: Mapping[str, str] = os.environ) -> Loki:
        """The server at `url` with what logcli's own variables say: ``LOKI_BEARER_TOKEN``, ``LOKI_ORG_ID`` and the like.

        >>> Loki.from_environment("loki://gateway", {"LOKI_ORG_ID": "network"}).tenant
        'network'
        """

        def file(name: str) -> Path | None:
            return Path(text) if (text := environment.get(name)) else None

        return cls(
            url,
            tenant=environment.get("LOKI_ORG_ID", ""),
            token=environment.get("LOKI_BEARER_TOKEN", ""),
            token_file=file("LOKI_BEARER_TOKEN_FILE"),
            certificate=file("LOKI_CLIENT_CERT_PATH"),
            key=file("LOKI_CLIENT_KEY_PATH"),
            ca=file("LOKI_CA_CERT_PATH"),
        )

    def headers(self) -> dict[str, str]:
        """What goes with every request, the token included.

        Raises `SourceError` for a token file that cannot be read, and for a value no header can hold.
        """
        if not self.tenant.isascii() or not self.tenant.isprintable():
            raise SourceError("the tenant has characters that no HTTP header can hold")
        sent = {"Accept": "application/json", "User-Agent": "flowkit"} | self.authorization()
        return sent | ({"X-Scope-OrgID": self.tenant} if self.tenant else {})


def _checked(url: str) -> str:
    checked = checked_url(url, _SCHEMES, "Loki", "loki://host:3100, loki+http://host:3100 or https://host/path")
    return checked.removesuffix("/loki/api/v1/query_range").removesuffix("/loki/api/v1")
