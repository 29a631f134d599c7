"""``flowkit doctor``: what is here, what is missing, what that would give, and the command that brings it."""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum
from importlib import metadata
from pathlib import Path
from typing import Annotated

import typer

DISTRIBUTION = "flowkit-net"
EXTRAS = {
    "capture": "packets through Wireshark's dissectors, server names in QUIC",
    "cluster": "the inventory of a live cluster, no kubectl needed",
    "kafka": "flows straight from NetObserv's Kafka topic",
    "netflow": "a live collector of NetFlow and IPFIX",
    "prometheus": "queries on a Prometheus or on a DataFrame, serving metrics",
    "spark": "FlowMetrics on a Spark cluster",
    "plot": "figures to restyle: heat map, sankey, timeline, topology",
    "notebook": "the live explorer, controls and JupyterLab",
}
PROGRAMS = {
    "tshark": ("capture.dissect, pyshark, the packets behind a flow", "apt install tshark"),
    "dumpcap": ("live capture by users without CAP_NET_RAW", "apt install tshark"),
    "zstd": ("captures packed by zstd", "apt install zstd"),
    "nfdump": ("NetFlow and IPFIX files that nfcapd wrote", "apt install nfdump"),
    "java": ("Spark", "apt install default-jre-headless"),
    "kubectl": ("saving a cluster's inventory, applying policies", "https://kubernetes.io/docs/tasks/tools/"),
}
# linux/capability.h: the bit of each capability in the CapEff mask of /proc/self/status.
CAPABILITIES = {
    "CAP_NET_RAW": (13, "capture live"),
    "CAP_NET_ADMIN": (12, "capture ebpf"),
    "CAP_PERFMON": (38, "capture ebpf with the process behind each flow"),
    "CAP_BPF": (39, "capture ebpf"),
}


class Form(StrEnum):
    """How the findings are printed."""

    text = "text"
    json = "json"


@dataclass(frozen=True)
class Finding:
    """One thing flowkit can use: its `state` here (empty where missing), what it `gives`, and the command to `get` it."""

    kind: str
    name: str
    state: str
    gives: str
    get: str


def doctor(form: Annotated[Form, typer.Option("--format", help="How to print.")] = Form.text) -> None:
    """Say what is installed and permitted here, what each missing piece would give, and how to get it.

    Example: flowkit doctor
    """

    findings = [*_base(), *_extras(), *_programs(), *_capabilities()]
    if form is Form.json:
        typer.echo(json.dumps([asdict(finding) for finding in findings], indent=1))
        return
    for finding in findings:
        mark = "✓" if finding.state else "·"
        typer.echo(f"{mark} {finding.kind:<10} {finding.name:<14} {finding.state or 'missing':<12} {finding.gives}")
        if not finding.state:
            typer.echo(f"{'':<40} → {finding.get}")


def _base() -> Iterator[Finding]:
    yield Finding("base", "python", platform.python_version(), "3.11 or newer is needed", "https://python.org")
    for name in ("flowkit-net", "pandas", "duckdb", "pyarrow"):
        yield Finding(
            "base", name, _version(name), "tables, FlowMetrics, matrix, report, policies", f"pip install {name}"
        )


def _extras() -> Iterator[Finding]:
    needs = _needs()
    for extra, gives in EXTRAS.items():
        missing = [name for name in needs.get(extra, ()) if not _version(name)]
        state = "" if missing else "installed"
        yield Finding("extra", extra, state, gives, f"pip install '{DISTRIBUTION}[{extra}]'")


def _needs() -> dict[str, list[str]]:
    """The packages of each extra, as the installed distribution declares them."""
    needs: dict[str, list[str]] = {}
    for line in metadata.requires(DISTRIBUTION) or ():
        name, extra = re.match(r"[\w.-]+", line), re.search(r"extra == ['\"]([\w-]+)", line)
        if name and extra:
            needs.setdefault(extra[1], []).append(name[0])
    return needs


def _version(distribution: str) -> str:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return ""


def _programs() -> Iterator[Finding]:
    for name, (gives, get) in PROGRAMS.items():
        yield Finding("program", name, "found" if shutil.which(name) else "", gives, get)


def _capabilities() -> Iterator[Finding]:
    mask = _effective()
    for name, (bit, gives) in CAPABILITIES.items():
        held = bool(mask >> bit & 1)
        yield Finding("capability", name, "held" if held else "", gives, _grant(name))


def _effective() -> int:
    """The capabilities of this process; none where the system has no such thing."""
    status = Path("/proc/self/status")
    found = re.search(r"^CapEff:\s*([0-9a-f]+)", status.read_text(), re.MULTILINE) if status.exists() else None
    return int(found[1], 16) if found else 0


def _grant(capability: str) -> str:
    interpreter = os.path.realpath(sys.executable)
    return f"as root, or: setcap {capability.lower()}+ep on a copy of {interpreter}"
