"""``capture doctor``: what works on this machine, and what is missing for the rest."""

from __future__ import annotations

import typer


def doctor() -> None:
    """Say of each kind of capture whether it works here, and which capability, kernel or program is missing.

    Exit 1 when anything is missing.

    Example: capture doctor
    """
    from capture.doctor import findings

    found = findings()
    for each in found:
        typer.echo(str(each))
    if any(each.missing for each in found):
        raise typer.Exit(1)
