"""Figures of a flow matrix, made with plotly for people who restyle, combine and print them.

plotly comes with the extra ``flowkit-net[plot]`` and is imported when the first figure is made.
"""

from flowkit.view.plot.charts import charts
from flowkit.view.plot.heatmap import heatmap

__all__ = ["charts", "heatmap"]
