"""The main job on the recorded cluster: packets → flow table → names → FlowMetrics → flow matrix → report → policies."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pandas as pd

import capture
import flowkit as fk
from data.score import score, truth
from flowkit.matrix.endpoints import named_edges, side_names
from flowkit.view.terminal import loss_lines, text_table

HERE = Path(__file__).parent
CLUSTER = HERE / "cluster"
NAMESPACE = "netobserv"
POLICED = (NAMESPACE, "shop")

# The article's two questions: what does the namespace call, and who calls it.
EGRESS = ["workload", "kind", "port", "to_kind", "to_namespace", "to_subnet_label", "to_workload"]
INGRESS = ["workload", "kind", "port", "from_kind", "from_namespace", "from_subnet_label", "from_workload"]
INGRESS_OF_NODES = ["workload", "kind", "port", "from_subnet_label"]
EDGE = ["client", "server", "port", "proto", "state", "connections", "bytes", "direction_by"]
DENIED = ["client", "server", "port", "proto", "state", "connections", "policy", "reason"]
OUT = Path("demo")


def main() -> None:
    """Run the job and print what it finds."""
    started = time.monotonic()
    flows = _flows()
    _seed_tables(flows)
    matrix = fk.matrix(flows)
    _edges("the flow matrix of shop", matrix.where(namespace="shop"))
    _agreement(matrix)
    _policies(flows, matrix)
    print(f"done in {time.monotonic() - started:.1f} s", file=sys.stderr)


def _flows() -> pd.DataFrame:
    flows = capture.read_pcap(sorted(CLUSTER.glob("*.pcap.gz")))
    nodes = flows["CaptureFile"].nunique()
    print(f"{int(flows['Packets'].sum()):,} packets of {nodes} nodes are {len(flows):,} flows")
    return fk.enrich(flows, cluster=CLUSTER / "cluster.json", subnets=CLUSTER / "flowcollector.yaml")


def _seed_tables(flows: pd.DataFrame) -> None:
    out, into = (_metric(way, flows) for way in ("out", "in"))
    from_node = into["from_kind"] == "Node"
    _summed(f"{NAMESPACE} calls (netobserv_workload_syn_out)", out, EGRESS)
    _summed(f"nodes call {NAMESPACE} (netobserv_workload_syn_in)", into[from_node], INGRESS_OF_NODES)
    _summed(f"others call {NAMESPACE} (netobserv_workload_syn_in)", into[~from_node], INGRESS)


def _metric(way: str, flows: pd.DataFrame) -> pd.DataFrame:
    table = fk.FlowMetric.load(HERE / "metrics" / f"workload-syn-{way}.yaml").apply(flows)
    return table[table["namespace"] == NAMESPACE]


def _summed(title: str, table: pd.DataFrame, by: list[str]) -> None:
    print(f"\n{title}\n{text_table(table.groupby(by, observed=True)['value'].sum().reset_index())}")


def _edges(title: str, matrix: fk.FlowMatrix) -> None:
    print(f"\n{title}\n{text_table(named_edges(matrix.edges), EDGE)}")


def _agreement(matrix: fk.FlowMatrix) -> None:
    wanted = truth(CLUSTER / "truth.json")
    print(f"\n{matrix}")
    for line in loss_lines(matrix.provenance):
        print(f"  {line}")
    answered = score(matrix.edges, wanted)
    print(
        f"against the truth: precision {answered.precision:.2f}, recall {answered.recall:.2f} "
        f"({answered.right} answered edges, {len(answered.extra)} too many, {len(answered.missing)} missing)"
    )
    for word, edges in (("too many", answered.extra), ("missing", answered.missing)):
        for edge in edges:
            print(f"  {word}: {edge}")


def _policies(flows: pd.DataFrame, matrix: fk.FlowMatrix) -> None:
    inventory = fk.Inventory.load(CLUSTER / "cluster.json")
    options = fk.Options(namespaces=POLICED)
    policies = fk.synthesise(matrix, inventory, subnets=CLUSTER / "flowcollector.yaml", options=options)
    folder = policies.save(OUT / "policies", force=True)
    print(f"\npolicies of {' and '.join(POLICED)}\n{text_table(_listed(policies))}")
    _findings(policies)
    edges = matrix.edges.join(fk.judge_edges(policies, matrix, inventory))
    ends = {end: side_names(edges, side)["endpoint"] for end, side in (("client", "from"), ("server", "to"))}
    denied = edges.assign(**ends)[edges["verdict"] == "denied"]
    print(f"\nthey would deny, of what was seen\n{text_table(denied, DENIED)}")
    shown = fk.judged(matrix, policies, inventory)
    title = "Who talks to whom in the recorded cluster"
    report = fk.report(matrix, OUT / "cluster.html", title=title, policies=shown, flows=flows)
    heatmap = OUT / "heatmap.html"
    fk.plot.heatmap(matrix.answered).write_html(heatmap)
    print(f"\nreport   {report.resolve()}\nheatmap  {heatmap.resolve()}")
    print(f"policies {folder.resolve()}   (prove them in a kernel, as root: python -m data.lab --prove {folder})")
    print(f"verified: {fk.verify(policies, flows, inventory).line}")


def _listed(policies: fk.PolicySet) -> pd.DataFrame:
    rows = [
        (policy.namespace, policy.name, ", ".join(policy.directions), len(policy.ingress), len(policy.egress))
        for policy in policies.policies
    ]
    return pd.DataFrame(rows, columns=["namespace", "policy", "isolates", "ingress rules", "egress rules"])


def _findings(policies: fk.PolicySet) -> None:
    assert policies.findings is not None
    for (finding, reason), count in policies.findings.groupby(["finding", "reason"]).size().items():
        print(f"  {finding}: {count} × {reason}")


if __name__ == "__main__":
    main()
