"""The options that commands share: what they are called, what they take, what their help says."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Level(StrEnum):
    """How fine the endpoints of a matrix are."""

    workload = "workload"
    pod = "pod"
    namespace = "namespace"
    address = "address"


class ProfileName(StrEnum):
    """The network plugin whose reading of the API counts."""

    generic = "generic"
    ovn = "ovn"
    cilium = "cilium"


class TableFormat(StrEnum):
    """How a table is printed."""

    text = "text"
    json = "json"
    csv = "csv"
    parquet = "parquet"


class MetricFormat(StrEnum):
    """How a metric table is printed: as a table, or in Prometheus' text forms."""

    text = "text"
    json = "json"
    csv = "csv"
    parquet = "parquet"
    prometheus = "prometheus"
    openmetrics = "openmetrics"


class State(StrEnum):
    """What became of the connections of an edge."""

    answered = "answered"
    refused = "refused"
    unanswered = "unanswered"


Flows = Annotated[
    list[str], typer.Argument(help="Files, globs or folders: pcap, NetObserv JSON, Parquet.", show_default=False)
]
Cluster = Annotated[
    Path | None, typer.Option(help="Inventory: what kubectl get pods,nodes,services,… -A -o json prints.")
]
Subnets = Annotated[Path | None, typer.Option(help="FlowCollector whose subnet labels name address ranges.")]
LongestPrefix = Annotated[
    bool, typer.Option("--longest-prefix", help="The narrowest subnet label wins, not the first as in NetObserv.")
]
By = Annotated[
    Level | None, typer.Option(help="Level of the endpoints.", show_default="workload; address without names")
]
Namespace = Annotated[str | None, typer.Option(help="Only edges that touch this namespace.")]
Where = Annotated[
    str | None,
    typer.Option(help="Only flows for which this filter holds, e.g. 'DstPort=443 and SrcK8S_Namespace=\"shop\"'."),
]
Format = Annotated[
    TableFormat | None, typer.Option("--format", help="How to print.", show_default="by the ending of -o, else text")
]
Output = Annotated[Path | None, typer.Option("-o", "--output", help="File to write instead of stdout.")]
Force = Annotated[bool, typer.Option("--force", help="Replace the output file when it is there.")]
Policies = Annotated[
    Path,
    typer.Option(help="Policies: a file, a folder, or what kubectl get networkpolicy -A -o json prints (- reads it)."),
]
Inventory = Annotated[
    Path,
    typer.Option("--cluster", help="Inventory: what kubectl get pods,nodes,namespaces,services,… -A -o json prints."),
]
ProfileOption = Annotated[ProfileName, typer.Option("--profile", help="The network plugin.")]
