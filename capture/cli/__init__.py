"""The command line ``capture``: one command a file, each a few lines over the public functions.

Data goes to stdout, messages to stderr; exit 0, 1 (one line says what failed) or 2 (usage).
"""

from __future__ import annotations

import typer

from capture.cli import doctor, ebpf, live, names, pcap

main = typer.Typer(
    name="capture",
    help="Turn packets into flow tables.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@main.callback()
def _capture() -> None:
    """Turn packets into flow tables."""


main.command()(pcap.pcap)
main.command()(live.live)
main.command()(ebpf.ebpf)
main.command()(names.names)
main.command()(doctor.doctor)
