"""``flowkit metric``: NetObserv's FlowMetric definitions over flows."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flowkit.cli.options import Cluster, Force, Format, Output, Subnets
from flowkit.cli.output import chosen, print_table, read_flows, say, working


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
    named = read_flows(flows, cluster, subnets)
    for each in metrics:
        with working(f"running {each.name}"):
            table = each.explain(named) if explain else each.apply(named)
        if len(metrics) > 1:
            typer.echo(f"# {each.name}")
        print_table(table, chosen(format_, output), output, force=force)
        say(fk.provenance(table))
