"""Views of a flow matrix: the report to mail, the display in a notebook cell, figures to restyle.

One front end (``static/``) draws the payload of a matrix in every host; Python only makes the payload and the shell.
"""

from __future__ import annotations

from types import ModuleType

from flowkit.view.report import report
from flowkit.view.repr import repr_html

__all__ = ["plot", "report", "repr_html"]


def __getattr__(name: str) -> ModuleType:
    if name == "plot":
        import flowkit.view.plot

        return flowkit.view.plot
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
