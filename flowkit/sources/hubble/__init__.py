"""Cilium's Hubble: events about packets, from ``hubble observe`` and from the exporter, made flows."""

from flowkit.sources.hubble.reading import NAME, read, recognises

__all__ = ["NAME", "read", "recognises"]
