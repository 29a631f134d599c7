"""Capture filters: tcpdump compiles the text, the kernel runs the program, which also says how much of a packet is kept.

Source: Linux's networking/filter.txt (struct sock_fprog, SO_ATTACH_FILTER).
"""

from __future__ import annotations

import shutil
import socket
import struct
import subprocess
from array import array

from flowkit.errors import CaptureError

_SO_ATTACH_FILTER = 26
_RETURN = 0x06
_INSTRUCTION = struct.Struct("HBBI")
_PROGRAM = struct.Struct("HP")  # how many, and where: the kernel copies them before the call returns

LINK_NAMES = {1: "EN10MB", 101: "RAW"}


def compiled(filter: str, snap: int, link: int) -> bytes:  # noqa: A002 - the word users know
    """The kernel's program for a capture filter (tcpdump's language), keeping `snap` bytes of the packets that pass.

    Raises `CaptureError` with tcpdump's message about the filter, or when a filter is given and tcpdump is not installed.

    >>> compiled("", 256, 1).hex()
    '0600000000010000'
    """
    if not filter.strip():
        return _INSTRUCTION.pack(_RETURN, 0, 0, snap)
    tcpdump = shutil.which("tcpdump")
    if tcpdump is None:
        raise CaptureError(
            "a capture filter needs tcpdump to compile it: 'apt install tcpdump', or leave the filter out"
        )
    command = [tcpdump, "-y", LINK_NAMES[link], "-s", str(snap), "-ddd", "--", filter]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - a list, no shell
    if done.returncode:
        words = done.stderr.strip().splitlines() or ["tcpdump failed without a word"]
        raise CaptureError(f"capture filter '{filter}': {words[-1].removeprefix('tcpdump: ')}")
    lines = done.stdout.split("\n")[1:]
    return b"".join(_INSTRUCTION.pack(*map(int, line.split())) for line in lines if line)


def attach(to: socket.socket, program: bytes) -> None:
    """Have the kernel run a compiled filter on what a socket receives."""
    held = array("B", program)
    address, size = held.buffer_info()
    to.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, _PROGRAM.pack(size // _INSTRUCTION.size, address))
