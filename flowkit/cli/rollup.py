"""``flowkit rollup``: weeks of flows as a small folder of edges and metric tables, brought up to date at every run."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from flowkit.cli.options import Cluster, Subnets, TableFormat
from flowkit.cli.output import print_table, working


def rollup(
    flows: Annotated[Path, typer.Argument(help="The folder the flows are in.", show_default=False)],
    into: Annotated[Path, typer.Argument(help="The rollup's folder; made if it is not there.", show_default=False)],
    metric: Annotated[
        list[Path] | None, typer.Option("--metric", help="FlowMetric resources; once for each file.")
    ] = None,
    every: Annotated[str, typer.Option(help="Length of a period: 5m, 1h, 1d.")] = "1h",
    finish: Annotated[bool, typer.Option("--finish", help="Make the last periods too, which may still grow.")] = False,  # noqa: FBT002
    skip_damaged: Annotated[  # noqa: FBT002
        bool, typer.Option("--skip-damaged", help="Leave damaged files out; the rollup and its results say which.")
    ] = False,
    cluster: Cluster = None,
    subnets: Subnets = None,
) -> None:
    """Bring a rollup up to date with a folder of flows, and print what became of each period.

    Example: flowkit rollup flows/ hours/ --metric workload-syn-in.yaml --every 1h
    """
    import flowkit as fk
    from flowkit.matrix.rollup import rollup as bring_up_to_date
    from flowkit.matrix.rollup_flows import Reading

    metrics = [one for path in metric or [] for one in fk.FlowMetric.load_all(path)]
    naming = partial(fk.enrich, cluster=cluster, subnets=subnets) if cluster or subnets else None
    reading = Reading(naming, "skip" if skip_damaged else "refuse")
    with working(f"rolling up {flows}"):
        done = bring_up_to_date(flows, into, metrics, every, reading, finish=finish)
    print_table(done[done["what"] != "kept"], TableFormat.text, None, force=False)
    for note in fk.provenance(done).notes:
        typer.echo(note, err=True)
    for when in done.loc[done["what"] == "late", "period"]:
        typer.echo(
            f"late flows of {when:%Y-%m-%d %H:%M} UTC left out: the flows its period was made of are gone", err=True
        )
