"""The keys of QUIC Initial packets, which anybody on the path can compute; the one file that uses `cryptography`.

Sources: RFC 9001 section 5 (keys, header protection), RFC 9369 section 3 (version 2), RFC 8446 section 7.1 (labels).
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec

SAMPLE = 16  # bytes of protected payload that the header's mask is made of


@dataclass(frozen=True)
class Version:
    """What differs between versions: the salt, the prefix of the key labels, the bits that say "Initial"."""

    salt: bytes
    label: str
    initial: int


VERSIONS = {
    0x00000001: Version(bytes.fromhex("38762cf7f55934b34d179ae6a4c80cadccbb7f0a"), "quic", 0x00),
    0x6B3343CF: Version(bytes.fromhex("0dede3def700a6db819381be6e269dcbf9bd2ed9"), "quicv2", 0x10),
}


@cache
def available() -> bool:
    """Whether the package `cryptography` is installed."""
    return find_spec("cryptography") is not None


@dataclass(frozen=True)
class Keys:
    """A client's Initial keys."""

    key: bytes
    iv: bytes
    header: bytes

    def mask(self, sample: bytes) -> bytes:
        """The five bytes that hide the packet number and its length."""
        from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

        # One block of AES, as RFC 9001 section 5.4.3 prescribes: no message is encrypted in this mode.
        encryptor = Cipher(algorithms.AES(self.header), modes.ECB()).encryptor()  # noqa: S305
        return encryptor.update(sample)[:5]

    def open(self, number: int, head: bytes, sealed: bytes) -> bytes | None:
        """Decrypt a packet's payload; None when it is not sealed with these keys."""
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        nonce = (int.from_bytes(self.iv, "big") ^ number).to_bytes(12, "big")
        try:
            return AESGCM(self.key).decrypt(nonce, sealed, head)
        except InvalidTag:
            return None


def client_keys(version: Version, connection_id: bytes) -> Keys:
    """The keys of a client's Initials to the connection ID that its first one is addressed to.

    >>> client_keys(VERSIONS[1], bytes.fromhex("8394c8f03e515708")).key.hex()  # RFC 9001, appendix A.1
    '1f369613dd76d5467730efcbe3b1a22d'
    """
    secret = _expand(hmac.digest(version.salt, connection_id, "sha256"), "client in", 32)
    sizes = {"key": 16, "iv": 12, "hp": 16}
    return Keys(*(_expand(secret, f"{version.label} {name}", size) for name, size in sizes.items()))


def _expand(secret: bytes, label: str, size: int) -> bytes:
    """TLS 1.3's HKDF-Expand-Label with an empty context, for at most one block of the hash."""
    name = b"tls13 " + label.encode()
    info = size.to_bytes(2, "big") + bytes([len(name)]) + name + b"\0\1"
    return hmac.digest(secret, info, "sha256")[:size]
