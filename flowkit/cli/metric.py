"""``flowkit metric``: NetObserv's FlowMetric definitions over flows."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from flowkit.cli.options import Cluster, Force, LongestPrefix, MetricFormat, Output, Subnets, TableFormat, Where
from flowkit.cli.output import labels_of, parquet_alone, print_table, print_text, read_flows, say, working

if TYPE_CHECKING:
    import pandas as pd

    from flowkit.metric import FlowMetric
    from flowkit.metric.exposition import Format

_ENDINGS = {".prom": MetricFormat.prometheus, ".om": MetricFormat.openmetrics}
_ENDINGS |= {f".{known}": known for known in MetricFormat}
_EXPOSITIONS = (MetricFormat.prometheus, MetricFormat.openmetrics)


def metric(
    definition: Annotated[list[Path], typer.Argument(help="FlowMetric resources (YAML or JSON).", show_default=False)],
    flows: Annotated[
        list[str], typer.Option("--flows", help="Files, globs or folders of flows; give it once for each.")
    ],
    cluster: Cluster = None,
    subnets: Subnets = None,
    longest_prefix: LongestPrefix = False,  # noqa: FBT002 - a command line switch
    where: Where = None,
    step: Annotated[
        str | None, typer.Option(help="As time series: one value a step, e.g. 1m, by when a flow ended.")
    ] = None,
    format_: Annotated[
        MetricFormat | None,
        typer.Option("--format", help="How to print.", show_default="by the ending of -o (.prom, .om, …), else text"),
    ] = None,
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
    form = _chosen(format_, output, explain=explain)
    _check(form, output, step, len(metrics))
    as_it_lies = cluster is None and subnets is None and where is None and parquet_alone(flows)
    kept = (
        flows
        if as_it_lies
        else read_flows(flows, cluster, labels_of(subnets, cluster, longest_prefix=longest_prefix), where)
    )
    for each in metrics:
        with working(f"running {each.name}"):
            table = each.explain(kept) if explain else _table(each, kept, step)
        if len(metrics) > 1:
            typer.echo(f"# {each.name}")
        _print(each, table, form, output, force=force)
        say(fk.provenance(table))


def _chosen(format_: MetricFormat | None, output: Path | None, *, explain: bool) -> MetricFormat:
    """The format asked for, else the one the ending names, else text; a funnel is no metric and has no exposition."""
    form = format_ or _ENDINGS.get(output.suffix if output else "", MetricFormat.text)
    if explain and form in _EXPOSITIONS:
        raise typer.BadParameter(f"--explain prints a table, which {form} cannot hold", param_hint="--format")
    return form


def _check(form: MetricFormat, output: Path | None, step: str | None, count: int) -> None:
    """Refuse before any flow is read what cannot be printed afterwards."""
    if output is not None and count > 1:
        raise typer.BadParameter(f"-o takes one metric, these files define {count}", param_hint="-o")
    if form is MetricFormat.openmetrics and count > 1:
        raise typer.BadParameter(f"openmetrics takes one metric, these files define {count}", param_hint="--format")
    if form is MetricFormat.prometheus and step is not None:
        raise typer.BadParameter("prometheus shows a single moment: openmetrics holds time series", param_hint="--step")
    if form is MetricFormat.parquet and (output is None or output.suffix != ".parquet"):
        raise typer.BadParameter("parquet needs a file: -o NAME.parquet", param_hint="--format")


def _table(metric: FlowMetric, flows: pd.DataFrame | list[str], step: str | None) -> pd.DataFrame:
    from flowkit.metric import NothingMatched

    with warnings.catch_warnings():
        # The note of the same words is printed with the others.
        warnings.simplefilter("ignore", NothingMatched)
        return metric.apply(flows, step=step)


def _print(metric: FlowMetric, table: pd.DataFrame, form: MetricFormat, output: Path | None, *, force: bool) -> None:
    from flowkit.contract.at_rest import check_place, write
    from flowkit.metric import exposition

    if form in _EXPOSITIONS:
        print_text(exposition(metric, table, format=cast("Format", form.value)), output, force=force)
    elif form is MetricFormat.parquet and output is not None:
        check_place(output, force=force)
        typer.echo(write(table, output))
    else:
        print_table(table, TableFormat(form.value), output, force=force)
