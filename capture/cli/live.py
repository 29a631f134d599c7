"""``capture live``: an interface's packets into rotating Parquet files."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from capture.cli.outlet import in_one_line, say

if TYPE_CHECKING:
    from capture.live import LiveCapture


def live(
    interface: Annotated[str, typer.Option("-i", "--interface", help="The interface to capture on.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="The folder for the Parquet files.")],
    filter: Annotated[str, typer.Option("-f", "--filter", help="A capture filter, as tcpdump has them.")] = "",  # noqa: A002
    every: Annotated[float, typer.Option(help="Seconds a file.")] = 60.0,
    duration: Annotated[float | None, typer.Option(help="Stop after so many seconds.")] = None,
    most_packets: Annotated[int | None, typer.Option(help="Stop after about so many packets.")] = None,
    most_bytes: Annotated[int | None, typer.Option(help="Stop once the files have so many bytes.")] = None,
    snap: Annotated[int, typer.Option(help="Bytes kept of each packet; sizes are those on the wire.")] = 512,
    agent_ip: Annotated[str | None, typer.Option(help="The node's address, for AgentIP.")] = None,
    engine: Annotated[
        Literal["numpy", "pyshark"],
        typer.Option(help="Who reads packets; pyshark is slow, with Wireshark's dissectors."),
    ] = "numpy",
) -> None:
    """Capture on an interface until Ctrl-C: a Parquet file of flows every minute, each whole or not there.

    The names of the files go to stdout. Needs the capability CAP_NET_RAW, or a dumpcap that has it.

    Example: capture live -i eth0 -f 'not port 22' -o flows/
    """
    with in_one_line():
        from capture.live import live as begin

        handle = begin(
            interface,
            filter=filter,
            duration=duration,
            folder=output,
            every=every,
            most_packets=most_packets,
            most_bytes=most_bytes,
            snap=snap,
            agent_ip=agent_ip,
            engine=engine,
        )
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: handle.ask_to_stop())
        follow(handle)


def follow(handle: LiveCapture[Any]) -> None:
    """Print each file's name when it is whole; the counts at the end, and on a terminal all the time."""
    told = 0
    while True:
        running = handle.running
        progress = handle.progress if running else handle.wait()
        for path in progress.files[told:]:
            typer.echo(path)
        told = len(progress.files)
        if not running:
            break
        if sys.stderr.isatty():
            typer.echo(f"\r{progress} ", err=True, nl=False)
        handle.wait(0.5)
    say(f"{progress}")
