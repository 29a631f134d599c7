"""``flowkit matrix`` and ``flowkit report``: the flow matrix as a table, and as a page to mail."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flowkit.cli.options import (
    By,
    Cluster,
    Flows,
    Force,
    Format,
    LongestPrefix,
    Namespace,
    Output,
    ProfileName,
    ProfileOption,
    State,
    Subnets,
    TableFormat,
    Where,
)
from flowkit.cli.output import chosen, labels_of, print_table, print_text, read_flows, rollup_among, say, working
from flowkit.errors import FlowkitError

if TYPE_CHECKING:
    import pandas as pd

    from flowkit.enrich import SubnetLabels
    from flowkit.matrix import FlowMatrix


def matrix(
    flows: Flows,
    cluster: Cluster = None,
    subnets: Subnets = None,
    longest_prefix: LongestPrefix = False,  # noqa: FBT002 - a command line switch
    where: Where = None,
    by: By = None,
    namespace: Namespace = None,
    state: Annotated[State | None, typer.Option(help="Only edges of this state.")] = None,
    format_: Format = None,
    output: Output = None,
    force: Force = False,  # noqa: FBT002 - a command line switch
) -> None:
    """Print the flow matrix: one edge a client → server : port, with its evidence.

    A folder that flowkit rollup wrote is asked as it is.

    Example: flowkit matrix data/cluster/*.pcap.gz --cluster data/cluster/cluster.json --subnets data/cluster/flowcollector.yaml
    """
    from flowkit.view.terminal import text_table

    form = chosen(format_, output)
    rollup = rollup_among(flows)
    if rollup is not None and cluster is not None:
        raise typer.BadParameter("a rollup was named when it was made", param_hint="--cluster")
    labels = labels_of(subnets, cluster, longest_prefix=longest_prefix)
    table = _built(rollup, flows, cluster, labels, where, by)[0].where(namespace=namespace, state=state)
    if form is TableFormat.text:
        print_text(_picture(table) + text_table(_listing(table)) + "\n", output, force=force)
    else:
        print_table(table.edges, form, output, force=force)
    say(table.provenance)


def _built(
    rollup: Path | None,
    flows: list[str],
    cluster: Path | None,
    labels: Path | SubnetLabels | None,
    where: str | None,
    by: str | None,
) -> tuple[FlowMatrix, pd.DataFrame | None]:
    """The matrix of a rollup, or of flows with the flows it is of."""
    import flowkit as fk

    if rollup is not None:
        if labels is not None or where is not None or by is not None:
            raise typer.BadParameter("a rollup was made with its names: leave out --subnets, --where and --by")
        return fk.matrix_of_rollup(rollup), None
    kept = read_flows(flows, cluster, labels, where)
    with working("building the flow matrix"):
        return fk.matrix(kept, by=by), kept


def _picture(matrix: FlowMatrix) -> str:
    """Namespace × namespace as blocks, no wider than the terminal, where there is more than one namespace."""
    from flowkit.view.blocks import NARROWEST, text_matrix

    if matrix.endpoints["group"].nunique() < 2:
        return ""
    return text_matrix(matrix, width=max(NARROWEST, shutil.get_terminal_size().columns)) + "\n\n"


def _listing(matrix: FlowMatrix) -> pd.DataFrame:
    """What a person reads of a matrix; files and programs get all columns of the edges."""
    from flowkit.matrix.endpoints import named_edges

    return named_edges(matrix.edges).drop(columns=["flows", "packets", "first"])


def report(
    flows: Flows,
    output: Annotated[Path, typer.Option("-o", "--output", help="The HTML file to write.")],
    cluster: Cluster = None,
    subnets: Subnets = None,
    longest_prefix: LongestPrefix = False,  # noqa: FBT002 - a command line switch
    where: Where = None,
    by: By = None,
    namespace: Namespace = None,
    title: Annotated[str | None, typer.Option(help="Title of the report.")] = None,
    max_edges: Annotated[
        int | None, typer.Option(min=1, help="Only this many edges, those with the most bytes.")
    ] = None,
    anonymise: Annotated[
        str | None, typer.Option(metavar="KEY", help="Pseudonyms for all names; the same key gives the same ones.")
    ] = None,
    policies: Annotated[
        Path | None, typer.Option(help="Policies to show and, with --cluster, to judge: a file or a folder.")
    ] = None,
    profile: ProfileOption = ProfileName.generic,
    force: Force = False,  # noqa: FBT002 - a command line switch
) -> None:
    """Write the flow matrix as one HTML file that works offline and can be mailed.

    With --policies it lists them, and with --cluster says of every edge what they would do to it.

    Example: flowkit report capture.pcap --cluster cluster.json -o matrix.html
    """
    import flowkit as fk
    from flowkit.contract.at_rest import check_place
    from flowkit.view.reduced import anonymised, largest

    check_place(output, force=force)
    if policies is not None and anonymise is not None:
        raise FlowkitError("policies name what --anonymise hides: leave out one of them")
    labels = labels_of(subnets, cluster, longest_prefix=longest_prefix)
    built, chosen_flows = _built(rollup_among(flows), flows, cluster, labels, where, by)
    with working("writing the report"):
        table = built.where(namespace=namespace)
        table = table if max_edges is None else largest(table, max_edges)
        # what lies outside, and when, is told by names and of the whole: of neither a part nor a nameless matrix
        whole = chosen_flows if namespace is None and anonymise is None else None
        told = None if policies is None else fk.judged(table, policies, cluster, profile.value)
        shown = table if anonymise is None else anonymised(table, anonymise)
        path = fk.report(shown, output, title=title, policies=told, flows=whole)
    typer.echo(path)
    say(table.provenance)
