"""The command line: every command is a few lines over the public API. Data goes to stdout, messages to stderr."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from flowkit.errors import FlowkitError

if TYPE_CHECKING:
    import pandas as pd

    from flowkit.contract import Provenance
    from flowkit.matrix import FlowMatrix

app = typer.Typer(
    name="flowkit",
    help="Who talks to whom, on which server port, proven: flow tables, NetObserv FlowMetrics, the flow matrix, reports.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Flows = Annotated[
    list[str], typer.Argument(help="Files, globs or folders: pcap, NetObserv JSON, Parquet.", show_default=False)
]
Cluster = Annotated[
    Path | None, typer.Option(help="Inventory: what kubectl get pods,nodes,services,… -A -o json prints.")
]
Subnets = Annotated[Path | None, typer.Option(help="FlowCollector whose subnet labels name address ranges.")]
Output = Annotated[Path | None, typer.Option("-o", "--output", help="File to write instead of stdout.")]
Force = Annotated[bool, typer.Option("--force", help="Replace the output file when it is there.")]


class Level(StrEnum):
    """How fine the endpoints of a matrix are."""

    workload = "workload"
    pod = "pod"
    namespace = "namespace"
    address = "address"


class TableFormat(StrEnum):
    """How a table is printed."""

    text = "text"
    json = "json"
    csv = "csv"


class State(StrEnum):
    """What became of the connections of an edge."""

    answered = "answered"
    refused = "refused"
    unanswered = "unanswered"


By = Annotated[
    Level | None, typer.Option(help="Level of the endpoints.", show_default="workload; address without names")
]
Format = Annotated[
    TableFormat | None, typer.Option("--format", help="How to print.", show_default="by the ending of -o, else text")
]
Namespace = Annotated[str | None, typer.Option(help="Only edges that touch this namespace.")]


@app.command()
def matrix(
    flows: Flows,
    cluster: Cluster = None,
    subnets: Subnets = None,
    by: By = None,
    namespace: Namespace = None,
    state: Annotated[State | None, typer.Option(help="Only edges of this state.")] = None,
    format_: Format = None,
    output: Output = None,
    force: Force = False,  # noqa: FBT002 - a command line switch
) -> None:
    """Print the flow matrix: one edge a client → server : port, with its evidence.

    Example: flowkit matrix data/cluster/*.pcap.gz --cluster data/cluster/cluster.json --subnets data/cluster/flowcollector.yaml
    """
    import flowkit as fk

    with working("building the flow matrix"):
        table = fk.matrix(_flows(flows, cluster, subnets), by=by)
    table = table.where(namespace=namespace, state=state)
    chosen = _chosen(format_, output)
    _print(_listing(table) if chosen is TableFormat.text else table.edges, chosen, output, force=force)
    _say(table.provenance)


@app.command()
def metric(
    definition: Annotated[list[Path], typer.Argument(help="FlowMetric resources (YAML or JSON).", show_default=False)],
    flows: Annotated[
        list[str], typer.Option("--flows", help="Files, globs or folders of flows; give it once for each.")
    ],
    cluster: Cluster = None,
    subnets: Subnets = None,
    format_: Format = None,
    explain: Annotated[bool, typer.Option("--explain", help="Print how many flows each step keeps.")] = False,  # noqa: FBT002
    sql: Annotated[bool, typer.Option("--sql", help="Print the query instead of running it.")] = False,  # noqa: FBT002
    output: Output = None,
    force: Force = False,  # noqa: FBT002 - a command line switch
) -> None:
    """Run NetObserv FlowMetric definitions over flows and print their metric tables.

    Example: flowkit metric workload-syn-in.yaml --flows 'flows/*.parquet' --format csv
    """
    import flowkit as fk

    metrics = [metric for path in definition for metric in fk.FlowMetric.load_all(path)]
    if sql:
        typer.echo("\n\n".join(metric.to_sql() for metric in metrics))
        return
    if output is not None and len(metrics) > 1:
        raise typer.BadParameter(f"-o takes one metric, these files define {len(metrics)}", param_hint="-o")
    named = _flows(flows, cluster, subnets)
    for each in metrics:
        with working(f"running {each.name}"):
            table = each.explain(named) if explain else each.apply(named)
        if len(metrics) > 1:
            typer.echo(f"# {each.name}")
        _print(table, _chosen(format_, output), output, force=force)
        _say(fk.provenance(table))


@app.command()
def report(
    flows: Flows,
    output: Annotated[Path, typer.Option("-o", "--output", help="The HTML file to write.")],
    cluster: Cluster = None,
    subnets: Subnets = None,
    by: By = None,
    namespace: Namespace = None,
    title: Annotated[str | None, typer.Option(help="Title of the report.")] = None,
    force: Force = False,  # noqa: FBT002 - a command line switch
) -> None:
    """Write the flow matrix as one HTML file that works offline and can be mailed.

    Example: flowkit report capture.pcap --cluster cluster.json -o matrix.html
    """
    import flowkit as fk
    from flowkit.contract.at_rest import check_place

    check_place(output, force=force)
    with working("building the flow matrix"):
        table = fk.matrix(_flows(flows, cluster, subnets), by=by).where(namespace=namespace)
        path = fk.report(table, output, title=title)
    typer.echo(path)
    _say(table.provenance)


def _flows(where: list[str], cluster: Path | None, subnets: Path | None) -> pd.DataFrame:
    import flowkit as fk

    with working(f"reading {', '.join(where[:3])}{' …' if len(where) > 3 else ''}"):
        flows = fk.read(where)
        if cluster is not None or subnets is not None:
            flows = fk.enrich(flows, cluster=cluster, subnets=subnets)
    return flows


def _listing(matrix: FlowMatrix) -> pd.DataFrame:
    """What a person reads of a matrix; files and programs get all columns of the edges."""
    from flowkit.matrix.endpoints import named_edges

    return named_edges(matrix.edges).drop(columns=["flows", "packets", "first"])


def _print(table: pd.DataFrame, format_: TableFormat, output: Path | None, *, force: bool) -> None:
    from flowkit.contract.at_rest import check_place, replacing

    if output is None:
        typer.echo(_text(table, format_), nl=False)
        return
    check_place(output, force=force)
    with replacing(output) as stream:
        stream.write(_text(table, format_).encode("utf-8"))
    typer.echo(output)


def _chosen(format_: TableFormat | None, output: Path | None) -> TableFormat:
    """The format asked for, else the one the output file's ending names, else text."""
    by_ending = {f".{known}": known for known in TableFormat}
    return format_ or by_ending.get(output.suffix if output else "", TableFormat.text)


def _text(table: pd.DataFrame, format_: TableFormat) -> str:
    from flowkit.contract.at_rest import csv_text, json_records
    from flowkit.view.terminal import text_table

    writers = {TableFormat.text: text_table, TableFormat.json: json_records, TableFormat.csv: csv_text}
    return writers[format_](table).rstrip("\n") + "\n"


def _say(provenance: Provenance) -> None:
    from flowkit.view.terminal import loss_lines

    for line in loss_lines(provenance):
        typer.echo(line, err=True)


@contextmanager
def working(what: str) -> Iterator[None]:
    """Say what is going on while it takes time, on a terminal only."""
    if not sys.stderr.isatty():
        yield
        return
    from rich.console import Console

    with Console(stderr=True).status(what):
        yield


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


def main() -> None:
    """Run the command line: 0 when all went well, 1 for what flowkit refuses (one line), 2 for wrong usage."""
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


if __name__ == "__main__":
    main()
