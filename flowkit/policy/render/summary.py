"""A check as Markdown, as a job's summary shows it. Names of strangers are escaped here and nowhere else."""

from __future__ import annotations

import re
from typing import Any

import pandas as pd

from flowkit.contract.plain import plain

_SHOWN = 50
_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+!|<>~@&-])")


def markdown(findings: pd.DataFrame, line: str) -> str:
    """The verification line, then a table of the findings.

    >>> print(markdown(pd.DataFrame({"kind": [], "policy": [], "what": [], "detail": [], "connections": []}), "all is well"))
    ### Network policies
    <BLANKLINE>
    all is well
    <BLANKLINE>
    """
    lines = ["### Network policies", "", escaped(line), ""]
    if len(findings):
        lines += ["| kind | policy | what | why | connections |", "| --- | --- | --- | --- | ---: |"]
        lines += [_row(row) for row in findings.head(_SHOWN).to_dict("records")]
    if len(findings) > _SHOWN:
        lines += ["", f"and {len(findings) - _SHOWN} more"]
    return "\n".join(lines) + ("\n" if len(findings) else "")


def _row(row: dict[Any, Any]) -> str:
    cells = [escaped(row[name]) for name in ("kind", "policy", "what", "detail")]
    return f"| {' | '.join(cells)} | {row['connections']:,} |"


def escaped(text: object) -> str:
    """Text that Markdown shows as it is.

    >>> escaped("a|b <img>")
    'a\\\\|b \\\\<img\\\\>'
    """
    return _SPECIAL.sub(r"\\\1", plain(text))
