"""JSON of any shape into flow columns: the room that every source shares whose flows are JSON objects.

In order: `unpacked` (gzip), `values` (text to JSON objects, damage counted), `envelopes` (objects that hold flows rather than
being one), `columns` (objects to typed columns). DuckDB parses; Python only touches text that DuckDB refuses.
"""

from flowkit.sources.objects.reading import read_objects

__all__ = ["read_objects"]
