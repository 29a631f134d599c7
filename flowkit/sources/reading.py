"""Find the reader for anything a user names, and put what it reads into one flow table.

A source is a module with ``NAME``, ``recognises(head, name)`` and ``read(paths)``. flowkit's own are listed here, others
(such as capture's pcap reader) register themselves through the entry point group ``flowkit.sources``.
"""

from __future__ import annotations

import glob
import zlib
from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Protocol, cast

import pandas as pd

from flowkit.contract import provenance, stack, with_provenance
from flowkit.errors import SourceError

_HEAD = 1024
_OWN = (
    "flowkit.sources.parquet",
    "flowkit.sources.cli_database",
    "flowkit.sources.hubble",
    "flowkit.sources.zeek",
    "flowkit.sources.netflow",
    "flowkit.sources.netobserv",
    "flowkit.sources.console_csv",
)
_URLS = {
    **dict.fromkeys(("loki://", "loki+http://", "loki+https://"), "flowkit.sources.loki.reading"),
    **dict.fromkeys(("kafka://", "kafka+tls://"), "flowkit.sources.kafka.reading"),
    "netflow://": "flowkit.sources.netflow.collecting",
}


class Source(Protocol):
    """What a reader offers: a name, a look at the first KiB (after decompression), and reading files of its kind."""

    NAME: str

    def recognises(self, head: bytes, name: str) -> bool:
        """Whether a file of this name that begins with `head` is this source's."""

    def read(self, paths: list[Path]) -> pd.DataFrame:
        """Read such files into one conformed flow table."""


def read(*where: str | Path | Iterable[str | Path]) -> pd.DataFrame:
    """Read flows from files, globs, folders or URLs into one flow table; each file's content says which reader it needs.

    Understood: NetObserv's JSON in every wrapping (lines, arrays, CLI captures, S3 batches, Kafka messages, answers of Loki),
    the console's CSV, the CLI's database, Parquet, packets (classic pcap), Hubble's events, Zeek's conn.log,
    NetFlow in nfdump's files, JSON or CSV, each also gzipped.
    And URLs: a Loki as ``loki://host:3100?start=…&end=…`` (TLS) or ``loki+http://…``, see `flowkit.sources.read_loki`; a Kafka
    topic as ``kafka://broker:9092/topic?…``, see `flowkit.sources.read_kafka`; exporters of
    NetFlow as ``netflow://host:port?seconds=…``. Rows stand under each other in the order named;
    ``df.attrs["flowkit"]`` says sources, what was lost, by reason, and what the records lack.

    Raises `SourceError` for a path without files and for content that no reader knows.

    >>> import tempfile, pathlib
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = pathlib.Path(folder, "flows.json").write_text('{"SrcAddr": "10.0.0.1", "DstPort": 443}')
    ...     read(folder + "/flows.json")["DstPort"].tolist()
    [443]
    """
    places = [place for each in where for place in _places(each)]
    if not places:
        raise SourceError("nothing to read: name at least one file, glob, folder, loki:// or kafka:// URL")
    chosen = [(place, source_of(place)) for place in places]
    runs: list[tuple[Source, list[Any]]] = []
    for path, source in chosen:
        if runs and runs[-1][0] is source:
            runs[-1][1].append(path)
        else:
            runs.append((source, [path]))
    return _sampled(stack([source.read(paths) for source, paths in runs]))


def _sampled(flows: pd.DataFrame) -> pd.DataFrame:
    """Say the largest sampling that any flow carries, so that every result can."""
    largest = flows["Sampling"].max() if "Sampling" in flows.columns else pd.NA
    if pd.isna(largest):
        return flows
    known = provenance(flows)
    return with_provenance(flows, replace(known, sampling=max(int(largest), known.sampling or 1)))


def _places(where: str | Path | Iterable[str | Path]) -> list[Path | str]:
    """The files a name stands for, or the one URL it is."""
    if not isinstance(where, str | Path):
        return [place for each in where for place in _places(each)]
    return [where] if isinstance(where, str) and where.startswith(tuple(_URLS)) else [*_files(Path(where))]


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        found = sorted(each for each in path.rglob("*") if each.is_file() and not each.name.startswith("."))
    elif path.exists():
        found = [path]
    else:
        found = [Path(each) for each in sorted(glob.glob(str(path), recursive=True))]
    if not found:
        raise SourceError(f"no flows at '{path}': no such file, folder or match")
    return found


def files_of(where: str | Path | Iterable[str | Path]) -> list[Path]:
    """The files that names, globs and folders stand for; raises `SourceError` for one without files and for a URL.

    >>> files_of("/dev/null")
    [PosixPath('/dev/null')]
    """
    places = _places(where)
    for place in places:
        if isinstance(place, str):
            raise SourceError(f"'{place.partition('://')[0]}://' is no file: name files, globs or folders")
    return [place for place in places if isinstance(place, Path)]


def source_of(path: Path | str) -> Source:
    """The source whose content a file has; raises `SourceError` where no reader knows it."""
    if isinstance(path, str):
        return cast("Source", import_module(next(room for scheme, room in _URLS.items() if path.startswith(scheme))))
    head = head_of(path)
    for source in _sources():
        if source.recognises(head, path.name):
            return source
    kinds = ", ".join(source.NAME for source in _sources())
    what = "it is empty" if not head else "its content is none of these"
    raise SourceError(f"cannot read '{path}': {what} ({kinds})")


def head_of(path: Path) -> bytes:
    """The first KiB of a file's content, unpacked; raises `SourceError` for one that cannot be opened."""
    try:
        with path.open("rb") as stream:
            head = stream.read(_HEAD)
    except OSError as error:
        raise SourceError(f"cannot read '{path}': {error.strerror}") from error
    if not head.startswith(b"\x1f\x8b"):
        return head
    return _unpacked(head)


def _unpacked(head: bytes) -> bytes:
    """What a gzipped head holds, as far as it is sound."""
    member, plain = zlib.decompressobj(wbits=31), b""
    try:
        for start in range(0, len(head), 64):
            plain += member.decompress(head[start : start + 64], _HEAD)
    except zlib.error:
        pass
    return plain[:_HEAD]


@cache
def _sources() -> tuple[Source, ...]:
    plugged = [
        cast("Source", point.load()) for point in sorted(entry_points(group="flowkit.sources"), key=lambda p: p.name)
    ]
    return (*(cast("Source", import_module(name)) for name in _OWN), *plugged)
