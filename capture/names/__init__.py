"""Names for addresses, read off the wire: DNS answers, TLS and QUIC hellos, HTTP requests."""

from capture.names.reading import names

__all__ = ["names"]
