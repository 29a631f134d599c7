"""Packets straight from the kernel: a TPACKET_V3 ring read from plain Python, one block of many packets at a time.

A block is a ready-made batch: the one step a packet in Python is to follow the offset to the next. Source: Linux's
networking/packet_mmap.rst and linux/if_packet.h. Needs the capability CAP_NET_RAW.
"""

from __future__ import annotations

import errno
import fcntl
import mmap
import select
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from capture.live.bpf import attach, compiled
from capture.live.sources import Counters, Wanted
from capture.pcap.octets import SPARE, Bool, gather
from capture.pcap.records import Records
from flowkit.errors import CaptureError

_SOL_PACKET = 263
_RX_RING, _STATISTICS, _VERSION, _ADD_MEMBERSHIP = 5, 6, 10, 1
_V3 = 2
_PROMISCUOUS = 1
_EVERY_PROTOCOL = 3
_OUTGOING = 4
_TO_USER = 1
_HAS_VLAN = 1 << 4
_HARDWARE_ADDRESS = 0x8927
_ETHERNET, _LOOPBACK, _NO_LINK = 1, 772, 65534
_LINK_TYPES = {_ETHERNET: 1, _LOOPBACK: 1, _NO_LINK: 101}

_WAIT_MS = 100
_SILENCE = 3  # waits without a block after which nothing is left
_FRAME = 2048
_TAG = 4  # bytes of a VLAN tag, which the kernel takes out of the packet

# struct tpacket3_hdr with the packet type of the sockaddr_ll behind it.
_PACKET = np.dtype(
    {
        "names": ["seconds", "nanoseconds", "captured", "wire", "status", "start", "kind"],
        "formats": ["u4", "u4", "u4", "u4", "u4", "u2", "u1"],
        "offsets": [4, 8, 12, 16, 20, 24, 58],
        "itemsize": 60,
    }
)


@dataclass(frozen=True)
class Size:
    """The ring's size: blocks of so many bytes (a multiple of the page), handed over when full or after 100 ms."""

    block: int = 1 << 20
    blocks: int = 64


class Ring:
    """A ring on one interface; also its outgoing packets, as tcpdump has them."""

    def __init__(self, wanted: Wanted, size: Size = Size()) -> None:
        self._name, self._size, self._next = wanted.interface, size, 0
        self._seen = self._dropped = 0
        self._ending = False
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        try:
            self._link = self._open(wanted)
        except BaseException:
            self._socket.close()
            raise

    def _open(self, wanted: Wanted) -> int:
        """Set the ring up before the socket is bound, so that nothing comes before the filter stands."""
        index, kind = _interface(self._socket, wanted.interface)
        link, size = _LINK_TYPES[kind], self._size
        self._loopback = kind == _LOOPBACK
        attach(self._socket, compiled(wanted.filter, wanted.snap, link))
        self._socket.setsockopt(_SOL_PACKET, _VERSION, _V3)
        frames = size.block // _FRAME * size.blocks
        request = struct.pack("7I", size.block, size.blocks, _FRAME, frames, _WAIT_MS, 0, 0)
        self._socket.setsockopt(_SOL_PACKET, _RX_RING, request)
        self._memory = mmap.mmap(self._socket.fileno(), size.block * size.blocks)
        membership = struct.pack("iHH8x", index, _PROMISCUOUS, 0)
        self._socket.setsockopt(_SOL_PACKET, _ADD_MEMBERSHIP, membership)
        self._socket.bind((wanted.interface, _EVERY_PROTOCOL))
        self._poll = select.poll()
        self._poll.register(self._socket, select.POLLIN | select.POLLERR)
        return link

    def batches(self) -> Iterator[Records | None]:
        """Yield the blocks as the kernel hands them over; raises `CaptureError` when the interface goes away."""
        silent = 0
        while not self._ending or silent < _SILENCE:
            begin = self._next * self._size.block
            status, count, first = struct.unpack_from("3I", self._memory, begin + 8)
            if status & _TO_USER:
                records = self._block(begin, count, first) if count else None
                struct.pack_into("I", self._memory, begin + 8, 0)
                self._next, silent = (self._next + 1) % self._size.blocks, 0
                if records is not None:
                    yield records
            else:
                self._wait()
                silent += 1
                yield None

    def _wait(self) -> None:
        for _, event in self._poll.poll(_WAIT_MS):
            if event & select.POLLERR:
                code = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                if code == errno.ENETDOWN:
                    raise CaptureError(f"{self._name}: the interface is down or gone")

    def _block(self, begin: int, count: int, first: int) -> Records:
        """Copy a block's packets out, so that the kernel has its room back at once."""
        used = struct.unpack_from("I", self._memory, begin + 20)[0]
        buffer = np.zeros(used + SPARE, np.uint8)
        buffer[:used] = np.frombuffer(self._memory, np.uint8, used, begin)
        offsets = np.fromiter(_walk(buffer, first, count), np.int64, count)
        return self._records(buffer, offsets)

    def _records(self, buffer: np.ndarray, offsets: np.ndarray) -> Records:
        header = gather(buffer, offsets, _PACKET)
        # The kernel shows what a host says to itself twice, going out and coming in; tcpdump keeps the second.
        kept: Bool = (header["kind"] != _OUTGOING) | (not self._loopback)
        header, offsets = header[kept], offsets[kept]
        time = header["seconds"].astype(np.int64) * 10**9 + header["nanoseconds"]
        tag = np.where(header["status"] & _HAS_VLAN, _TAG, 0)
        start, captured = offsets + header["start"], header["captured"].astype(np.int64)
        return Records(buffer, start, captured, header["wire"].astype(np.int64) + tag, time, self._link)

    def counters(self) -> Counters:
        """Add up the kernel's counters, which reading sets back to zero."""
        if self._socket.fileno() >= 0:
            seen, dropped, _ = struct.unpack("3I", self._socket.getsockopt(_SOL_PACKET, _STATISTICS, 12))
            self._seen, self._dropped = self._seen + seen, self._dropped + dropped
        return Counters(self._seen, self._dropped)

    def end(self) -> None:
        """Let no packet through any more; the block that is being filled is handed over when its time is up."""
        attach(self._socket, compiled("", 0, self._link))
        self._ending = True

    def close(self) -> None:
        """Close the socket and give the ring's memory back."""
        self.counters()
        self._socket.close()
        self._memory.close()


def _walk(buffer: np.ndarray, first: int, count: int) -> Iterator[int]:
    following, here, data = struct.Struct("I").unpack_from, first, buffer.data
    for _ in range(count):
        yield here
        here += following(data, here)[0]


def _interface(control: socket.socket, name: str) -> tuple[int, int]:
    """The number and kind of an interface; raises `CaptureError` when there is none, or it is of a kind not known here."""
    known = [each for _, each in socket.if_nameindex()]
    if name not in known:
        raise CaptureError(f"no interface '{name}': there are {', '.join(known)}")
    answer = fcntl.ioctl(control, _HARDWARE_ADDRESS, struct.pack("16s24x", name.encode()))
    kind = struct.unpack_from("H", answer, 16)[0]
    if kind not in _LINK_TYPES:
        raise CaptureError(
            f"{name}: interfaces of ARPHRD type {kind} are not read here: 'tcpdump -i {name} -w FILE' is"
        )
    return socket.if_nametoindex(name), kind
