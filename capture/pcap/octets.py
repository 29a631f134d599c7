"""Headers out of a byte buffer at many offsets at once: the one trick the reader's speed rests on.

An overlapping view (stride one byte) makes element i "the header that starts at byte i", so one fancy index fetches one
header a packet, aligned or not.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

U8 = npt.NDArray[np.uint8]
U16 = npt.NDArray[np.uint16]
U32 = npt.NDArray[np.uint32]
U64 = npt.NDArray[np.uint64]
I64 = npt.NDArray[np.int64]
Bool = npt.NDArray[np.bool_]

# Every buffer ends in this many bytes more than it holds, so that a header cut by the end can still be fetched.
SPARE = 128


def gather(buffer: U8, offsets: I64, layout: np.dtype[Any]) -> npt.NDArray[Any]:
    """Fetch one value of `layout` (at most `SPARE` bytes wide) at each offset; offsets lie inside the held bytes.

    >>> gather(np.arange(8, dtype=np.uint8), np.array([1, 4]), np.dtype(">u2")).tolist()
    [258, 1029]
    """
    width = layout.itemsize
    overlapping = np.ndarray(len(buffer) - width + 1, f"V{width}", buffer, strides=(1,))
    return overlapping[offsets].view(layout)


def big16(buffer: U8, offsets: I64) -> U16:
    """Fetch big-endian 16-bit numbers.

    >>> big16(np.array([8, 0, 6], dtype=np.uint8), np.array([0, 1])).tolist()
    [2048, 6]
    """
    return (buffer[offsets].astype(np.uint16) << np.uint16(8)) | buffer[offsets + 1]
