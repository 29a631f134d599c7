"""``capture ebpf``: flows counted inside the kernel, into rotating Parquet files."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Annotated, Literal

import typer

from capture.cli.live import follow
from capture.cli.outlet import in_one_line, say


def ebpf(
    output: Annotated[Path, typer.Option("-o", "--output", help="The folder for the Parquet files.")],
    interface: Annotated[
        list[str] | None, typer.Option("-i", "--interface", help="An interface to count on; may be given again.")
    ] = None,
    cgroup: Annotated[Path | None, typer.Option(help="Count what the sockets of this cgroup do, instead.")] = None,
    netns: Annotated[
        str | None, typer.Option(help="The interfaces' namespace: name, path, or a process's number.")
    ] = None,
    every: Annotated[float, typer.Option(help="Seconds a file.")] = 60.0,
    duration: Annotated[float | None, typer.Option(help="Stop after so many seconds.")] = None,
    most_bytes: Annotated[int | None, typer.Option(help="Stop once the files have so many bytes.")] = None,
    sampling: Annotated[int, typer.Option(help="Count one packet in so many.")] = 1,
    max_flows: Annotated[int, typer.Option(help="Room for flows between two drains, about a second apart.")] = 65_536,
    hook: Annotated[
        Literal["auto", "tcx", "socket"], typer.Option(help="TCX (Linux 6.6), or a packet socket.")
    ] = "auto",
    agent_ip: Annotated[str | None, typer.Option(help="The node's address, for AgentIP.")] = None,
    owners: Annotated[bool, typer.Option("--owners", help="Process, user and container of each flow.")] = False,  # noqa: FBT002
    dns: Annotated[bool, typer.Option("--dns", help="Names, codes and latency of DNS answers.")] = False,  # noqa: FBT002
    rtt: Annotated[bool, typer.Option("--rtt", help="TCP's smoothed round-trip time.")] = False,  # noqa: FBT002
    drops: Annotated[bool, typer.Option("--drops", help="Packets that the kernel dropped, and why.")] = False,  # noqa: FBT002
) -> None:
    """Count flows inside the kernel until Ctrl-C: a Parquet file every minute, each whole or not there.

    The names of the files go to stdout. Needs CAP_BPF and CAP_NET_ADMIN; `capture doctor` says what is missing.

    Example: capture ebpf -i eth0 -o flows/
    """
    with in_one_line():
        from capture.ebpf import ebpf as begin

        counting = begin(
            interface or (),
            cgroup=cgroup,
            netns=netns,
            sampling=sampling,
            max_flows=max_flows,
            hook=hook,
            agent_ip=agent_ip,
            owners=owners,
            dns=dns,
            rtt=rtt,
            drops=drops,
        )
        with counting:
            handle = counting.record(output, every=every, duration=duration, most_bytes=most_bytes)
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, lambda *_: handle.ask_to_stop())
            follow(handle)
        say(f"{counting.ledger()}")
