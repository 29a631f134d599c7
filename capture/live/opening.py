"""Which source: the kernel's ring, or dumpcap where this process may not capture; one line that says how to be allowed."""

from __future__ import annotations

import os
import shutil
import sys

from capture.live.dump import Dumpcap
from capture.live.ring import Ring
from capture.live.sources import Source, Wanted
from capture.pcap.records import Records
from flowkit.errors import CaptureError


def opened(wanted: Wanted) -> Source[Records]:
    """Begin to capture. Raises `CaptureError` that names what is missing."""
    if sys.platform != "linux":
        return Dumpcap(wanted)
    try:
        return Ring(wanted)
    except PermissionError:
        return _by_dumpcap(wanted)
    except OSError as error:
        raise CaptureError(f"{wanted.interface}: {error.strerror or error}") from error


def _by_dumpcap(wanted: Wanted) -> Source[Records]:
    try:
        return Dumpcap(wanted)
    except (CaptureError, OSError) as error:
        raise CaptureError(_refused(wanted.interface)) from error


def _refused(interface: str) -> str:
    dumpcap = shutil.which("dumpcap")
    program = dumpcap or os.path.realpath(sys.executable)
    return (
        f"{interface}: capturing needs the capability CAP_NET_RAW, which neither this process nor dumpcap has: "
        f"'sudo setcap cap_net_raw,cap_net_admin=ep {program}' grants it, or run as root"
    )
