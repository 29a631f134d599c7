"""Where flows come from: one reader a file, found by what the input holds rather than by what it is called."""

from flowkit.sources.converting import convert
from flowkit.sources.loki import Loki, logql, read_loki
from flowkit.sources.reading import read

__all__ = ["Loki", "convert", "logql", "read", "read_loki"]
