"""The sockets that exist now, with their processes: for those older than the capture, of which no program has heard.

Source: Linux's sock_diag(7); the cookie that it tells is BPF's.
"""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Collection, Iterator
from pathlib import Path

import numpy as np

from capture.ebpf.maps import Records
from capture.ebpf.namespaces import within
from capture.ebpf.records import OWNER

_NETLINK_SOCK_DIAG, _BY_FAMILY, _DUMP = 4, 20, 0x301
_ENDS = (2, 3)  # an error, or the end of a dump
_COOKIE, _UID = 16 + 44, 16 + 64
_ROOM = 1 << 18
FOUND = 9  # how it is known who owns a socket, beside what the programs say


def _sockets() -> Iterator[tuple[int, int, int]]:
    """Cookie, inode and user of each TCP and UDP socket of this thread's namespace."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_SOCK_DIAG) as asking:
        for family in (socket.AF_INET, socket.AF_INET6):
            for proto in (socket.IPPROTO_TCP, socket.IPPROTO_UDP):
                wanted = struct.pack("<BBBBI48x", family, proto, 0, 0, 0xFFFFFFFF)
                asking.send(struct.pack("<IHHII", 16 + len(wanted), _BY_FAMILY, _DUMP, 1, 0) + wanted)
                yield from _answers(asking)


def _answers(asking: socket.socket) -> Iterator[tuple[int, int, int]]:
    while True:
        data, at = asking.recv(_ROOM), 0
        while at + 16 <= len(data):
            size, kind = struct.unpack_from("<IH", data, at)
            if kind in _ENDS:
                return
            cookie = struct.unpack_from("<Q", data, at + _COOKIE)[0]
            uid, inode = struct.unpack_from("<II", data, at + _UID)
            yield cookie, inode, uid
            at += size + 3 & ~3


def _processes(inodes: Collection[int]) -> dict[int, int]:
    """The process that has each of these sockets open; the first one, where several do."""
    found: dict[int, int] = {}
    for pid in sorted(int(name) for name in os.listdir("/proc") if name.isdigit()):  # noqa: PTH208 - names alone
        try:
            with os.scandir(f"/proc/{pid}/fd") as open_ones:
                links = [os.readlink(each.path) for each in open_ones]  # noqa: PTH115 - very many
        except OSError:
            continue
        for link in links:
            inode = int(link[8:-1]) if link.startswith("socket:[") else 0
            if inode in inodes:
                found.setdefault(inode, pid)
    return found


def existing(netns: str | None, cookies: Collection[int]) -> tuple[Records, Records]:
    """The owners of those of these sockets that exist now, as the programs would tell them: cookies in order, and owners."""
    there = within(netns, lambda: list(_sockets()))
    wanted = {cookie: (inode, uid) for cookie, inode, uid in there if cookie in cookies and inode}
    pids = _processes({inode for inode, _ in wanted.values()})
    rows = [
        (cookie, 0, 0, pids[inode], uid, FOUND, b"", _comm(pids[inode]))
        for cookie, (inode, uid) in sorted(wanted.items())
        if inode in pids
    ]
    owners = np.array([row[1:] for row in rows], OWNER) if rows else np.empty(0, OWNER)
    return np.array([row[0] for row in rows], np.uint64), owners


def _comm(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/comm").read_bytes().strip()
    except OSError:
        return b""
