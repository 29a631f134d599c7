"""Write a matrix as one offline HTML file that can be mailed and opened anywhere."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from flowkit.contract.replacing import replacing
from flowkit.view.page import page
from flowkit.view.payload import payload

if TYPE_CHECKING:
    from flowkit.matrix import FlowMatrix


def report(matrix: FlowMatrix, path: str | Path, *, title: str | None = None) -> Path:
    """Write `matrix` to `path` as one self-contained HTML page and return the path.

    Folders are made, a file already there is replaced as a whole or not at all. The same matrix and title give the same
    bytes. Raises `FlowkitError` if the file cannot be written. Refusing to replace a file is the command line's.

    >>> import tempfile
    >>> import pandas as pd
    >>> from flowkit.matrix import EDGE_COLUMNS, FlowMatrix
    >>> nothing = FlowMatrix(pd.DataFrame(columns=list(EDGE_COLUMNS)))
    >>> report(nothing, Path(tempfile.mkdtemp()) / "shop.html", title="Shop").name
    'shop.html'
    """
    content = page(payload(matrix, title)).encode("utf-8")
    with replacing(path) as stream:
        stream.write(content)
    return Path(path)
