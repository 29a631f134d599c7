"""Big captures out of small ones: recorded packets multiplied, with other hosts and times of their own.

Every copy of a recording gets hosts by a keyed hash (the first octet of IPv4 and the first half of IPv6 stay, so that pods stay
pods) and a start of its own; checksums follow incrementally (RFC 1624). Five copies share two sets of hosts, so that flows have
12 packets, as in captures of real networks, where the recording's are short and have 5. The same seed gives the same bytes.
"""

from __future__ import annotations

import gzip
import struct
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np

LIVE_S = 600.0  # the copies start within so many seconds
SETS = 2 / 5  # sets of hosts a copy
_RECORD = 16
_HEAD = 24
# Packets of these sizes (bytes of payload) and shares are added to a recording of small ones, for a mix as on real links.
_MIX = ((1448, 0.22), (512, 0.08))


@dataclass(frozen=True)
class Recording:
    """The IP packets of a capture: bytes, and for each packet its offset, length and time (ns)."""

    data: np.ndarray
    start: np.ndarray
    size: np.ndarray
    time: np.ndarray


def recording(paths: list[Path], *, mixed: bool, seed: int) -> Recording:
    """Read recordings (classic pcap in gzip, little-endian, ns or µs) into one; `mixed` lengthens some TCP segments."""
    frames = sorted((frame for path in paths for frame in _frames(path)), key=lambda frame: frame[0])
    random = Random(seed)
    data = [_lengthened(frame, random) if mixed else frame for _, frame in frames]
    size = np.array([len(frame) for frame in data], np.int64)
    start = np.concatenate([[0], np.cumsum(size)[:-1]])
    time = np.array([when for when, _ in frames], np.int64)
    return Recording(np.frombuffer(b"".join(data), np.uint8), start, size, time - time[0])


def _frames(path: Path):
    data = gzip.decompress(path.read_bytes())
    unit = 1 if data[:4] == b"\x4d\x3c\xb2\xa1" else 1000
    place = _HEAD
    while place + _RECORD <= len(data):
        seconds, rest, captured, _ = struct.unpack_from("<IIII", data, place)
        frame = data[place + _RECORD : place + _RECORD + captured]
        place += _RECORD + captured
        if frame[12:14] in (b"\x08\x00", b"\x86\xdd"):
            yield seconds * 10**9 + rest * unit, frame


def _lengthened(frame: bytes, random: Random) -> bytes:
    """Some TCP segments over IPv4 filled up; their checksums say nothing of the filling (as with offloading)."""
    if frame[12:14] != b"\x08\x00" or frame[23] != 6 or len(frame) > 600:
        return frame
    draw = random.random()
    for size, share in _MIX:
        if draw < share:
            longer = frame + bytes(random.randrange(256) for _ in range(16)) * (size // 16)
            return _ip_length(longer, len(longer) - 14)
        draw -= share
    return frame


def _ip_length(frame: bytes, length: int) -> bytes:
    head = bytearray(frame[14:34])
    head[2:4] = struct.pack(">H", length)
    head[10:12] = b"\0\0"
    total = sum(struct.unpack(">10H", head))
    total = (total & 0xFFFF) + (total >> 16)
    head[10:12] = struct.pack(">H", ~((total & 0xFFFF) + (total >> 16)) & 0xFFFF)
    return frame[:14] + bytes(head) + frame[34:]


def write(path: Path, source: Recording, packets: int, *, seed: int, snaplen: int = 0) -> int:
    """Write a classic pcap (µs) of so many packets, in order of time, a slice of time after the other; return its bytes."""
    copies = -(-packets // len(source.size))
    starts = np.sort(np.array([Random(seed * 7919 + copy).uniform(0, LIVE_S * 1e9) for copy in range(copies)]))
    base, sets = 1_800_000_000 * 10**9, max(1, round(copies * SETS))
    order_of = _schedule(source, starts.astype(np.int64), packets)
    with path.open("wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, snaplen or 262144, 1))
        for copy, row, time in order_of:
            file.write(_records(source, copy % sets, row, time + base, seed, snaplen).data)
    return path.stat().st_size


def _schedule(source: Recording, starts: np.ndarray, packets: int):
    """Which packet of which copy comes when, in slices of about 200,000 packets."""
    copies = np.arange(len(starts))
    copy = np.repeat(copies, len(source.size))[:packets]
    row = np.tile(np.arange(len(source.size), dtype=np.int32), len(starts))[:packets]
    time = starts[copy] + source.time[row]
    order = np.argsort(time, kind="stable")
    for begin in range(0, packets, 200_000):
        part = order[begin : begin + 200_000]
        yield copy[part], row[part], time[part]


def _records(source: Recording, copy, row, time, seed: int, snaplen: int) -> np.ndarray:
    full = source.size[row]
    size = np.minimum(full, snaplen) if snaplen else full
    offset = np.concatenate([[0], np.cumsum(size + _RECORD)])
    out = np.zeros(int(offset[-1]), np.uint8)
    begin = offset[:-1] + _RECORD
    # Every byte of every packet: where it comes from and where it goes.
    within = np.arange(int(size.sum())) - np.repeat(np.cumsum(size) - size, size)
    out[np.repeat(begin, size) + within] = source.data[np.repeat(source.start[row], size) + within]
    _head(out, offset[:-1], size, full, time)
    v4 = out[begin + 12] == 0x08
    _remap4(out, begin[v4], size[v4], copy[v4], seed)
    _remap6(out, begin[~v4], copy[~v4], seed)
    return out


def _head(out, at, size, full, time) -> None:
    words = np.stack([time // 10**9, time % 10**9 // 1000, size, full], axis=1).astype("<u4")
    out[at[:, None] + np.arange(_RECORD)] = words.view(np.uint8).reshape(len(at), _RECORD)


def _mixed(value: np.ndarray, copy: np.ndarray, seed: int) -> np.ndarray:
    mixed = value.astype(np.uint64) ^ (copy.astype(np.uint64) + np.uint64(seed << 32)) * np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ mixed >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
    return mixed ^ mixed >> np.uint64(29)


def _word(out, at) -> np.ndarray:
    return out[at].astype(np.int64) << 8 | out[at + 1]


def _put(out, at, value) -> None:
    out[at], out[at + 1] = value >> 8, value & 0xFF


def _remap4(out, begin, size, copy, seed: int) -> None:
    """The lower 24 bits of both addresses by the hash; header and TCP or UDP checksums follow."""
    change = np.zeros(len(begin), np.int64)
    for at in (begin + 26, begin + 30):
        old = out[at[:, None] + np.arange(4)].astype(np.uint64) @ np.array([1 << 24, 1 << 16, 1 << 8, 1], np.uint64)
        new = (old & np.uint64(0xFF000000)) | (_mixed(old, copy, seed) & np.uint64(0xFFFFFF))
        before = _word(out, at) + _word(out, at + 2)
        out[at[:, None] + np.arange(4)] = new.astype(">u4").view(np.uint8).reshape(-1, 4)
        change += _word(out, at) + _word(out, at + 2) - before
    _adjust(out, begin + 24, change)
    head = (out[begin + 14] & 15).astype(np.int64) * 4
    first = _word(out, begin + 20) & 0x1FFF == 0
    for proto, place in ((6, 16), (17, 6)):
        rows = np.flatnonzero((out[begin + 23] == proto) & first & (14 + head + place + 2 <= size))
        at = begin[rows] + 14 + head[rows] + place
        checked = _word(out, at) > 0
        _adjust(out, at[checked], change[rows][checked])


def _remap6(out, begin, copy, seed: int) -> None:
    """The lower half of both addresses by the hash; checksums are left as they are."""
    for at in (begin + 22 + 8, begin + 38 + 8):
        old = np.ascontiguousarray(out[at[:, None] + np.arange(8)]).view(">u8").ravel()
        out[at[:, None] + np.arange(8)] = _mixed(old, copy, seed).astype(">u8").view(np.uint8).reshape(-1, 8)


def _adjust(out, at, change) -> None:
    """RFC 1624: the checksum's complement grows by what the sum of the words grew."""
    total = (~_word(out, at) & 0xFFFF) + change
    for _ in range(3):
        total = (total & 0xFFFF) + (total >> 16)
    _put(out, at, ~total & 0xFFFF)
