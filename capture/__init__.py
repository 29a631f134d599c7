"""Packets become flow tables: `read_pcap` reads capture files, `report` tells what was found and lost.

Of flowkit it uses only the contract and the errors. Importing it is cheap: numpy and pandas load with the first name used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from capture.account import CaptureReport, CaptureWarning, FileReport, report
    from capture.pcap.reader import read_pcap

__all__ = ["CaptureReport", "CaptureWarning", "FileReport", "read_pcap", "report"]

_HOME = {
    "CaptureReport": "capture.account",
    "CaptureWarning": "capture.account",
    "FileReport": "capture.account",
    "read_pcap": "capture.pcap.reader",
    "report": "capture.account",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'capture' has no attribute '{name}'")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
