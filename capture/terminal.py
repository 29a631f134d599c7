"""What a person sees of a read: a summary table, messages, progress. Nothing here reaches a file or a pipe."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from capture.account import report
from flowkit.contract import provenance
from flowkit.contract.plain import plain

if TYPE_CHECKING:
    import pandas as pd

_PATIENCE = 2.0  # seconds before progress is shown


def summary(flows: pd.DataFrame, console: Console) -> None:
    """Print one row a file: flows, frames and bytes by where they went, and the losses by reason below.

    >>> import pandas as pd
    >>> summary(pd.DataFrame(), Console(no_color=True, width=60))
    no flows
    """
    files = report(flows).files
    if not files:
        console.print("no flows")
        return
    table = Table()
    table.add_column("file", overflow="fold")
    for name in ("packets", "bytes", "not IP", "undecoded"):
        table.add_column(name, justify="right")
    for name, file in files.items():
        counts = (file.packets, file.bytes, file.not_ip_packets, file.undecoded_packets)
        table.add_row(Text(plain(name)), *(f"{count:,}" for count in counts))
    console.print(table)
    console.print(Text(f"{len(flows):,} one-way flows; -o FILE.parquet, .jsonl or .csv keeps them"))
    for reason, count in provenance(flows).losses.items():
        console.print(Text(plain(f"lost: {count:,} {reason}")))


@contextmanager
def progress(total: int, console: Console) -> Iterator[Callable[[int], None]]:
    """Give a function to be told bytes read of `total`; it shows a bar on a terminal when reading takes its time.

    >>> with progress(10, Console(no_color=True)) as tell:
    ...     tell(10)
    """
    bar = Progress(BarColumn(), DownloadColumn(), TimeRemainingColumn(), console=console, transient=True)
    task, begun = bar.add_task("reading", total=total), time.monotonic()

    def tell(position: int) -> None:
        if console.is_terminal and time.monotonic() - begun > _PATIENCE:
            bar.start()
        bar.update(task, completed=position)

    try:
        yield tell
    finally:
        if bar.live.is_started:
            bar.stop()
