"""Rows of one key in several drains become one; keys are numbered by a hash that is never trusted."""

from __future__ import annotations

import numpy as np
import pandas as pd

from capture.ebpf.maps import Records
from capture.pcap.octets import I64, U64

_MIX = np.uint64(0x9E3779B97F4A7C15)
_SUMS = ("bytes", "packets", "extra_bytes", "extra_packets", "fragments")
_OF_THE_FIRST = ("src_mac", "dst_mac")


def taken(rows: Records, which: I64) -> Records:
    """Some rows, each moved as one piece: numpy moves structured rows field by field, five times slower."""
    return np.ascontiguousarray(rows).view(f"V{rows.dtype.itemsize}")[which].view(rows.dtype)


def numbered(rows: Records) -> tuple[I64, I64]:
    """Number the distinct rows (a multiple of 8 bytes each): the number of each row, and the first row of each number.

    Someone may choose addresses whose hashes collide; rows of one number are compared, and sorted out if they differ.

    >>> numbered(np.array([b"8 bytes.", b"others..", b"8 bytes."], "V8"))[0].tolist()
    [0, 1, 0]
    """
    words = np.ascontiguousarray(rows).view(np.uint64).reshape(len(rows), rows.dtype.itemsize // 8)
    number, _ = pd.factorize(_hashed(words))
    first = _first_rows(number)
    if len(rows) and not bool((words[first][number] == words).all()):
        _, number = np.unique(words, axis=0, return_inverse=True)
        number = number.reshape(-1)
        first = _first_rows(number)
    return number, first


def _hashed(words: U64) -> U64:
    mixed = np.zeros(len(words), np.uint64)
    for column in words.T:
        mixed = (mixed ^ column) * _MIX
        mixed ^= mixed >> np.uint64(29)
    return mixed


def _first_rows(number: I64) -> I64:
    first = np.empty(int(number.max()) + 1 if len(number) else 0, np.int64)
    first[number[::-1]] = np.arange(len(number) - 1, -1, -1)
    return first


def merged(keys: Records, values: Records) -> tuple[Records, Records]:
    """One row a key; sums, first and last time, all flags, and the socket that is known."""
    number, first = numbered(keys)
    if len(first) == len(keys):
        return keys, values
    into = taken(values, first)
    for name in _SUMS:
        into[name] = 0
        np.add.at(into[name], number, values[name])
    into["flags"] = 0
    np.bitwise_or.at(into["flags"], number, values["flags"])
    order = np.argsort(values["first_ns"], kind="stable")[::-1]
    for name in ("first_ns", *_OF_THE_FIRST):
        into[name][number[order]] = values[name][order]
    order = np.argsort(values["last_ns"], kind="stable")
    for name in ("last_ns", "dscp"):
        into[name][number[order]] = values[name][order]
    for name, unknown in (("cookie", 0), ("cgroup", 0), ("uid", 0xFFFFFFFF)):
        known = np.flatnonzero(values[name] != unknown)
        into[name][number[known]] = values[name][known]
    return taken(keys, first), into
