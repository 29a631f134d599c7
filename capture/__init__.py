"""Packets become flow tables: `read_pcap` reads capture files, `report` tells what was found and lost.

Of flowkit it uses only the contract and the errors. Importing it is cheap: numpy and pandas load with the first name used.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from capture.account import CaptureReport, CaptureWarning, FileReport, report
    from capture.anonymise import anonymise
    from capture.conversations import conversations
    from capture.dissect import display_filter, dissect, packet_tree, packets_of, pyshark_packets
    from capture.ebpf import EbpfCapture, ebpf
    from capture.live import LiveCapture, live
    from capture.names import names
    from capture.pcap.reader import read_pcap

__all__ = [
    "CaptureReport",
    "CaptureWarning",
    "EbpfCapture",
    "FileReport",
    "LiveCapture",
    "anonymise",
    "conversations",
    "display_filter",
    "dissect",
    "ebpf",
    "live",
    "names",
    "packet_tree",
    "packets_of",
    "pyshark_packets",
    "read_pcap",
    "report",
]

_HOME = {
    "CaptureReport": "capture.account",
    "CaptureWarning": "capture.account",
    "FileReport": "capture.account",
    "anonymise": "capture.anonymise",
    "conversations": "capture.conversations",
    "display_filter": "capture.dissect",
    "dissect": "capture.dissect",
    "EbpfCapture": "capture.ebpf",
    "LiveCapture": "capture.live",
    "ebpf": "capture.ebpf",
    "live": "capture.live",
    "names": "capture.names",
    "packet_tree": "capture.dissect",
    "packets_of": "capture.dissect",
    "pyshark_packets": "capture.dissect",
    "read_pcap": "capture.pcap.reader",
    "report": "capture.account",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'capture' has no attribute '{name}'")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)


class _Capture(ModuleType):
    """The package itself: `names`, `dissect`, `ebpf` and `live` are rooms to the import system and functions to everyone else.

    Importing a room binds it on the package under its name, whenever that happens; the function of that name takes its place.
    """

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _HOME and isinstance(value, ModuleType):
            value = getattr(value, name)
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Capture
