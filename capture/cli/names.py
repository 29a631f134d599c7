"""``capture names``: which address carries which name, by what the packets say."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from capture.account import CaptureWarning
from capture.cli.outlet import in_one_line, keep

if TYPE_CHECKING:
    import pandas as pd

_SHOWN = 100  # rows on a terminal


def names(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Captures, plain or packed.")],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Where to write: .parquet, .json, .jsonl or .csv.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the output.")] = False,  # noqa: FBT002
) -> None:
    """Find names of addresses in DNS answers, TLS and QUIC hellos and HTTP requests.

    Without -o a table is shown on a terminal, and JSON lines are written to a pipe.

    Example: capture names node-1.pcap.gz node-2.pcap.gz -o names.csv
    """
    with in_one_line():
        if output is None:
            _show(_found(files))
        else:
            keep(lambda: _found(files), output, force=force)


def _found(files: list[Path]) -> pd.DataFrame:
    from rich.console import Console

    from capture.account import warning
    from capture.names.reading import find
    from capture.terminal import progress

    total = sum(file.stat().st_size for file in files if file.is_file())
    with progress(total, Console(stderr=True)) as tell:
        table, losses = find(files, progress=tell)
    if text := warning(losses):
        warnings.warn(text, CaptureWarning, stacklevel=1)
    return table


def _show(table: pd.DataFrame) -> None:
    from flowkit.contract.at_rest import json_lines

    if sys.stdout.isatty():
        _print(table)
    else:
        sys.stdout.writelines(json_lines(table))
        sys.stdout.flush()


def _print(table: pd.DataFrame) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    shown = Table()
    for column in ("Addr", "Name", "Source", "Count"):
        shown.add_column(column, justify="right" if column == "Count" else "left", overflow="fold")
    for row in table.head(_SHOWN)[["Addr", "Name", "Source", "Count"]].itertuples(index=False):
        shown.add_row(*(Text(str(value)) for value in row))
    console = Console()
    console.print(shown)
    if len(table) > _SHOWN:
        console.print(Text(f"and {len(table) - _SHOWN:,} more; -o FILE.csv, .parquet or .jsonl keeps them"))
