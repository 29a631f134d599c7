"""``flowkit show``: the flow table in the console's columns, by the console's filters."""

from __future__ import annotations

from typing import Annotated

import typer

from flowkit.cli.options import Cluster, Flows, Force, Output, Subnets, Where
from flowkit.cli.output import print_text, read_flows, working


def show(
    flows: Flows,
    filters: Annotated[
        str | None, typer.Option("--filters", help="The console's filters: 'src_namespace=shop&dst_port!=53'.")
    ] = None,
    quick: Annotated[
        list[str] | None, typer.Option("--quick", help="applications, infrastructure, pods, services, external …")
    ] = None,
    columns: Annotated[
        str,
        typer.Option(help="Preset (default, addresses, objects, owners, drops, dns, events, all), or ids with commas."),
    ] = "default",
    back_and_forth: Annotated[bool, typer.Option("--back-and-forth", help="Answers too.")] = False,  # noqa: FBT002
    limit: Annotated[int, typer.Option(help="Most rows to show; CSV has all.")] = 100,
    csv: Annotated[bool, typer.Option("--csv", help="All flows that match, as CSV.")] = False,  # noqa: FBT002
    cluster: Cluster = None,
    subnets: Subnets = None,
    where: Where = None,
    output: Output = None,
    force: Force = False,  # noqa: FBT002 - a command line switch
) -> None:
    """Show flows as NetObserv's console does: newest first, its columns, its filters.

    Example: flowkit show flows.json --filters 'namespace="shop"&port=https' --columns objects --back-and-forth
    """
    import flowkit as fk

    chosen = read_flows(flows, cluster, subnets, where)
    with working("filtering"):
        table = fk.show(
            chosen,
            filters,
            quick=quick or (),
            columns=columns.split(",") if "," in columns else columns,
            ways="back and forth" if back_and_forth else "one way",
            limit=limit,
        )
    as_csv = csv or (output is not None and output.suffix == ".csv")
    print_text(table.csv() if as_csv else table.text() + "\n", output, force=force)
    for notice in table.notices:
        typer.echo(notice, err=True)
