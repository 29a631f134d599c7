"""Where a Kafka topic is and how to be let in: one frozen value that shows no secret."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flowkit.contract.plain import plain
from flowkit.errors import SourceError

_SCHEMES = {"kafka": False, "kafka+tls": True}
_BROKER = re.compile(r"(?:[\w.-]+|\[[0-9a-fA-F:.]+\])(?::\d{1,5})?", re.ASCII)
_TOPIC = re.compile(r"[\w.-]{1,249}", re.ASCII)


@dataclass(frozen=True)
class Kafka:
    """A topic: `url` is ``kafka://broker:9092,other:9092/topic``, or ``kafka+tls://…``, where the broker is verified.

    `user` and `password` (or `password_file`) log in by `mechanism` (PLAIN, SCRAM-SHA-256, SCRAM-SHA-512), over TLS only.
    `certificate` and `key` are a client's files in PEM, `ca` a file of authorities instead of the system's. `timeout` seconds
    without an answer end a read. `version` is only for brokers that do not say theirs.

    >>> Kafka("kafka+tls://broker:9093/flows", user="reader", password="secret")
    Kafka(url='kafka+tls://broker:9093/flows', mechanism='SCRAM-SHA-512', ca=None, timeout=30.0, version=None)
    """

    url: str
    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    password_file: Path | None = field(default=None, repr=False)
    mechanism: str = "SCRAM-SHA-512"
    certificate: Path | None = field(default=None, repr=False)
    key: Path | None = field(default=None, repr=False)
    ca: Path | None = None
    timeout: float = 30.0
    version: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "url", _checked(self.url))
        if self.user and not self.tls:
            raise SourceError("a password goes over TLS only: write the URL as kafka+tls://broker:9093/topic")

    @classmethod
    def from_environment(cls, url: str, environment: Mapping[str, str] = os.environ) -> Kafka:
        """The topic at `url` with what ``KAFKA_USERNAME``, ``KAFKA_PASSWORD``, ``KAFKA_PASSWORD_FILE``,
        ``KAFKA_SASL_MECHANISM``, ``KAFKA_CA_CERT_PATH``, ``KAFKA_CLIENT_CERT_PATH`` and ``KAFKA_CLIENT_KEY_PATH`` say.

        >>> Kafka.from_environment("kafka://broker/flows", {"KAFKA_SASL_MECHANISM": "PLAIN"}).mechanism
        'PLAIN'
        """

        def file(name: str) -> Path | None:
            return Path(text) if (text := environment.get(name)) else None

        return cls(
            url,
            user=environment.get("KAFKA_USERNAME", ""),
            password=environment.get("KAFKA_PASSWORD", ""),
            password_file=file("KAFKA_PASSWORD_FILE"),
            mechanism=environment.get("KAFKA_SASL_MECHANISM", "SCRAM-SHA-512"),
            certificate=file("KAFKA_CLIENT_CERT_PATH"),
            key=file("KAFKA_CLIENT_KEY_PATH"),
            ca=file("KAFKA_CA_CERT_PATH"),
        )

    @property
    def tls(self) -> bool:
        """Whether the connection is encrypted and the broker verified."""
        return _SCHEMES[_parts(self.url)[0]]

    @property
    def topic(self) -> str:
        """The topic's name."""
        return _parts(self.url)[2]

    def settings(self) -> dict[str, Any]:
        """What kafka-python wants to know, the password included; raises `SourceError` for a file that cannot be read."""
        security = ("SASL_" if self.user else "") + ("SSL" if self.tls else "PLAINTEXT")
        found: dict[str, Any] = {
            "bootstrap_servers": _parts(self.url)[1].split(","),
            "security_protocol": security,
            "bootstrap_timeout_ms": int(self.timeout * 1000),
            "api_version": self.version,
        }
        if self.tls:
            files = {"ssl_cafile": self.ca, "ssl_certfile": self.certificate, "ssl_keyfile": self.key}
            found |= {name: _readable(path) for name, path in files.items() if path is not None}
        if self.user:
            found |= {"sasl_mechanism": self.mechanism, "sasl_plain_username": self.user}
            found |= {"sasl_plain_password": self.secret()}
        return found

    def secret(self) -> str:
        """The password, read anew from its file where it has one."""
        if self.password_file is None:
            return self.password
        return Path(_readable(self.password_file)).read_text(encoding="utf-8").strip()

    def without_secrets(self, text: str) -> str:
        """Somebody else's text, fit to be shown: short, and without the password should it repeat that."""
        secret = self.secret()
        return plain(text.replace(secret, "…") if secret else text)[:200]


def _readable(path: Path) -> str:
    try:
        path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise SourceError(f"cannot read '{path}': {reason}") from None
    return str(path)


def _parts(url: str) -> tuple[str, str, str]:
    """Scheme, brokers and topic; urllib knows no list of brokers."""
    scheme, _, rest = url.partition("://")
    brokers, _, topic = rest.partition("/")
    return scheme, brokers, topic


def _checked(url: str) -> str:
    scheme, brokers, topic = _parts(url)
    if "@" in brokers + topic:
        raise SourceError("the URL of Kafka holds a user or password: give them as KAFKA_USERNAME and KAFKA_PASSWORD")
    sound = scheme in _SCHEMES and all(map(_BROKER.fullmatch, brokers.split(","))) and _TOPIC.fullmatch(topic)
    if not sound:
        raise SourceError("the URL of Kafka must be like kafka://broker:9092/topic or kafka+tls://broker:9093/topic")
    return url
