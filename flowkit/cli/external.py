"""``flowkit external``: what is still unknown outside, and the labels that would name it."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from flowkit.cli.options import Cluster, Flows, Force, LongestPrefix, Output, Subnets, TableFormat
from flowkit.cli.output import labels_of, print_table, print_text, read_flows, say, working


class ExternalFormat(StrEnum):
    """How unknown addresses are printed; yaml is a FlowCollector's customLabels."""

    text = "text"
    json = "json"
    csv = "csv"
    yaml = "yaml"


def external(
    flows: Flows,
    cluster: Cluster = None,
    subnets: Subnets = None,
    longest_prefix: LongestPrefix = False,  # noqa: FBT002 - a command line switch
    names: Annotated[Path | None, typer.Option(help="Names of addresses: a table with Addr and Name.")] = None,
    format_: Annotated[ExternalFormat, typer.Option("--format", help="How to print.")] = ExternalFormat.text,
    output: Output = None,
    force: Force = False,  # noqa: FBT002 - a command line switch
) -> None:
    """List outside addresses that no subnet label names yet, with ports, peers and a label to paste.

    Example: flowkit external flows.parquet --cluster cluster.json --subnets flowcollector.yaml --format yaml
    """
    import flowkit as fk
    from flowkit.matrix.external import custom_labels, read_names

    named = read_flows(flows, cluster, labels_of(subnets, cluster, longest_prefix=longest_prefix))
    with working("looking for unknown addresses"):
        table = fk.external(named, None if names is None else read_names(names))
    if format_ is ExternalFormat.yaml:
        print_text(custom_labels(table) + "\n", output, force=force)
    else:
        plain = table.assign(cidrs=table["cidrs"].map(", ".join)) if format_ is not ExternalFormat.json else table
        print_table(plain, TableFormat(format_), output, force=force)
    say(fk.provenance(table))
