"""NetFlow v5, v9 and IPFIX: files of nfdump, and what exporters send to a port."""

from flowkit.sources.netflow.nfdump import NAME, read, recognises

__all__ = ["NAME", "read", "recognises"]
