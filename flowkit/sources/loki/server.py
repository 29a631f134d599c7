"""Where a Loki is and how to be let in: one frozen value that shows no secret."""

from __future__ import annotations

import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from flowkit.contract.plain import plain
from flowkit.errors import SourceError

_SCHEMES = {"loki": "https", "loki+https": "https", "loki+http": "http", "https": "https", "http": "http"}


@dataclass(frozen=True)
class Loki:
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
        token = self._token()
        sent = {"Accept": "application/json", "User-Agent": "flowkit"}
        sent |= {"X-Scope-OrgID": self.tenant} if self.tenant else {}
        if not (token + self.tenant).isascii() or not (token + self.tenant).isprintable():
            raise SourceError("the token or the tenant has characters that no HTTP header can hold")
        return sent | ({"Authorization": f"Bearer {token}"} if token else {})

    def _token(self) -> str:
        if self.token_file is None:
            return self.token.strip()
        try:
            return self.token_file.read_text(encoding="utf-8").strip()
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is no text"
            raise SourceError(f"cannot read the token file '{self.token_file}': {reason}") from error

    def tls(self) -> ssl.SSLContext:
        """A context that verifies the server, with the client's certificate where there is one; `SourceError` for bad files."""
        try:
            context = ssl.create_default_context(cafile=self.ca)
            if self.certificate is not None:
                context.load_cert_chain(self.certificate, self.key, password=_refuse_password)
        except (OSError, ValueError) as error:
            names = ", ".join(f"'{name}'" for name in (self.ca, self.certificate, self.key) if name is not None)
            raise SourceError(
                f"cannot use the certificates {names}: {getattr(error, 'reason', None) or error}"
            ) from error
        return context

    def without_secrets(self, text: str) -> str:
        """Somebody else's text, fit to be shown: short, and without the token should it repeat that."""
        for secret in filter(None, (self.token.strip(), self._token() if self.token_file is not None else "")):
            text = text.replace(secret, "…")
        return plain(text.strip())[:200]


def _refuse_password() -> str:
    """Never ask on a terminal in the middle of a read."""
    raise ValueError("the key is encrypted; give one that is not")


def _checked(url: str) -> str:
    try:
        parts = urlsplit(url)
        place = parts.hostname or ""
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        raise SourceError("the URL of Loki cannot be read: it must be like loki://host:3100") from None
    if parts.scheme not in _SCHEMES or not place:
        raise SourceError("the URL of Loki must be like loki://host:3100, loki+http://host:3100 or https://host/path")
    if "@" in parts.netloc:
        raise SourceError(
            f"the URL of Loki at '{plain(place)}' holds a password or token: give it as token or token_file"
        )
    host = f"[{place}]" if ":" in place else place
    path = parts.path.rstrip("/").removesuffix("/loki/api/v1/query_range").removesuffix("/loki/api/v1")
    return f"{_SCHEMES[parts.scheme]}://{host}{port}{path}"
