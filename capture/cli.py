"""The command line ``capture``: each command is a few lines over the public functions.

Data goes to stdout, messages to stderr; exit 0, 1 (one line says what failed) or 2 (usage).
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from capture.account import CaptureWarning
from flowkit.errors import FlowkitError

if TYPE_CHECKING:
    import pandas as pd

main = typer.Typer(
    name="capture",
    help="Turn packets into flow tables.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@main.callback()
def _capture() -> None:
    """Turn packets into flow tables."""


@main.command()
def pcap(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Captures: classic pcap, plain or gzip.")],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Where to write: .parquet, .json, .jsonl or .csv.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the output.")] = False,  # noqa: FBT002
) -> None:
    """Read packet captures into a flow table, one row a one-way flow.

    Without -o a summary is shown on a terminal, and JSON lines are written to a pipe.

    Example: capture pcap node-1.pcap.gz node-2.pcap.gz -o flows.parquet
    """
    with _in_one_line():
        from flowkit.contract.at_rest import check_ending, check_place, write

        if output is None:
            _show(_read(files))
        else:
            check_ending(output)
            check_place(output, force=force)
            typer.echo(write(_read(files), output))


def _read(files: list[Path]) -> pd.DataFrame:
    from rich.console import Console

    from capture.pcap.reader import read_files
    from capture.terminal import progress

    total = sum(file.stat().st_size for file in files if file.is_file())
    with progress(total, Console(stderr=True)) as tell:
        return read_files(files, progress=tell)


def _show(flows: pd.DataFrame) -> None:
    from rich.console import Console

    from capture.terminal import summary
    from flowkit.contract.at_rest import json_lines

    if sys.stdout.isatty():
        summary(flows, Console())
    else:
        sys.stdout.writelines(json_lines(flows))
        sys.stdout.flush()


@contextmanager
def _in_one_line() -> Iterator[None]:
    """Say warnings and our own errors in one line each on stderr, and exit 1 after an error."""
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always", CaptureWarning)
        try:
            yield
        except BrokenPipeError:
            # Whoever read our output has enough; Python must not complain when it flushes at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        except (FlowkitError, OSError) as error:
            _say(f"{error}")
            raise typer.Exit(1) from None
        finally:
            for warning in warned:
                _say(f"warning: {warning.message}")


def _say(message: str) -> None:
    from flowkit.contract.plain import plain

    typer.echo(f"capture: {plain(message)}", err=True)
