"""The main job on the recorded cluster, as `flowkit demo` runs it, and how far its matrix agrees with the truth."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import flowkit as fk
from data.score import score, truth
from flowkit.cli.demo import flows_of, print_matrix, print_metrics, print_policies

HERE = Path(__file__).parent
CLUSTER = HERE / "cluster"
OUT = Path("demo")


def main() -> None:
    """Run the job and print what it finds."""
    started = time.monotonic()
    flows = flows_of(CLUSTER)
    print_metrics(flows, HERE / "metrics")
    matrix = print_matrix(flows)
    _agreement(matrix)
    _heatmap(matrix)
    print_policies(flows, matrix, CLUSTER, OUT)
    print(f"prove the policies in a kernel, as root: python -m data.lab --prove {OUT / 'policies'}")
    print(f"done in {time.monotonic() - started:.1f} s", file=sys.stderr)


def _agreement(matrix: fk.FlowMatrix) -> None:
    answered = score(matrix.edges, truth(CLUSTER / "truth.json"))
    print(
        f"against the truth: precision {answered.precision:.2f}, recall {answered.recall:.2f} "
        f"({answered.right} answered edges, {len(answered.extra)} too many, {len(answered.missing)} missing)"
    )
    for word, edges in (("too many", answered.extra), ("missing", answered.missing)):
        for edge in edges:
            print(f"  {word}: {edge}")


def _heatmap(matrix: fk.FlowMatrix) -> None:
    heatmap = OUT / "heatmap.html"
    OUT.mkdir(exist_ok=True)
    fk.plot.heatmap(matrix.answered).write_html(heatmap)
    print(f"heat map {heatmap.resolve()}")


if __name__ == "__main__":
    main()
