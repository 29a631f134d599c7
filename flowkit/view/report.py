"""Write a matrix as one offline HTML file that can be mailed and opened anywhere."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from flowkit.contract.replacing import replacing
from flowkit.view.judged import Judged
from flowkit.view.outside import told_by
from flowkit.view.page import page
from flowkit.view.payload import Additions, payload
from flowkit.view.policies import Policies, judged

if TYPE_CHECKING:
    import pandas as pd

    from flowkit.matrix import FlowMatrix


def report(
    matrix: FlowMatrix,
    path: str | Path,
    *,
    title: str | None = None,
    against: FlowMatrix | None = None,
    policies: Judged | Policies | None = None,
    flows: pd.DataFrame | None = None,
) -> Path:
    """Write `matrix` to `path` as one self-contained HTML page and return the path.

    `against` is an earlier matrix: what was added, is gone or changed since is marked. `policies` are verdicts and policies,
    see `flowkit.judged`; or a policy set, a file or folder, which is listed and not judged. `flows`, those the matrix was made
    from, add the bytes over time and what is still unknown outside.

    Folders are made, a file already there is replaced as a whole or not at all. The same matrix and title give the same
    bytes. Raises `FlowkitError` if the file cannot be written. Refusing to replace a file is the command line's.

    >>> import tempfile
    >>> import pandas as pd
    >>> from flowkit.matrix import EDGE_COLUMNS, FlowMatrix
    >>> nothing = FlowMatrix(pd.DataFrame(columns=list(EDGE_COLUMNS)))
    >>> report(nothing, Path(tempfile.mkdtemp()) / "shop.html", title="Shop").name
    'shop.html'
    """
    told = policies if policies is None or isinstance(policies, Judged) else judged(matrix, policies)
    over_time, outside = (None, None) if flows is None else told_by(flows)
    additions = Additions(against=against, judged=told, timeline=over_time, external=outside)
    content = page(payload(matrix, title, additions)).encode("utf-8")
    with replacing(path) as stream:
        stream.write(content)
    return Path(path)
