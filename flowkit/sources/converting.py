"""Files larger than memory into flowkit's own layout, part by part."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import pandas as pd

from flowkit.contract import stack
from flowkit.contract.layout import ROWS_A_FILE, write_layout
from flowkit.errors import SourceError
from flowkit.sources import netobserv
from flowkit.sources.lacks import with_lacks
from flowkit.sources.objects.reading import parts_of
from flowkit.sources.reading import files_of, read, source_of
from flowkit.sources.records import CONVERSATION, today


def convert(where: str | Path | Iterable[str | Path], folder: str | Path) -> Path:
    """Write the flows of files to a folder in flowkit's own layout, without ever holding more than a million or so of them.

    JSON lines are read in blocks, any other form file by file. Losses stand in the folder's provenance as `fk.read` would say
    them. Returns the folder, which every verb takes as flows.

    Raises `SourceError` for files with records of conversations, because which of them repeat flows is known only when
    all are read: for those use ``fk.write(fk.read(…), folder)``.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as place:
    ...     _ = Path(place, "flows.json").write_text('{"SrcAddr": "10.0.0.1", "TimeFlowEndMs": 1}')
    ...     sorted(each.suffix for each in convert(place + "/flows.json", place + "/out").glob("*.parquet"))
    ['.parquet', '.parquet']
    """
    waiting: list[pd.DataFrame] = []
    for part in _parts(files_of(where)):
        waiting.append(part)
        if sum(map(len, waiting)) >= ROWS_A_FILE:
            write_layout(with_lacks(stack(waiting)), folder)
            waiting = []
    if waiting:
        write_layout(with_lacks(stack(waiting)), folder)
    return Path(folder)


def _parts(paths: Iterable[Path]) -> Iterator[pd.DataFrame]:
    for path in paths:
        if source_of(path) is not netobserv:
            yield read(path)
            continue
        for part in parts_of(path, path.name):
            flows = today(part.conformed(path.name))
            if "_RecordType" in flows.columns and flows["_RecordType"].isin(CONVERSATION).any():
                raise SourceError(
                    f"cannot convert '{path}' part by part: it holds records of conversations, which only fk.read tells "
                    "from the flows they repeat; write what fk.read gives"
                )
            yield flows
