"""Capture files → the names table."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from os import PathLike
from pathlib import Path

import pandas as pd

from capture.account import CaptureWarning, warning
from capture.names.evidence import Evidence
from capture.names.search import BY_RULE, Search
from capture.pcap.container import CHUNK, batches
from capture.pcap.paths import named_files
from capture.pcap.records import Damage
from capture.pcap.stream import open_stream
from flowkit.contract import Provenance, with_provenance

AnyPath = str | PathLike[str]


def names(paths: AnyPath | Sequence[AnyPath]) -> pd.DataFrame:
    """Find which address carries which name, by what the packets of captures say: one row an address, name and source.

    Columns: ``Addr``, ``Name``, ``Source`` (``dns``: an A or AAAA record of a DNS answer; ``sni``: a TLS ClientHello asked
    this address for this name; ``http-host``: an HTTP request did; ``quic-sni``: a QUIC Initial did), ``Count`` (messages
    that say so, copies included), ``First`` and ``Last`` (ms since the epoch).

    `paths` is a file, a glob, ``-`` (standard input) or a list of them, as for `capture.read_pcap`.

    Who asked plays no part: a name counts for its address, whoever the client was. Strangers chose the names: they are
    lower case, and bytes that no host name has are written ``\\DDD``. An answer is believed without the question to it.
    Messages that could not be read are counted by reason in the provenance, and one `CaptureWarning` names them.
    Raises `CaptureError` for a file that is missing, unreadable or not a capture.

    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp(), "node-1.pcap")
    >>> _ = file.write_bytes(bytes.fromhex("d4c3b2a1 0200 0400 00000000 00000000 00000400 01000000"))
    >>> list(names(file))
    ['Addr', 'Name', 'Source', 'Count', 'First', 'Last']
    """
    table, losses = find(paths)
    if text := warning(losses):
        warnings.warn(text, CaptureWarning, stacklevel=2)
    return table


def find(
    paths: AnyPath | Sequence[AnyPath], *, chunk: int = CHUNK, progress: Callable[[int], None] = lambda _: None
) -> tuple[pd.DataFrame, Counter[str]]:
    """Do the work of `names`: the table, and the losses worth a warning."""
    each = list(named_files(paths).values())
    evidence, before = Evidence(), 0
    for path in each:
        for position in _search(path, chunk, evidence):
            progress(before + position)
        before += path.stat().st_size if path.is_file() else 0
    sources = tuple(dict.fromkeys(path.name for path in each))
    table = with_provenance(evidence.table(), Provenance(sources=sources).losing(evidence.reasons))
    return table, Counter({reason: count for reason, count in evidence.reasons.items() if reason not in BY_RULE})


def _search(path: Path, chunk: int, evidence: Evidence) -> Iterator[int]:
    """Search one file, yielding how many of its bytes have been read."""
    search = Search(evidence)
    with open_stream(path) as stream:
        for batch in batches(stream, str(path), chunk):
            if isinstance(batch, Damage):
                evidence.reasons[f"bytes left over at the end of {path.name}"] += batch.octets
            else:
                search.add(batch)
            yield stream.position
        if stream.damage is not None:
            evidence.reasons[f"gzip streams damaged or cut ({path.name} at byte {stream.damage})"] += 1
    search.end()
