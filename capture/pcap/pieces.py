"""A long plain capture, read by several processes at once, each of which opens the file itself.

The file is cut into pieces of equal size, and the processes take turns at blocks of them. Where the first record of a piece
begins is a guess (a place from which many sane records follow each other); it counts only if the piece before ends exactly
there. Where one does not, because a guess was wrong or the capture is damaged, all is read again from end to end: that costs
time and nothing else. The last piece is left to whoever reads from end to end.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from capture.pcap import classic
from capture.pcap.chain import Chain
from capture.pcap.classic import HEADER_SIZE, LONGEST, Form, Walked
from capture.pcap.octets import SPARE, U8, gather
from capture.pcap.stream import STANDARD_INPUT

# Fewer pieces are not worth a process.
LEAST_PIECES = 12

_BEHIND = 65536 + 512  # bytes read behind a piece, where its last record may end
_SEARCHED = (8192, 2 * LONGEST)  # bytes searched for a beginning
_IN_A_ROW = 16  # sane records that make a beginning
_AT_LEAST = 4  # or so many, if the next one lies beyond what was searched
_DECADE = 10 * 365 * 86400


@dataclass(frozen=True)
class Piece:
    """Where the records of a piece begin, and where the next record begins; -1 where that cannot be told."""

    begin: int
    end: int


_UNKNOWN = Piece(-1, -1)


@dataclass(frozen=True)
class Pieces:
    """A capture in pieces of `size` bytes, all but the last; `first_ns` is the time of its first record."""

    path: Path
    count: int
    size: int
    form: Form
    first_ns: int

    def room(self) -> U8:
        """Memory that holds one piece, what is read behind it, and the spare bytes."""
        return np.empty(self.size + _BEHIND + SPARE, np.uint8)

    def walk(self, file: int, number: int, room: U8) -> tuple[Piece, Walked | None]:
        """Find the records that begin in a piece, reading it into `room`."""
        place = number * self.size
        held = os.preadv(file, [room.data[: self.size + _BEHIND]], place)
        room[held : held + SPARE] = 0
        begin = self._beginning(room, held) if number else HEADER_SIZE
        if begin is None or held < self.size:
            return _UNKNOWN, None
        layout = self.form.layout
        offsets = Chain(room, self.size, layout.order, layout.header).offsets(begin)
        end, offsets = self._completed(room, held, offsets, begin)
        if end is None:
            return _UNKNOWN, None
        return Piece(place + begin, place + end), Walked(room, offsets, layout, self.form.link)

    def _completed(self, room: U8, held: int, offsets: np.ndarray, begin: int) -> tuple[int | None, np.ndarray]:
        """The records with the one that goes over the border, and where that ends; None where there is damage."""
        end = self._behind(room, int(offsets[-1])) if len(offsets) else begin
        if end < self.size:
            offsets = np.append(offsets, end)
            end = self._behind(room, end)
        sane = bool((np.diff(offsets, append=end) <= LONGEST + self.form.layout.header).all()) and end <= held
        return (end if sane else None), offsets

    def _behind(self, room: U8, here: int) -> int:
        """Where the record at `here` ends."""
        length = np.dtype(f"{self.form.layout.order}u4")
        return here + self.form.layout.header + int(gather(room, np.array([here + 8]), length)[0])

    def _beginning(self, room: U8, held: int) -> int | None:
        """The first place where a row of sane records begins."""
        for searched in _SEARCHED:
            if (found := self._first(room, min(searched, held, self.size))) is not None:
                return found
        return None

    def _first(self, room: U8, searched: int) -> int | None:
        layout = self.form.layout
        header = gather(room, np.arange(searched), layout.record)
        near = np.abs(header["seconds"].astype(np.int64) - self.first_ns // 10**9) < _DECADE
        timed = header["fraction"].astype(np.int64) * layout.nanoseconds < 10**9
        captured = header["captured"]
        places = np.flatnonzero(near & timed & (header["wire"] > 0) & (captured <= np.minimum(header["wire"], LONGEST)))
        beyond = dict(zip(places.tolist(), (places + layout.header + captured[places]).tolist(), strict=True))
        return next((place for place in places.tolist() if _in_a_row(place, beyond, searched)), None)


def _in_a_row(place: int, beyond: dict[int, int], searched: int) -> bool:
    for count in range(_IN_A_ROW):
        if place not in beyond:
            return place >= searched and count >= _AT_LEAST
        place = beyond[place]
    return True


def pieces(path: Path, size: int) -> Pieces | None:
    """Cut a file into pieces; None where it is no plain classic capture, or a short one."""
    if path == STANDARD_INPUT or not path.is_file() or path.stat().st_size < size * LEAST_PIECES:
        return None
    with path.open("rb") as file:
        head = np.frombuffer(file.read(2 * HEADER_SIZE) + bytes(SPARE), np.uint8)
    if bytes(head[:4]) not in classic.MAGIC:
        return None
    form = classic.form(bytes(head[:HEADER_SIZE]))
    first = Walked(head, np.array([HEADER_SIZE]), form.layout, form.link).first_time()
    return Pieces(path, path.stat().st_size // size, size, form, first)
