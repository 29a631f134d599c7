"""How to be let in by a server: token, certificates, authorities, and a URL that shows no secret."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from flowkit.contract.plain import plain
from flowkit.errors import SourceError


class Access:
    """What a server's value holds of secrets, and the few things done with them; a dataclass with these fields inherits it."""

    url: str
    token: str
    token_file: Path | None
    certificate: Path | None
    key: Path | None
    ca: Path | None

    def authorization(self) -> dict[str, str]:
        """The header with the token; a token file is read anew, because tokens are renewed.

        Raises `SourceError` for a token file that cannot be read, and for a token no header can hold.
        """
        token = self._token()
        if not token.isascii() or not token.isprintable():
            raise SourceError("the token has characters that no HTTP header can hold")
        return {"Authorization": f"Bearer {token}"} if token else {}

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


def checked_url(url: str, schemes: Mapping[str, str], what: str, example: str) -> str:
    """A server's URL as http or https and without what follows its path; `SourceError` for what is none or holds a password.

    >>> checked_url("loki://host:3100/a/?b", {"loki": "https"}, "Loki", "loki://host:3100")
    'https://host:3100/a'
    """
    try:
        parts = urlsplit(url)
        place = parts.hostname or ""
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        raise SourceError(f"the URL of {what} cannot be read: it must be like {example}") from None
    if parts.scheme not in schemes or not place:
        raise SourceError(f"the URL of {what} must be like {example}")
    if "@" in parts.netloc:
        raise SourceError(
            f"the URL of {what} at '{plain(place)}' holds a password or token: give it as token or token_file"
        )
    host = f"[{place}]" if ":" in place else place
    return f"{schemes[parts.scheme]}://{host}{port}{parts.path.rstrip('/')}"
