"""What commands have in common: reading their flows, printing a table, saying what was lost, showing that work goes on."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from flowkit.cli.options import TableFormat

if TYPE_CHECKING:
    import pandas as pd

    from flowkit.contract import Provenance
    from flowkit.enrich import SubnetLabels


def read_flows(
    places: list[str], cluster: Path | None, subnets: Path | SubnetLabels | None, where: str | None = None
) -> pd.DataFrame:
    """Read flows, name their ends where an inventory or subnet labels are given, and keep those for which `where` holds."""
    import flowkit as fk

    with working(f"reading {', '.join(places[:3])}{' …' if len(places) > 3 else ''}"):
        flows = fk.read(places)
        if cluster is not None or subnets is not None:
            flows = fk.enrich(flows, cluster=cluster, subnets=subnets)
        return flows if where is None else fk.filter(flows, where)


def rollup_among(where: list[str]) -> Path | None:
    """The rollup that is asked instead of flows, where the one place given is one."""
    from flowkit.metric.rollup_folder import SETTINGS

    return Path(where[0]) if len(where) == 1 and (Path(where[0]) / SETTINGS).is_file() else None


def parquet_alone(where: list[str]) -> bool:
    """Whether these are Parquet files, or folders of nothing else, which the engine reads as they lie, whatever their size."""
    return all(_is_parquet(Path(place)) for place in where)


def _is_parquet(place: Path) -> bool:
    if not place.is_dir():
        return place.suffix == ".parquet"
    seen = [file.suffix for file in place.rglob("*") if file.is_file() and not file.name.startswith(".")]
    return bool(seen) and set(seen) == {".parquet"}


def labels_of(subnets: Path | None, cluster: Path | None, *, longest_prefix: bool) -> Path | SubnetLabels | None:
    """The subnet labels in the order asked for; auto-detected ranges are the cluster's own where its inventory tells them."""
    import flowkit as fk

    if subnets is None or not longest_prefix:
        return subnets
    own = () if cluster is None else fk.Inventory.load(cluster).subnets
    labels = fk.SubnetLabels.load(subnets, own) if own else fk.SubnetLabels.load(subnets)
    return labels.longest_prefix_first()


def chosen(format_: TableFormat | None, output: Path | None) -> TableFormat:
    """The format asked for, else the one the output file's ending names, else text; Parquet needs a file of its ending."""
    ending = output.suffix if output else ""
    form = format_ or {f".{known}": known for known in TableFormat}.get(ending, TableFormat.text)
    if form is TableFormat.parquet and ending != ".parquet":
        raise typer.BadParameter("parquet needs a file: -o NAME.parquet", param_hint="--format")
    return form


def print_table(table: pd.DataFrame, format_: TableFormat, output: Path | None, *, force: bool) -> None:
    """Print a table to stdout, or write it to `output` and print its name."""
    from flowkit.contract.at_rest import check_place, write

    if format_ is TableFormat.parquet and output is not None:
        check_place(output, force=force)
        typer.echo(write(table, output))
        return
    print_text(_text(table, format_), output, force=force)


def print_text(text: str, output: Path | None, *, force: bool) -> None:
    """Print a text to stdout, or write it to `output` and print its name."""
    from flowkit.contract.at_rest import check_place
    from flowkit.contract.replacing import replacing

    if output is None:
        typer.echo(text, nl=False)
        return
    check_place(output, force=force)
    with replacing(output) as stream:
        stream.write(text.encode("utf-8"))
    typer.echo(output)


def _text(table: pd.DataFrame, format_: TableFormat) -> str:
    from flowkit.contract.at_rest import csv_text, json_records
    from flowkit.view.terminal import text_table

    writers = {TableFormat.text: text_table, TableFormat.json: json_records, TableFormat.csv: csv_text}
    return writers[format_](table).rstrip("\n") + "\n"


def say(provenance: Provenance) -> None:
    """Say on stderr what was lost, folded and to be known, a line each."""
    from flowkit.view.terminal import loss_lines

    for line in loss_lines(provenance):
        typer.echo(line, err=True)


@contextmanager
def working(what: str) -> Iterator[Callable[[float], None]]:
    """Say what is going on while it takes time, on a terminal only; what it yields takes the share that is done."""
    if not sys.stderr.isatty():
        yield lambda _share: None
        return
    from rich.console import Console

    with Console(stderr=True).status(what) as status:
        yield lambda share: status.update(f"{what} {share:.0%}")
