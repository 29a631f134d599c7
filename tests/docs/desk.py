"""The desk on which the docs' examples run: a folder with the files they name, and the names their Python speaks of."""

from __future__ import annotations

import glob
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import capture
import flowkit as fk

ROOT = Path(__file__).parent.parent.parent
FENCE = re.compile(
    r"^(?:<!-- not run: (?P<why>[^>]+) -->\n)?```(?P<language>\w*)[^\n]*\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)
# Programs of others that the docs may name; ours are run.
OTHERS = {
    "make",
    "pip",
    "kubectl",
    "docker",
    "podman",
    "git",
    "python",
    "promtool",
    "tcpdump",
    "apt",
    "oc",
    "curl",
    "nfcapd",
    "softflowd",
    "sudo",
    "ssh",
    "hubble",
}
SHELL = set("|><;&$`")


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, its text, the line it begins at, and why it is not run (empty where it is)."""

    language: str
    text: str
    line: int
    why: str

    @property
    def commands(self) -> list[str]:
        """The command lines of a console block: what stands behind a `$`, continued lines joined."""
        text = self.text.replace("\\\n", " ")
        return [line[2:].strip() for line in text.splitlines() if line.startswith("$ ")]


def blocks(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    return [
        Block(found["language"], found["text"], text.count("\n", 0, found.start()) + 1, found["why"] or "")
        for found in FENCE.finditer(text)
    ]


def lay(folder: Path) -> Path:
    """Put the files that examples name into `folder`: the recorded cluster's, and what the tools make of them."""
    cluster = ROOT / "data" / "cluster"
    for number, packets in enumerate(sorted(cluster.glob("*.pcap.gz")), 1):
        shutil.copy(packets, folder / f"node-{number}.pcap.gz")
    for name in ("cluster.json", "flowcollector.yaml"):
        shutil.copy(cluster / name, folder)
    for name in ("workload-syn-in.yaml", "workload-syn-out.yaml"):
        shutil.copy(ROOT / "data" / "metrics" / name, folder)
    shutil.copy(ROOT / "data" / "policies" / "netobserv-operator.yaml", folder / "edited.yaml")
    (folder / "data").symlink_to(ROOT / "data")
    (folder / "my.key").write_bytes(bytes(range(32)))
    packets = sorted(cluster.glob("*.pcap.gz"))  # named after their nodes, which tells who reports
    flows = capture.read_pcap(packets)
    fk.write(flows, folder / "flows.parquet")
    capture.names(packets).to_csv(folder / "names.csv", index=False)
    named = fk.enrich(flows, cluster=folder / "cluster.json", subnets=folder / "flowcollector.yaml")
    matrix = fk.matrix(named)
    for name, namespaces in (
        ("policies", ("netobserv", "shop")),
        ("policies-before", ("shop",)),
        ("policies-after", ("shop",)),
    ):
        chosen = fk.Options(namespaces=namespaces)
        fk.synthesise(matrix, folder / "cluster.json", subnets=folder / "flowcollector.yaml", options=chosen).save(
            folder / name
        )
    return folder


def spoken(folder: Path) -> dict[str, object]:
    """The names that examples of Python take for granted: a new table each time, since examples may change it."""
    flows = fk.enrich(
        fk.read(folder / "flows.parquet"), cluster=folder / "cluster.json", subnets=folder / "flowcollector.yaml"
    )
    matrix, inventory = fk.matrix(flows), fk.Inventory.load(folder / "cluster.json")
    policies = fk.PolicySet.load(folder / "policies")
    start = int(flows["TimeFlowStartMs"].min())
    return {
        "fk": fk,
        "capture": capture,
        "Path": Path,
        "flows": flows,
        "more": flows,
        "matrix": matrix,
        "last_week": matrix.where(namespace="shop"),
        "inventory": inventory,
        "policies": policies,
        "judged": fk.judged(matrix, policies, inventory),
        "start_ms": start,
        "end_ms": start + 10_000,
    }


def run(command: str, folder: Path) -> str:
    """Run a command line of ours in `folder` and give what it printed; one that needs a shell gets one."""
    program = command.split()[0]
    words = [str(Path(sys.executable).parent / program), *shlex.split(command)[1:]]
    if SHELL & set(command):
        words = ["bash", "-euo", "pipefail", "-c", command]
    else:
        words = [name for word in words for name in (sorted(glob.glob(word, root_dir=folder)) or [word])]
    path = f"{Path(sys.executable).parent}:/usr/local/sbin:/usr/sbin:/usr/local/bin:/usr/bin:/bin"
    done = subprocess.run(
        words,
        cwd=folder,
        env={"PATH": path, "PYTHONPATH": str(ROOT), "HOME": str(folder), "COLUMNS": "100"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
    return done.stdout
