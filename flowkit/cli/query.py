"""``flowkit query``: PromQL over flows, or over a Prometheus."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flowkit.cli.options import Cluster, Force, Format, LongestPrefix, Output, Subnets
from flowkit.cli.output import chosen, labels_of, print_table, read_flows, say, working

if TYPE_CHECKING:
    import pandas as pd


def query(
    promql: Annotated[str, typer.Argument(help="The query.", show_default=False)],
    flows: Annotated[
        list[str] | None, typer.Option("--flows", help="Files, globs or folders of flows; give it once for each.")
    ] = None,
    metric: Annotated[
        list[Path] | None, typer.Option("--metric", help="FlowMetric resources; give it once for each file.")
    ] = None,
    prometheus: Annotated[
        str | None,
        typer.Option(help="Ask this server instead; PROMETHEUS_BEARER_TOKEN and the like are docs/promql.md's."),
    ] = None,
    rollup: Annotated[
        Path | None, typer.Option(help="Ask the metrics of this rollup, as flowkit rollup writes it.")
    ] = None,
    cluster: Cluster = None,
    subnets: Subnets = None,
    longest_prefix: LongestPrefix = False,  # noqa: FBT002 - a command line switch
    time: Annotated[str | None, typer.Option(help="The moment, such as 2026-01-12T08:00:00Z.")] = None,
    start: Annotated[str | None, typer.Option(help="Begin of a range.")] = None,
    end: Annotated[str | None, typer.Option(help="End of a range.")] = None,
    step: Annotated[str | None, typer.Option(help="Step of a range, such as 1m.")] = None,
    rules: Annotated[
        int, typer.Option(help="Borders of ranges as Prometheus 2 or 3 has them; not for --prometheus.")
    ] = 3,
    format_: Format = None,
    output: Output = None,
    force: Force = False,  # noqa: FBT002 - a command line switch
) -> None:
    """Evaluate a PromQL query over FlowMetrics of flows, or ask a Prometheus; print a tidy table.

    Example: flowkit query 'sum by (port) (netobserv_workload_syn_in)' --flows flows.parquet --metric workload-syn-in.yaml
    """
    import flowkit as fk

    if sum(given is not None for given in (prometheus, flows or None, rollup)) != 1:
        raise typer.BadParameter("give either --flows (with --metric), or --rollup, or --prometheus")
    when: Any = {"time": time, "start": start, "end": end, "step": step}
    if prometheus is not None:
        with working(f"asking {prometheus}") as done:
            table = fk.read_metric(promql, prometheus, **when, progress=done)
    elif rollup is not None:
        with working(f"evaluating {rollup}"):
            table = fk.promql(promql, metric, rollup=rollup, **when, rules=rules)
    else:
        if not metric:
            raise typer.BadParameter("--flows needs the FlowMetrics to ask: --metric FILE")
        named = read_flows(flows or [], cluster, labels_of(subnets, cluster, longest_prefix=longest_prefix))
        with working("evaluating"):
            table = fk.promql(promql, metric, named, **when, rules=rules)
    print_table(_as_text(table), chosen(format_, output), output, force=force)
    say(fk.provenance(table))


def _as_text(table: pd.DataFrame) -> pd.DataFrame:
    """Labels as plain text, so that every form prints them alike."""
    labels = [name for name in table.columns if name not in ("time", "value")]
    return table.astype(dict.fromkeys(labels, "str"))
