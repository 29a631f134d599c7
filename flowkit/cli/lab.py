"""``flowkit lab``: JupyterLab with the notebooks and their data, in a folder of the user's own."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from flowkit.errors import FlowkitError


def lab(
    folder: Annotated[Path, typer.Argument(help="Where the notebooks go; what is there already stays.")] = Path(
        "flowkit-lab"
    ),
    browser: Annotated[bool, typer.Option(help="Open a browser.")] = True,  # noqa: FBT002 - a command line switch
) -> None:
    """Copy the notebooks and the recorded cluster into a folder of yours and open them in JupyterLab.

    Example: flowkit lab my-flows
    """
    from flowkit.cli.examples import copy_to

    if find_spec("jupyterlab") is None:
        raise FlowkitError("JupyterLab is not installed: pip install 'flowkit-net[capture,notebook]'")
    copied = copy_to(folder)
    typer.echo(f"{folder.resolve()}: {len(copied)} files copied, the rest was there", err=True)
    command = [sys.executable, "-m", "jupyterlab", str(folder / "notebooks")]
    sys.exit(subprocess.run(command + ([] if browser else ["--no-browser"]), check=False).returncode)  # noqa: S603
