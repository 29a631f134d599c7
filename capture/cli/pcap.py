"""``capture pcap``: capture files into a flow table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from capture.cli.outlet import in_one_line, keep, show

if TYPE_CHECKING:
    import pandas as pd

    from capture.pcap.plan import Plan


def pcap(
    files: Annotated[
        list[str],
        typer.Argument(metavar="FILE...", help="pcap or pcapng, plain, gzip, xz or zstd; - is standard input."),
    ],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Where to write: .parquet, .json, .jsonl or .csv.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the output.")] = False,  # noqa: FBT002
    tunnels: Annotated[
        Literal["inner", "outer"],
        typer.Option(help="Flows inside VXLAN, Geneve, GRE, IP in IP, or those that carry them."),
    ] = "inner",
    vlan: Annotated[Literal["ignore", "key"], typer.Option(help="Whether a VLAN tells flows apart.")] = "ignore",
    export: Annotated[float | None, typer.Option(help="Cut flows at each multiple of so many seconds.")] = None,
    idle: Annotated[float | None, typer.Option(help="Cut flows after so many seconds without a packet.")] = None,
    conversations: Annotated[  # noqa: FBT002
        bool, typer.Option("--conversations", help="Print TCP conversations as tshark -z conv,tcp does.")
    ] = False,
    anonymise: Annotated[
        Path | None, typer.Option(metavar="KEYFILE", help="Replace addresses, with the bytes of a file as the key.")
    ] = None,
) -> None:
    """Read packet captures into a flow table, one row a one-way flow.

    Without -o a summary is shown on a terminal, and JSON lines are written to a pipe.

    Example: capture pcap node-1.pcap.gz node-2.pcap.gz -o flows.parquet
    """
    with in_one_line():
        from capture.pcap.plan import Options

        seen = not conversations
        how = Options(tunnels, vlan, export_s=export, idle_s=idle, rtt=seen, dns=seen).plan()

        def read() -> pd.DataFrame:
            return _anonymised(_read(files, how), anonymise)

        if conversations:
            _print_conversations(read())
        elif output is None:
            show(read())
        else:
            keep(read, output, force=force)


def _read(files: list[str], how: Plan) -> pd.DataFrame:
    from rich.console import Console

    from capture.pcap.reader import read_files
    from capture.terminal import progress

    total = sum(Path(file).stat().st_size for file in files if Path(file).is_file())
    with progress(total, Console(stderr=True)) as tell:
        return read_files(files, progress=tell, plan=how)


def _anonymised(flows: pd.DataFrame, keyfile: Path | None) -> pd.DataFrame:
    if keyfile is None:
        return flows
    from capture.anonymise import anonymise

    return anonymise(flows, keyfile.read_bytes())


def _print_conversations(flows: pd.DataFrame) -> None:
    from capture.account import report
    from capture.conversations import conversations, lines

    firsts = [file.first_ns for file in report(flows).files.values() if file.first_ns is not None]
    for line in lines(conversations(flows), min(firsts, default=0)):
        typer.echo(line)
