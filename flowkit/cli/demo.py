"""``flowkit demo``: the main job on the recorded cluster, from packets to matrix, report and verified policies."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    import pandas as pd

    import flowkit as fk

NAMESPACE = "netobserv"
POLICED = (NAMESPACE, "shop")

# The article's two questions: what does the namespace call, and who calls it.
EGRESS = ["workload", "kind", "port", "to_kind", "to_namespace", "to_subnet_label", "to_workload"]
INGRESS = ["workload", "kind", "port", "from_kind", "from_namespace", "from_subnet_label", "from_workload"]
INGRESS_OF_NODES = ["workload", "kind", "port", "from_subnet_label"]
EDGE = ["client", "server", "port", "proto", "state", "connections", "bytes", "direction_by"]
DENIED = ["client", "server", "port", "proto", "state", "connections", "policy", "reason"]


def demo(
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder for report, heat map and policies.")] = Path(
        "demo"
    ),
) -> None:
    """Go from the recorded cluster's packets to flow table, FlowMetrics, matrix, report and verified policies.

    Example: flowkit demo
    """
    from flowkit.cli.examples import home

    data = home() / "data"
    flows = flows_of(data / "cluster")
    print_metrics(flows, data / "metrics")
    print_policies(flows, print_matrix(flows), data / "cluster", output)


def flows_of(cluster: Path) -> pd.DataFrame:
    """Read the packets of a recorded cluster and name their ends."""
    import flowkit as fk
    from flowkit.cli.output import working

    with working("reading packets"):
        flows = fk.read(sorted(cluster.glob("*.pcap.gz")))
        typer.echo(
            f"{int(flows['Packets'].sum()):,} packets of {flows['CaptureFile'].nunique()} nodes are {len(flows):,} flows"
        )
        return fk.enrich(flows, cluster=cluster / "cluster.json", subnets=cluster / "flowcollector.yaml")


def print_metrics(flows: pd.DataFrame, metrics: Path) -> None:
    """Print the article's queries: what the namespace calls, which nodes call it, and who else does."""
    out, into = (_metric(metrics / f"workload-syn-{way}.yaml", flows) for way in ("out", "in"))
    from_node = into["from_kind"] == "Node"
    _summed(f"{NAMESPACE} calls (netobserv_workload_syn_out)", out, EGRESS)
    _summed(f"nodes call {NAMESPACE} (netobserv_workload_syn_in)", into[from_node], INGRESS_OF_NODES)
    _summed(f"others call {NAMESPACE} (netobserv_workload_syn_in)", into[~from_node], INGRESS)


def print_matrix(flows: pd.DataFrame) -> fk.FlowMatrix:
    """Print the flow matrix of one namespace, what the whole holds, and what was left out of it."""
    import flowkit as fk
    from flowkit.matrix.endpoints import named_edges
    from flowkit.view.terminal import loss_lines, text_table

    matrix = fk.matrix(flows)
    typer.echo(f"\nthe flow matrix of shop\n{text_table(named_edges(matrix.where(namespace='shop').edges), EDGE)}")
    typer.echo(f"\n{matrix}")
    for line in loss_lines(matrix.provenance):
        typer.echo(f"  {line}")
    return matrix


def print_policies(flows: pd.DataFrame, matrix: fk.FlowMatrix, cluster: Path, out: Path) -> None:
    """Write policies, report and heat map into `out`; print what the policies are, what they would deny, and the proof."""
    import flowkit as fk
    from flowkit.view.terminal import text_table

    inventory = fk.Inventory.load(cluster / "cluster.json")
    options = fk.Options(namespaces=POLICED)
    policies = fk.synthesise(matrix, inventory, subnets=cluster / "flowcollector.yaml", options=options)
    folder = policies.save(out / "policies", force=True)
    typer.echo(f"\npolicies of {' and '.join(POLICED)}\n{text_table(_listed(policies))}")
    _print_findings(policies)
    typer.echo(f"\nthey would deny, of what was seen\n{text_table(_denied(matrix, policies, inventory), DENIED)}")
    judged = fk.judged(matrix, policies, inventory)
    title = "Who talks to whom in the recorded cluster"
    report = fk.report(matrix, out / "cluster.html", title=title, policies=judged, flows=flows)
    typer.echo(f"\nreport   {report.resolve()}")
    typer.echo(f"policies {folder.resolve()}")
    typer.echo(f"verified: {fk.verify(policies, flows, inventory).line}")


def _metric(definition: Path, flows: pd.DataFrame) -> pd.DataFrame:
    import flowkit as fk

    table = fk.FlowMetric.load(definition).apply(flows)
    return table[table["namespace"] == NAMESPACE]


def _summed(title: str, table: pd.DataFrame, by: list[str]) -> None:
    from flowkit.view.terminal import text_table

    typer.echo(f"\n{title}\n{text_table(table.groupby(by, observed=True)['value'].sum().reset_index())}")


def _denied(matrix: fk.FlowMatrix, policies: fk.PolicySet, inventory: fk.Inventory) -> pd.DataFrame:
    import flowkit as fk
    from flowkit.matrix.endpoints import side_names

    edges = matrix.edges.join(fk.judge_edges(policies, matrix, inventory))
    ends = {end: side_names(edges, side)["endpoint"] for end, side in (("client", "from"), ("server", "to"))}
    return edges.assign(**ends)[edges["verdict"] == "denied"]


def _listed(policies: fk.PolicySet) -> pd.DataFrame:
    import pandas as pd

    rows = [
        (policy.namespace, policy.name, ", ".join(policy.directions), len(policy.ingress), len(policy.egress))
        for policy in policies.policies
    ]
    return pd.DataFrame(rows, columns=["namespace", "policy", "isolates", "ingress rules", "egress rules"])


def _print_findings(policies: fk.PolicySet) -> None:
    if policies.findings is not None:
        counted = policies.findings.groupby(["finding", "reason"]).size().reset_index(name="count")
        for row in counted.itertuples():
            typer.echo(f"  {row.finding}: {row.count} × {row.reason}")
