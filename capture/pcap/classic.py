"""Classic pcap: µs and ns, both byte orders, and the variant whose record headers have 24 bytes.

Source: draft-ietf-opsawg-pcap; the variant (magic a1b2cd34) is Alexey Kuznetsov's patched libpcap, as wireshark reads it.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from capture.pcap.chain import Chain
from capture.pcap.octets import I64, U8, gather
from capture.pcap.records import Damage, Records
from capture.pcap.stream import Window

HEADER_SIZE = 24

# The upper bits of the link type tell the length of the frame check sequence.
_LINK_BITS = 0x03FFFFFF
# No capture tool writes longer packets (tcpdump's and wireshark's own limit): a longer one is damage.
LONGEST = 256 * 1024


@dataclass(frozen=True)
class Layout:
    """How records lie in a file: byte order, nanoseconds a unit of the time's fraction, bytes of a record header."""

    order: str
    nanoseconds: int
    header: int

    @property
    def record(self) -> np.dtype[np.void]:
        """The 16 bytes that every record header begins with."""
        word = f"{self.order}u4"
        return np.dtype([("seconds", word), ("fraction", word), ("captured", word), ("wire", word)])


MAGIC = {
    b"\xd4\xc3\xb2\xa1": Layout("<", 1000, 16),
    b"\xa1\xb2\xc3\xd4": Layout(">", 1000, 16),
    b"\x4d\x3c\xb2\xa1": Layout("<", 1, 16),
    b"\xa1\xb2\x3c\x4d": Layout(">", 1, 16),
    b"\x34\xcd\xb2\xa1": Layout("<", 1000, 24),
    b"\xa1\xb2\xcd\x34": Layout(">", 1000, 24),
}


@dataclass(frozen=True)
class Walked:
    """The records that lie whole in a buffer: their offsets, and what is needed to read them."""

    buffer: U8
    offsets: I64
    layout: Layout
    link: int

    def parts(self) -> list[Records]:
        """The packets as records, in one part."""
        header = gather(self.buffer, self.offsets, self.layout.record)
        # Unsigned 32-bit seconds cannot overflow 64-bit ns; a fraction above one second is carried into the seconds.
        time = (
            header["seconds"].astype(np.int64) * 10**9 + header["fraction"].astype(np.int64) * self.layout.nanoseconds
        )
        captured, wire = header["captured"].astype(np.int64), header["wire"].astype(np.int64)
        return [Records(self.buffer, self.offsets + self.layout.header, captured, wire, time, self.link)]

    def first_time(self) -> int:
        """The time of the first record (ns since the epoch)."""
        return int(replace(self, offsets=self.offsets[:1]).parts()[0].time[0])


@dataclass(frozen=True)
class Form:
    """What a file header says: how records lie, and the link type of their packets."""

    layout: Layout
    link: int


def form(head: bytes) -> Form:
    """Read a file header.

    >>> form(bytes.fromhex("a1b2c3d4 0002 0004 00000000 00000000 00040000 00000071")).link
    113
    """
    layout = MAGIC[head[:4]]
    return Form(layout, struct.unpack_from(f"{layout.order}I", head, 20)[0] & _LINK_BITS)


def batches(window: Window) -> Iterator[Walked | Damage]:
    """Yield the whole records of a window that holds at least the file header, then the damage if bytes are left over."""
    return records(window, form(bytes(window.buffer[:HEADER_SIZE])), HEADER_SIZE)


def records(window: Window, file: Form, used: int) -> Iterator[Walked | Damage]:
    """Yield the whole records of a window from `used` on, where one begins, then the damage if bytes are left over."""
    layout = file.layout
    while True:
        offsets, used = _whole(window, layout, used)
        if len(offsets):
            yield Walked(window.buffer, offsets, layout, file.link)
        if _insane(window, layout, used):
            break
        more = window.slide(used)
        used = 0
        if not more:
            break
    yield from _left_over(window, layout, used)


def _whole(window: Window, layout: Layout, used: int) -> tuple[I64, int]:
    """Offsets of the records that lie whole in the window from `used` on, up to one too long to be true; and their end."""
    offsets = Chain(window.buffer, window.have, layout.order, layout.header).offsets(used)
    if not len(offsets):
        return offsets, used
    last = int(struct.unpack_from(f"{layout.order}I", window.buffer.data, int(offsets[-1]) + 8)[0])
    beyond = np.append(offsets[1:], offsets[-1] + layout.header + last)
    too_long = np.flatnonzero(beyond - offsets > LONGEST + layout.header)
    if not len(too_long):
        return offsets, int(beyond[-1])
    return offsets[: too_long[0]], int(offsets[too_long[0]])


def _insane(window: Window, layout: Layout, used: int) -> bool:
    if window.have - used < layout.header:
        return False
    return bool(struct.unpack_from(f"{layout.order}I", window.buffer.data, used + 8)[0] > LONGEST)


def _left_over(window: Window, layout: Layout, used: int) -> Iterator[Damage]:
    cut = not _insane(window, layout, used)
    window.slide(used)
    offset = window.origin
    if octets := window.drain():
        yield Damage(offset, octets, cut)
