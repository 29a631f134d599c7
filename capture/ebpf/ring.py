"""A BPF ring buffer whose records all have one size: what has come is one view of its memory.

Source: Linux's bpf/ringbuf.rst. Positions are read without barriers, which is safe on x86; a record's busy bit is checked.
"""

from __future__ import annotations

import mmap
from typing import Any

import numpy as np

from capture.ebpf.maps import Map, Records

_BUSY, _DISCARDED = np.uint32(1 << 31), np.uint32(1 << 30)
_HEADER = 8


class Ring:
    """The reader of a ring; there may be one at a time."""

    def __init__(self, ring: Map, layout: np.dtype[Any]) -> None:
        self._size, self._layout = ring.shape.entries, layout
        spare = -layout.itemsize % 8
        self._record = np.dtype([("state", "<u4"), ("page", "<u4"), ("content", layout), ("spare", f"V{spare}")])
        page = mmap.PAGESIZE
        self._mine = mmap.mmap(ring.descriptor, page, offset=0)
        # The kernel maps the data twice in a row, so that a record across the end is whole.
        self._theirs = mmap.mmap(ring.descriptor, page + 2 * self._size, prot=mmap.PROT_READ, offset=page)
        self._consumed = np.frombuffer(self._mine, np.uint64, 1)
        self._produced = np.frombuffer(self._theirs, np.uint64, 1)

    def drain(self) -> Records:
        """Take out the records that are complete, oldest first."""
        begin = int(self._consumed[0])
        count = (int(self._produced[0]) - begin) // self._record.itemsize
        if not count:
            return np.empty(0, self._layout)
        found = np.frombuffer(self._theirs, self._record, count, mmap.PAGESIZE + begin % self._size)
        unfinished = np.flatnonzero(found["state"] & _BUSY)
        if len(unfinished):
            found = found[: unfinished[0]]
        taken: Records = found["content"][found["state"] & _DISCARDED == 0].copy()
        self._consumed[0] = begin + len(found) * self._record.itemsize
        return taken

    def close(self) -> None:
        """Give the memory back; views of it must be gone."""
        del self._consumed, self._produced
        self._mine.close()
        self._theirs.close()
