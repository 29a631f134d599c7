"""The command line: every command is a few lines over the public API, in a file of its subject.

Data goes to stdout, messages to stderr; exit 0 when all went well, 1 for what flowkit refuses (one line), 2 for wrong usage.
"""

from __future__ import annotations

import sys
import warnings
from typing import TextIO

import typer

from flowkit.cli import policy as policies
from flowkit.cli.demo import demo
from flowkit.cli.doctor import doctor
from flowkit.cli.external import external
from flowkit.cli.judging import explain, judge
from flowkit.cli.lab import lab
from flowkit.cli.matrix import matrix, report
from flowkit.cli.metric import metric
from flowkit.cli.query import query
from flowkit.cli.rollup import rollup
from flowkit.cli.serving import backfill, serve
from flowkit.cli.show import show
from flowkit.errors import FlowkitError

app = typer.Typer(
    name="flowkit",
    help="Who talks to whom, on which server port, proven: flow tables, NetObserv FlowMetrics, the flow matrix, reports.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for command in (matrix, metric, show, report, external, rollup, explain, query, serve, backfill, demo, lab, doctor):
    app.command()(command)
policy = typer.Typer(
    help="Network policies: made of flows, judged, checked, compared.", no_args_is_help=True, rich_markup_mode=None
)
app.add_typer(policy, name="policy")
for policy_command in (policies.synthesise, judge, policies.check, policies.diff):
    policy.command()(policy_command)


def main() -> None:
    """Run the command line."""
    warnings.showwarning = _warn
    try:
        app()
    except FlowkitError as error:
        from flowkit.contract.plain import plain

        typer.echo(f"flowkit: {plain(error)}", err=True)
        sys.exit(1)
    except BrokenPipeError:
        # The reader of our output went away (head, a closed pager): nothing to report.
        sys.stderr.close()
        sys.exit(0)


def _warn(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """One line on stderr; where in flowkit's code it came from is of no use to its user."""
    del category, filename, lineno, file, line
    typer.echo(f"warning: {str(message).splitlines()[0]}", err=True)
