"""The plug-in that lets ``fk.read("x.pcap")`` find this reader: the entry point ``pcap`` of the group ``flowkit.sources``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

NAME = "pcap"

_ENDINGS = tuple(kind + packed for kind in (".pcap", ".cap", ".pcapng") for packed in ("", ".gz", ".xz", ".zst"))


def recognises(head: bytes, name: str) -> bool:
    """Whether a file is a capture, by its first bytes (unpacked), or is named as one.

    What is only named so is taken too, because this reader's error then says what is wrong with it.

    >>> recognises(bytes.fromhex("a1b2c3d4"), "x"), recognises(b"hello", "x.pcap"), recognises(b"{}", "x.json")
    (True, True, False)
    """
    from capture.pcap.container import is_capture

    return is_capture(head) or name.lower().endswith(_ENDINGS)


def read(paths: Sequence[Path]) -> pd.DataFrame:
    """Read captures as `capture.read_pcap` does.

    >>> read([])
    Traceback (most recent call last):
    flowkit.errors.CaptureError: no capture file was given
    """
    from capture.pcap.reader import read_pcap

    return read_pcap(paths)
