"""Packet objects by pyshark; the one file that imports it.

pyshark runs an event loop of its own and fails inside one that runs already, as Jupyter's does; so it gets a thread and a
loop to itself. It starts tshark, reads its XML, and takes a millisecond or two a packet: for looking deep, not for bulk.
"""

from __future__ import annotations

import asyncio
import logging
import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from capture.account import CaptureWarning
from capture.dissect.tshark import AnyPath, program
from flowkit.errors import CaptureError

Taken = TypeVar("Taken")


def pyshark_packets(path: AnyPath, filter: str = "", *, most: int = 1000) -> list[Any]:  # noqa: A002 - Wireshark's word
    """Read a capture's first `most` packets that pass the display filter as pyshark packet objects; works inside Jupyter.

    A packet has a layer a protocol, a layer its fields: ``packet.dns.qry_name``, ``packet.tcp.dstport`` (text).
    Raises `CaptureError` when pyshark or tshark is missing, or they cannot read the file.

    >>> pyshark_packets("no-such.pcap")
    Traceback (most recent call last):
    flowkit.errors.CaptureError: no-such.pcap: No such file or directory
    """
    return each_packet(path, lambda packet: packet, filter=filter, most=most)


def each_packet(
    path: AnyPath,
    take: Callable[[Any], Taken],
    *,
    filter: str = "",  # noqa: A002
    most: int | None = None,
    preferences: Mapping[str, str] | None = None,
) -> list[Taken]:
    """What `take` makes of each packet object, one after the other, so that not all of them are in memory at once.

    `preferences` are Wireshark's, as ``-o`` takes them.
    """
    file = Path(path)
    if not file.exists():
        raise CaptureError(f"{file}: No such file or directory")
    tshark, pyshark = program(), _pyshark()
    options = {
        "input_file": str(file.absolute()),
        "display_filter": filter or None,
        "tshark_path": tshark,
        "override_prefs": dict(preferences or {}),
        "keep_packets": False,
        "custom_parameters": ["-n"],
    }
    taken = list[Taken]()
    with _without_asyncios_remark(), ThreadPoolExecutor(1, "pyshark") as thread:
        complaint = thread.submit(
            _in_own_loop, pyshark, options, lambda packet: taken.append(take(packet)), most
        ).result()
    if complaint and not taken:
        raise CaptureError(f"{file.name}: {complaint}")
    if complaint:
        warnings.warn(f"{file.name}: {complaint}", CaptureWarning, stacklevel=3)
    return taken


def needs() -> None:
    """Raise `CaptureError` where pyshark or tshark is missing."""
    program()
    _pyshark()


def _in_own_loop(pyshark: Any, options: dict[str, Any], each: Callable[[Any], None], most: int | None) -> str | None:
    """Run through the packets; what tshark complained of at the end, or None."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    capture = None
    try:
        capture = pyshark.FileCapture(eventloop=loop, **options)
        for packet in islice(capture, most):
            each(packet)
        _let_go_of_pipes(capture)
        capture.close()
    except pyshark.capture.capture.TSharkCrashException as error:
        return _own_words(f"{error}")
    finally:
        # close() leaves a crashed process on the list, and the object would try again when it is deleted, without a loop.
        getattr(capture, "_running_processes", set()).clear()
        loop.close()
    return None


def _let_go_of_pipes(capture: Any) -> None:
    """Close the pipes to a tshark that was not read to its end: later there is no loop to do that."""
    for process in getattr(capture, "_running_processes", ()):
        if (transport := getattr(process, "_transport", None)) is not None:
            transport.close()


def _own_words(message: str) -> str | None:
    """Find tshark's words in pyshark's; None when it complained of nothing.

    pyshark reaps tshark behind asyncio's back, which then makes up an exit code of 255 for a run that went well.

    >>> _own_words("TShark (pid 7) seems to have crashed.\\nLast error line: tshark: bad filter\\nTry rerunning")
    'bad filter'
    """
    found = re.search(r"Last error line: (?:tshark: )?(.*)", message)
    words = found[1] if found else message
    return None if words.startswith(("Running as user", "None")) else words


@contextmanager
def _without_asyncios_remark() -> Iterator[None]:
    """Keep its remark on the exit code that it made up out of the log."""
    log = logging.getLogger("asyncio")
    log.addFilter(_is_no_remark)
    try:
        yield
    finally:
        log.removeFilter(_is_no_remark)


def _is_no_remark(record: logging.LogRecord) -> bool:
    return not record.msg.startswith("Unknown child process pid")


def _pyshark() -> Any:
    try:
        with warnings.catch_warnings():
            # pyshark 0.6 uses what asyncio has deprecated since.
            warnings.simplefilter("ignore")
            import pyshark
    except ImportError as error:
        raise CaptureError("pyshark is not installed: 'pip install flowkit-net[dissect]'") from error
    if not hasattr(asyncio, "set_child_watcher"):
        raise CaptureError("pyshark 0.6 does not work on Python 3.14: use capture.dissect, which runs tshark itself")
    return pyshark
