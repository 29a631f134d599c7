"""A matrix as the rich display of a notebook cell: the report in a sandbox, and a plain table where frames are not shown."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from flowkit.view.fallback import table_html, text
from flowkit.view.page import page
from flowkit.view.payload import payload

if TYPE_CHECKING:
    from flowkit.matrix import FlowMatrix

ROWS = 20
SHORTEST, TALLEST = 620, 1100
AROUND, ROW = 580, 20
COLLAPSE_ABOVE = 150


def repr_html(matrix: FlowMatrix) -> str:
    """Write `matrix` as HTML for a notebook cell.

    A closed `<details>` with the largest edges comes first: it is what an untrusted notebook, a mail or a code host leaves
    standing. The frame after it runs in a sandbox without the notebook's origin, so no name can reach the notebook.

    >>> import pandas as pd
    >>> from flowkit.matrix import EDGE_COLUMNS, FlowMatrix
    >>> repr_html(FlowMatrix(pd.DataFrame(columns=list(EDGE_COLUMNS))))[:9]
    '<details>'
    """
    document = payload(matrix)
    return (
        f"<details><summary>{_summary(document)}</summary>\n{table_html(document, ROWS)}\n</details>\n"
        f'<iframe sandbox="allow-scripts allow-downloads" allow="clipboard-write" title="{text(document["title"])}" '
        f'style="width:100%;height:{_height(document)}px;border:0" srcdoc="{escape(page(document), quote=True)}"></iframe>'
    )


def _summary(document: dict[str, Any]) -> str:
    return f"{text(document['title'])}: {' · '.join(map(text, document['header']['facts'][:3]))} (as plain text)"


def _height(document: dict[str, Any]) -> int:
    """Room for all rows where that is reasonable; the page scrolls inside the frame beyond."""
    clients = len(set(document["edges"]["s"]))
    rows = clients if len(document["labels"]) <= COLLAPSE_ABOVE else len(document["nsNames"])
    return min(TALLEST, max(SHORTEST, AROUND + ROW * rows))
