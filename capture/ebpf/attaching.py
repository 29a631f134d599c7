"""Where programs run: TCX link, packet socket, cgroup link, tracepoint. Descriptors hold them all, so nothing outlives us.

clsact is not offered: its qdisc and filters stay behind after SIGKILL.
"""

from __future__ import annotations

import errno
import os
import select
import socket
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from capture.ebpf.namespaces import Interface
from capture.ebpf.objects import Program
from capture.ebpf.syscalls import Command, address, bind, bpf, memory

_TCX_INGRESS, _TCX_EGRESS = 46, 47
_BEFORE_ALL_OTHERS = 8
_SO_ATTACH_BPF = 50
_EVERY_PROTOCOL = 3
_INFO = 128
HOOKS = ("auto", "tcx", "socket")


class Attachment(Protocol):
    """A program that runs somewhere, until it is closed."""

    def alive(self) -> bool:
        """Whether what it is attached to is still there."""

    def close(self) -> None:
        """Take the program off."""


class Link:
    """A BPF link."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def alive(self) -> bool:
        """Whether its interface or cgroup is still there; the kernel forgets the number of one that is gone."""
        info = memory(_INFO)
        bpf(Command.INFO_BY_DESCRIPTOR, struct.pack("<IIQ", self._descriptor, _INFO, address(info)))
        return any(info[16:20])

    def close(self) -> None:
        """Take the program off."""
        os.close(self._descriptor)


class PacketSocket:
    """A packet socket whose filter counts and never passes a packet up."""

    def __init__(self, program: Program, interface: Interface) -> None:
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_BPF, program.descriptor)
            place = struct.pack(
                "<HHiHBB8s", socket.AF_PACKET, socket.htons(_EVERY_PROTOCOL), interface.number, 0, 0, 0, b""
            )
            bind(self._socket.fileno(), place)
        except BaseException:
            self._socket.close()
            raise
        self._poll = select.poll()
        self._poll.register(self._socket, select.POLLERR)
        self._gone = False

    def alive(self) -> bool:
        """Whether the interface is still there and up."""
        if self._poll.poll(0):
            self._gone |= self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == errno.ENETDOWN
        return not self._gone

    def close(self) -> None:
        """Take the program off."""
        self._socket.close()


def to_interface(programs: Mapping[str, Program], interface: Interface, hook: str) -> list[Attachment]:
    """Count an interface's packets by TCX (Linux 6.6), else by a packet socket; loopback's once, where they go out."""
    if hook != "socket":
        try:
            return _tcx(programs, interface)
        except OSError as error:
            if hook == "tcx" or error.errno != errno.EINVAL:
                raise
    kind = "loopback" if interface.loopback else _layer(interface)
    return [PacketSocket(programs[f"{kind}_socket"], interface)]


def names_for(interface: Interface, hook: str) -> set[str]:
    """The programs that `to_interface` may need."""
    kind = _layer(interface)
    tcx = {f"{kind}_egress"} if interface.loopback else {f"{kind}_ingress", f"{kind}_egress"}
    by_socket = {"loopback_socket" if interface.loopback else f"{kind}_socket"}
    return {"auto": tcx | by_socket, "tcx": tcx, "socket": by_socket}[hook]


def _layer(interface: Interface) -> str:
    return "ethernet" if interface.ethernet else "ip"


def _tcx(programs: Mapping[str, Program], interface: Interface) -> list[Attachment]:
    """Arriving packets are seen before any other program can drop them, leaving ones after all have."""
    attached: list[Attachment] = []
    ways = (("ingress", _TCX_INGRESS, _BEFORE_ALL_OTHERS), ("egress", _TCX_EGRESS, 0))
    try:
        for way, place, order in ways[1:] if interface.loopback else ways:
            program = programs[f"{_layer(interface)}_{way}"]
            asked = struct.pack("<IIIIIIQ16x", program.descriptor, interface.number, place, order, 0, 0, 0)
            attached.append(Link(bpf(Command.LINK_CREATE, asked)))
    except BaseException:
        for each in attached:
            each.close()
        raise
    return attached


def to_cgroup(program: Program, folder: Path) -> Link:
    """Run a program on what the sockets of a cgroup do."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        return Link(bpf(Command.LINK_CREATE, struct.pack("<IIII32x", program.descriptor, descriptor, program.place, 0)))
    finally:
        os.close(descriptor)


def to_tracepoint(program: Program) -> Link:
    """Run a program at the tracepoint that its section names."""
    return Link(bpf(Command.RAW_TRACEPOINT_OPEN, struct.pack("<QI12x", 0, program.descriptor)))
