"""NetObserv's console as people know it: its filters, quick filters and columns, on any flow table."""

from flowkit.view.console.columns import PRESETS, columns_of, laid_out
from flowkit.view.console.grammar import Asked, asked_for
from flowkit.view.console.quick import QUICK, quick_filter
from flowkit.view.console.ways import both_ways

__all__ = ["PRESETS", "QUICK", "Asked", "asked_for", "both_ways", "columns_of", "laid_out", "quick_filter"]
