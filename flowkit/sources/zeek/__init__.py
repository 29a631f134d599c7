"""Zeek's logs: connections as flows, and the names that DNS, TLS and HTTP gave to addresses."""

from flowkit.sources.zeek.conn import NAME, read, recognises

__all__ = ["NAME", "read", "recognises"]
