"""Network namespaces: run a call inside one, and look at its interfaces."""

from __future__ import annotations

import fcntl
import os
import socket
import struct
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from capture.ebpf.syscalls import enter_namespace
from flowkit.errors import CaptureError

_T = TypeVar("_T")
_HARDWARE_ADDRESS = 0x8927
_ETHERNET, _LOOPBACK = 1, 772
# Devices whose packets begin with the IP header: PPP, raw IP, IP in IP, SIT, tun, WireGuard.
_NO_LINK_HEADER = (512, 519, 768, 769, 776, 65534)


class Interface:
    """An interface of a namespace: its name, number there, and whether packets have an Ethernet header."""

    def __init__(self, name: str, kind: int) -> None:
        if kind not in (_ETHERNET, _LOOPBACK, *_NO_LINK_HEADER):
            raise CaptureError(f"{name}: interfaces of ARPHRD type {kind} are not read here")
        self.name, self.number = name, socket.if_nametoindex(name)
        self.ethernet, self.loopback = kind not in _NO_LINK_HEADER, kind == _LOOPBACK


def path_of(netns: str | None) -> Path:
    """The file that stands for a namespace: of a name (``ip netns``), a process's number, a path; of ours for None.

    >>> [str(path_of(each)) for each in ("blue", "1", "/run/docker/netns/5c")]
    ['/run/netns/blue', '/proc/1/ns/net', '/run/docker/netns/5c']
    """
    if netns is None:
        return Path("/proc/thread-self/ns/net")
    if netns.isdigit():
        return Path(f"/proc/{netns}/ns/net")
    return Path("/run/netns") / netns


def within(netns: str | None, call: Callable[[], _T]) -> _T:
    """Call inside a namespace, in a thread that ends with the call, so that no other code ever runs there."""
    if netns is None:
        return call()
    try:
        descriptor = os.open(path_of(netns), os.O_RDONLY)
    except FileNotFoundError:
        raise CaptureError(
            f"no network namespace '{netns}': 'ip netns' lists names, a process's number does too"
        ) from None
    try:
        with ThreadPoolExecutor(1, "netns") as inside:
            inside.submit(enter_namespace, descriptor).result()
            return inside.submit(call).result()
    finally:
        os.close(descriptor)


def number_of(netns: str | None) -> int:
    """The kernel's number of a namespace."""
    return within(netns, lambda: Path("/proc/thread-self/ns/net").stat().st_ino)


def interface(name: str) -> Interface:
    """An interface of this thread's namespace; raises `CaptureError` when there is none, naming those there are."""
    known = [each for _, each in socket.if_nameindex()]
    if name not in known:
        raise CaptureError(f"no interface '{name}': there are {', '.join(known)}")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        answer = fcntl.ioctl(control, _HARDWARE_ADDRESS, struct.pack("16s24x", name.encode()))
    return Interface(name, struct.unpack_from("H", answer, 16)[0])
