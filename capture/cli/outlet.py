"""What every command shares: data to stdout or a file, messages and errors in one line each to stderr."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from capture.account import CaptureWarning
from flowkit.errors import FlowkitError

if TYPE_CHECKING:
    import pandas as pd


@contextmanager
def in_one_line() -> Iterator[None]:
    """Say warnings and our own errors in one line each on stderr, and exit 1 after an error.

    >>> with in_one_line():
    ...     pass
    """
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always", CaptureWarning)
        try:
            yield
        except BrokenPipeError:
            # Whoever read our output has enough; Python must not complain when it flushes at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        except (FlowkitError, OSError) as error:
            say(f"{error}")
            raise typer.Exit(1) from None
        finally:
            for warning in warned:
                say(f"warning: {warning.message}")


def say(message: str) -> None:
    """Print a message to stderr, without what could move a terminal's cursor."""
    from flowkit.contract.plain import plain

    typer.echo(f"capture: {plain(message)}", err=True)


def keep(read: Callable[[], pd.DataFrame], output: Path, *, force: bool) -> None:
    """Write what `read` gives into a file, and say so; a wrong name is refused before anything is read."""
    from flowkit.contract.at_rest import check_ending, check_place, write

    check_ending(output)
    check_place(output, force=force)
    typer.echo(write(read(), output))


def show(flows: pd.DataFrame) -> None:
    """Show a summary on a terminal, write JSON lines into a pipe."""
    from rich.console import Console

    from capture.terminal import summary
    from flowkit.contract.at_rest import json_lines

    if sys.stdout.isatty():
        summary(flows, Console())
    else:
        sys.stdout.writelines(json_lines(flows))
        sys.stdout.flush()
