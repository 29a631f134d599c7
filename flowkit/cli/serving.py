"""``flowkit serve`` and ``flowkit backfill``: FlowMetrics for a real Prometheus, as they come and after the fact."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flowkit.cli.options import Cluster, Force, LongestPrefix, Output, Subnets
from flowkit.cli.output import labels_of, print_text, read_flows, say, working

if TYPE_CHECKING:
    import pandas as pd

Metrics = Annotated[list[Path], typer.Option("--metric", help="FlowMetric resources; give it once for each file.")]


def serve(
    folder: Annotated[Path, typer.Argument(help="The folder that capture writes flows to.", show_default=False)],
    metric: Metrics,
    cluster: Cluster = None,
    subnets: Subnets = None,
    host: Annotated[str, typer.Option(help="Address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen at; 0 takes a free one.")] = 9102,
    expiry: Annotated[float, typer.Option(help="Seconds after which an untouched series ends; 0 is never.")] = 120.0,
) -> None:
    """Show FlowMetrics over a growing folder of flows at /metrics, for a Prometheus to scrape, until Ctrl-C.

    Example: flowkit serve flows/ --metric workload-syn-in.yaml --cluster cluster.json
    """
    import flowkit as fk
    from flowkit.metric.serving import Served, Watched, serving

    metrics = [one for path in metric for one in fk.FlowMetric.load_all(path)]
    served = Served(Watched(folder, metrics, _naming(cluster, subnets), expiry))
    with working(f"reading {folder}"):
        served.update()
    with serving(served, host, port) as server:
        typer.echo(f"http://{host}:{server.server_port}/metrics")
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            typer.echo("stopped", err=True)


def _naming(cluster: Path | None, subnets: Path | None) -> Callable[[pd.DataFrame], pd.DataFrame] | None:
    """What gives flows their names; the inventory is read once."""
    import flowkit as fk

    if cluster is None and subnets is None:
        return None
    inventory = None if cluster is None else fk.Inventory.load(cluster)
    return partial(fk.enrich, cluster=inventory, subnets=subnets)


def backfill(
    definition: Annotated[list[Path], typer.Argument(help="FlowMetric resources (YAML or JSON).", show_default=False)],
    flows: Annotated[
        list[str], typer.Option("--flows", help="Files, globs or folders of flows; give it once for each.")
    ],
    cluster: Cluster = None,
    subnets: Subnets = None,
    longest_prefix: LongestPrefix = False,  # noqa: FBT002 - a command line switch
    step: Annotated[str, typer.Option(help="How often a Prometheus would have scraped.")] = "15s",
    output: Output = None,
    force: Force = False,  # noqa: FBT002 - a command line switch
) -> None:
    """Write FlowMetrics of recorded flows as OpenMetrics, to be filled into a Prometheus:
    promtool tsdb create-blocks-from openmetrics FILE DATA.

    Example: flowkit backfill workload-syn-in.yaml --flows flows.parquet -o flows.om
    """
    import flowkit as fk
    from flowkit.contract.provenance import merge
    from flowkit.metric import expositions

    metrics = [one for path in definition for one in fk.FlowMetric.load_all(path)]
    named = read_flows(flows, cluster, labels_of(subnets, cluster, longest_prefix=longest_prefix))
    with working("adding up"):
        tables = [(each, each.apply(named, step=step)) for each in metrics]
        text = expositions(tables, "openmetrics")
    print_text(text, output, force=force)
    say(merge(fk.provenance(table) for _, table in tables))
