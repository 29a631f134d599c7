"""pcapng: sections of either byte order, interfaces with their own link type, clock and name, three kinds of packet blocks.

Source: draft-ietf-opsawg-pcapng. Blocks are walked one by one in Python; the fields of packet blocks are then fetched all
at once. Blocks of other kinds (names, statistics, secrets) are stepped over.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from capture.pcap import comments
from capture.pcap.comments import Names
from capture.pcap.octets import I64, U8, U64, Bool, gather
from capture.pcap.records import Damage, Records
from capture.pcap.stream import Window

MAGIC = b"\x0a\x0d\x0d\x0a"
HEADER_SIZE = 12  # enough of a section header to know its byte order

NO_INTERFACE = "packet blocks that name no interface or are longer than their block (left out)"
NO_TIME = "packets in blocks that hold no time, or one beyond the year 2262 (their time is 0)"

_ORDER = {b"\x4d\x3c\x2b\x1a": "<", b"\x1a\x2b\x3c\x4d": ">"}
_SECTION, _INTERFACE, _OLD, _SIMPLE, _ENHANCED = 0x0A0D0D0A, 1, 2, 3, 6
_PACKETS = frozenset((_OLD, _SIMPLE, _ENHANCED))
# The shortest whole block of each kind; a shorter one is damage.
_LEAST = {_SECTION: 28, _INTERFACE: 20, _OLD: 32, _SIMPLE: 16, _ENHANCED: 32}
# Wireshark's own limit; a longer block is damage.
_LONGEST = 16 << 20
_COMMENT, _NAME, _RESOLUTION, _OFFSET = 1, 2, 9, 14
_LATEST = np.iinfo(np.int64).max


def begins(head: bytes) -> bool:
    """Whether bytes begin a pcapng file whose byte order can be told.

    >>> begins(bytes.fromhex("0a0d0d0a 0000001c 1a2b3c4d")), begins(bytes.fromhex("0a0d0d0a"))
    (True, False)
    """
    return head.startswith(MAGIC) and head[8:12] in _ORDER


@dataclass(frozen=True)
class Interface:
    """An interface block: link type, snap length (0: none), clock ticks a second, seconds to add, name."""

    link: int
    snap: int
    ticks: int = 10**6
    offset: int = 0
    name: str | None = None


@dataclass(frozen=True)
class Walked:
    """The packet blocks of one section that lie whole in a buffer: their offsets, and what is needed to read them."""

    buffer: U8
    offsets: I64
    order: str
    interfaces: tuple[Interface, ...]

    def parts(self) -> list[Records]:
        """The packets as records, one part a link type."""
        blocks = gather(self.buffer, self.offsets, _layout(self.order))
        simple = blocks["kind"] == _SIMPLE
        number = self._numbers(blocks, simple)
        length = blocks["length"].astype(np.int64)
        captured = np.where(simple, np.minimum(blocks["interface"], length - 16), blocks["captured"]).astype(np.int64)
        captured = self._snapped(captured, simple)
        known = (number < len(self.interfaces)) & (simple | (captured + 32 <= length))
        time, timeless = self._times(blocks, number, known & ~simple)
        wire = np.where(simple, blocks["interface"], blocks["wire"]).astype(np.int64)
        start = self.offsets + np.where(simple, 12, 28)
        reasons = {NO_INTERFACE: int((~known).sum()), NO_TIME: int((known & (simple | timeless)).sum())}
        noted, notes, unreadable = self._notes(blocks, np.flatnonzero(known & ~simple), captured)
        reasons |= {comments.UNREADABLE: unreadable, comments.COARSE: int((noted >= 0).sum())}
        whole = Records(self.buffer, start, captured, wire, time, 0).saying(noted, notes)
        return self._by_link(whole, number, known, reasons)

    def _notes(self, blocks: npt.NDArray[np.void], rows: I64, captured: I64) -> tuple[I64, tuple[Names, ...], int]:
        """What the comments of packets say, by number, of the few captures that have any; and how many cannot be read."""
        noted, notes, unreadable = np.full(len(blocks), -1, np.int64), dict[Names, int](), 0
        padded = 28 + (captured[rows] + 3 & ~3)
        more = (blocks["kind"][rows] == _ENHANCED) & (padded + 8 <= blocks["length"][rows].astype(np.int64) - 4)
        each = zip(rows[more].tolist(), self.offsets[rows[more]].tolist(), padded[more].tolist(), strict=True)
        for row, offset, begin in each:
            body = bytes(self.buffer[offset + begin : offset + int(blocks["length"][row]) - 4])
            try:
                found = comments.names(value for code, value in _options(body, self.order) if code == _COMMENT)
            except ValueError:
                unreadable += 1
            else:
                noted[row] = -1 if found is None else notes.setdefault(found, len(notes))
        return noted, tuple(notes), unreadable

    def first_time(self) -> int | None:
        """The time of the first packet that belongs to an interface (ns since the epoch), if any does."""
        parts = replace(self, offsets=self.offsets[:1]).parts()
        return next((int(part.time[0]) for part in parts if len(part)), None)

    def _numbers(self, blocks: npt.NDArray[np.void], simple: Bool) -> I64:
        number = blocks["interface"].astype(np.int64)
        number[simple] = 0
        old = np.flatnonzero(blocks["kind"] == _OLD)
        number[old] = gather(self.buffer, self.offsets[old] + 8, np.dtype(f"{self.order}u2"))
        return number

    def _snapped(self, captured: I64, simple: Bool) -> I64:
        """A simple packet block does not say how much was captured: its interface's snap length does."""
        snap = self.interfaces[0].snap if self.interfaces else 0
        return np.where(simple & (snap > 0), np.minimum(captured, snap), captured)

    def _times(self, blocks: npt.NDArray[np.void], number: I64, rows: Bool) -> tuple[I64, Bool]:
        ticks = blocks["high"].astype(np.uint64) << np.uint64(32) | blocks["low"]
        time, beyond = np.zeros(len(number), np.int64), np.zeros(len(number), np.bool_)
        clocks = {(each.ticks, each.offset) for each in self.interfaces}
        for clock in clocks:
            mine = np.array([(each.ticks, each.offset) == clock for each in self.interfaces])
            here = np.flatnonzero(rows)[mine[number[rows]]] if len(clocks) > 1 else np.flatnonzero(rows)
            time[here], beyond[here] = nanoseconds(ticks[here], *clock)
        return time, beyond

    def _by_link(self, whole: Records, number: I64, known: Bool, reasons: Mapping[str, int]) -> list[Records]:
        links = np.array([each.link for each in self.interfaces], np.int64)
        link = np.where(known, links[np.where(known, number, 0)], -1) if len(links) else np.full(len(number), -1)
        names = tuple(each.name for each in self.interfaces)
        values = [value for value in np.unique(link).tolist() if value >= 0]
        parts = [self._part(whole, link == value, value, number, names) for value in values]
        # Losses are told once, with the first part; a part without packets carries them when all were lost.
        parts = parts or [whole.take(slice(0, 0), 0)]
        return [parts[0].losing(reasons), *parts[1:]]

    def _part(self, whole: Records, rows: Bool, link: int, number: I64, names: tuple[str | None, ...]) -> Records:
        part = whole.take(rows, link)
        part = part.on(number[rows], names) if any(names) else part
        return part.saying(whole.noted[rows], whole.notes) if whole.notes and whole.noted is not None else part


def batches(window: Window) -> Iterator[Walked | Damage]:
    """Yield the whole packet blocks of a window that holds at least a section header, then the damage if bytes are left."""
    section = _Section(window)
    while True:
        yield from section.walk()
        if section.insane:
            break
        used, section.used = section.used, 0
        if not window.slide(used):
            break
    cut = not section.insane
    window.slide(section.used)
    offset = window.origin
    if octets := window.drain():
        yield Damage(offset, octets, cut)


class _Section:
    """Where a walk over blocks stands: byte order and interfaces of the section it is in."""

    def __init__(self, window: Window) -> None:
        self.window, self.order, self.used, self.insane = window, "<", 0, False
        self.interfaces: tuple[Interface, ...] = ()

    def walk(self) -> Iterator[Walked]:
        """Step over the blocks that lie whole in the window from `used` on."""
        found: list[int] = []
        while (kind := self._step(found)) is not None:
            if kind == _SECTION and found:
                yield self._walked(found[:-1] if found[-1] == self.used else found)
                found = []
            if kind == _SECTION:
                self._begin()
        if found:
            yield self._walked(found)

    def _walked(self, found: list[int]) -> Walked:
        return Walked(self.window.buffer, np.array(found, np.int64), self.order, self.interfaces)

    def _step(self, found: list[int]) -> int | None:
        """Walk packet blocks up to the next block of a section's header; None at the end of what is whole or sane."""
        data, end, here = self.window.buffer.data, self.window.have, self.used
        both = struct.Struct(f"{self.order}II").unpack_from
        note = found.append
        while here + HEADER_SIZE <= end:
            kind, length = both(data, here)
            if kind == _SECTION:
                self.used = here
                return self._section_fits()
            if length < _LEAST.get(kind, 12) or length & 3 or length > _LONGEST:
                self.insane = True
                break
            if here + length > end:
                break
            if kind in _PACKETS:
                note(here)
            elif kind == _INTERFACE:
                self._add_interface(here, length)
            here += length
        self.used = here
        return None

    def _section_fits(self) -> int | None:
        """Whether the section header at `used` is whole: its kind, or None."""
        order = _ORDER.get(bytes(self.window.buffer[self.used + 8 : self.used + 12]))
        length = struct.unpack_from(f"{order or '<'}I", self.window.buffer.data, self.used + 4)[0]
        self.insane = order is None or length < _LEAST[_SECTION] or length & 3 != 0 or length > _LONGEST
        return None if self.insane or self.used + length > self.window.have else _SECTION

    def _begin(self) -> None:
        self.order = _ORDER[bytes(self.window.buffer[self.used + 8 : self.used + 12])]
        self.interfaces = ()
        self.used += int(struct.unpack_from(f"{self.order}I", self.window.buffer.data, self.used + 4)[0])

    def _add_interface(self, here: int, length: int) -> None:
        block = bytes(self.window.buffer[here + 8 : here + length - 4])
        self.interfaces = (*self.interfaces, interface(block, self.order))


def interface(block: bytes, order: str) -> Interface:
    """Read the body of an interface block.

    >>> interface(bytes.fromhex("0001 0000 00000060 0009 0001 89000000 0000 0000"), ">").ticks == 2**9
    True
    """
    link, _, snap = struct.unpack_from(f"{order}HHI", block)
    options = dict(_options(block[8:], order))
    offset = options.get(_OFFSET, b"")
    name = options.get(_NAME, b"").rstrip(b"\0").decode(errors="replace")
    return Interface(
        link=link,
        snap=snap,
        ticks=_ticks(options.get(_RESOLUTION, b"")),
        offset=struct.unpack(f"{order}q", offset[:8])[0] if len(offset) >= 8 else 0,
        name=name or None,
    )


def _options(body: bytes, order: str) -> Iterator[tuple[int, bytes]]:
    here = 0
    while here + 4 <= len(body):
        code, length = struct.unpack_from(f"{order}HH", body, here)
        if code == 0:
            return
        yield code, body[here + 4 : here + 4 + length]
        here += 4 + (length + 3 & ~3)


def _ticks(value: bytes) -> int:
    """Ticks a second: a power of ten, or of two when the highest bit is set."""
    if not value:
        return 10**6
    return 1 << (value[0] & 0x7F) if value[0] & 0x80 else 10 ** (value[0] & 0x7F)


def nanoseconds(ticks: U64, a_second: int, offset: int) -> tuple[I64, Bool]:
    """Nanoseconds since the epoch, rounded down, and whether a time is beyond what 64 bits hold (then 0).

    >>> [part.tolist() for part in nanoseconds(np.array([3, 2**63], np.uint64), 2, 1)]
    [[2500000000, 0], [False, True]]
    """
    unit, least = divmod(10**9, a_second)
    highest = int(ticks.max()) if len(ticks) else 0
    if not least and highest * unit + abs(offset) * 10**9 <= _LATEST:
        return ticks.astype(np.int64) * unit + offset * 10**9, np.zeros(len(ticks), np.bool_)
    exact = [tick * 10**9 // a_second + offset * 10**9 for tick in ticks.tolist()]
    beyond = np.array([not -_LATEST <= value <= _LATEST for value in exact], np.bool_)
    held = [0 if far else value for value, far in zip(exact, beyond.tolist(), strict=True)]
    return np.array(held, np.int64), beyond


def _layout(order: str) -> np.dtype[np.void]:
    """The 28 bytes before an enhanced block's packet; a simple block has its packet's length where `interface` is."""
    names = ("kind", "length", "interface", "high", "low", "captured", "wire")
    return np.dtype([(name, f"{order}u4") for name in names])
