"""Figures of a flow matrix, made with plotly for people who restyle, combine and print them.

plotly comes with the extra ``flowkit-net[plot]`` and is imported when the first figure is made.
"""

from flowkit.view.plot.bars import ports, top
from flowkit.view.plot.charts import charts
from flowkit.view.plot.heatmap import heatmap
from flowkit.view.plot.sankey import sankey
from flowkit.view.plot.timeline import timeline
from flowkit.view.plot.topology import topology

__all__ = ["charts", "heatmap", "ports", "sankey", "timeline", "top", "topology"]
