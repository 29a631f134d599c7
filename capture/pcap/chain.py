"""The chain of records in a buffer: each record's length says where the next one begins.

Following it one by one is the only step a packet that would be Python's. So many places that look like records (by the time in
their header) are followed at once, and what is found from each counts only if the chain before it ends exactly there; where it
does not, the chain is followed one by one. The result never depends on the guesses.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from capture.pcap.octets import I64, U8, gather

_CAPTURED = 8  # where in a record header the length stands
_SAMPLE = 64  # records followed one by one, to know how long they are here
_A_CHAIN = 32  # records that a guessed chain should have
_LEAST_CHAINS = 32
# With fewer chains left a step of numpy costs more than Python's.
_FEW = 12


@dataclass(frozen=True)
class Chain:
    """Records that follow each other up to `end` of a buffer, with headers of `header` bytes in a byte order."""

    buffer: U8
    end: int
    order: str
    header: int

    def offsets(self, begin: int) -> I64:
        """Offsets of the records that lie whole between `begin`, where one starts, and the end.

        >>> one = bytes(8) + (4).to_bytes(4, "little") + bytes(8)
        >>> Chain(np.frombuffer(one * 3 + bytes(128), np.uint8), 59, "<", 16).offsets(0).tolist()
        [0, 20]
        """
        sample, here = self._follow(begin, _SAMPLE)
        region = (here - begin) // _SAMPLE * _A_CHAIN
        if len(sample) < _SAMPLE or region * _LEAST_CHAINS > self.end - here:
            return np.array(sample + self._follow(here)[0], np.int64)
        starts = np.array([here, *self._guesses(here, region)], np.int64)
        return np.concatenate([np.array(sample, np.int64), *self._joined(starts)])

    def _follow(self, here: int, most: int | None = None, known: frozenset[int] = frozenset()) -> tuple[list[int], int]:
        """Follow the chain one by one, over records that end before the end, up to a `known` place; where that is."""
        data, header, end, found = self.buffer.data, self.header, self.end, list[int]()
        captured, note = struct.Struct(f"{self.order}I").unpack_from, found.append
        while here + header <= end and here not in known and len(found) != most:
            beyond = here + header + captured(data, here + _CAPTURED)[0]
            if beyond > end:
                return found, end
            note(here)
            here = beyond
        return found, here

    def _guesses(self, here: int, region: int) -> Iterator[int]:
        """In each region the first place that has the upper three bytes of a record's time."""
        first = 1 if self.order == "<" else 0
        seconds = bytes(self.buffer[here + first : here + first + 3])
        search, data = re.compile(re.escape(seconds), re.DOTALL).search, self.buffer.data
        for place in range(here + region, self.end - region, region):
            if found := search(data, place + first, place + region):
                yield found.start() - first

    def _joined(self, starts: I64) -> Iterator[I64]:
        """The true chain, which begins at the first start: what was followed at once where it joins, else one by one."""
        limits = np.append(starts[1:], self.end)
        visited, ends = self._together(starts, limits)
        apart = np.append(np.flatnonzero(ends[:-1] != limits[:-1]), len(starts) - 1)
        known, part = frozenset[int](), 0
        while True:
            last = int(apart[np.searchsorted(apart, part)])
            here = int(ends[last])
            begin, beyond = np.searchsorted(visited, [starts[part], limits[last]])
            # A record that ends behind the end is not whole, and nothing follows it.
            yield visited[begin : beyond - (here > self.end)]
            if here >= self.end:
                return
            known = known or frozenset(starts.tolist())
            alone, here = self._follow(here, known=known)
            yield np.array(alone, np.int64)
            if here not in known:
                return
            part = int(np.searchsorted(starts, here))

    def _together(self, here: I64, limit: I64) -> tuple[I64, I64]:
        """Follow all chains, each up to its limit: the offsets visited, in order, and where each chain ends."""
        ends, count, which = np.empty(len(here), np.int64), np.zeros(len(here), np.int64), np.arange(len(here))
        length, steps, step = np.dtype(f"{self.order}u4"), list[tuple[I64, I64]](), 0
        while len(here) > _FEW:
            beyond = here + gather(self.buffer, here + _CAPTURED, length) + self.header
            steps.append((which, here))
            step += 1
            on = beyond < limit
            if not on.all():
                done = which[~on]
                ends[done], count[done] = beyond[~on], step
                which, limit, beyond = which[on], limit[on], beyond[on]
            here = beyond
        alone = [self._alone(*each) for each in zip(here.tolist(), limit.tolist(), strict=True)]
        for chain, (found, end) in zip(which.tolist(), alone, strict=True):
            ends[chain], count[chain] = end, step + len(found)
        return _in_order(count, steps, dict(zip(which.tolist(), (found for found, _ in alone), strict=True))), ends

    def _alone(self, here: int, limit: int) -> tuple[list[int], int]:
        """Follow one chain up to its limit, whole or not: the offsets visited, and where it ends."""
        data, found = self.buffer.data, list[int]()
        captured = struct.Struct(f"{self.order}I").unpack_from
        while here < limit:
            found.append(here)
            here += self.header + captured(data, here + _CAPTURED)[0]
        return found, here


def _in_order(count: I64, steps: Sequence[tuple[I64, I64]], alone: Mapping[int, Sequence[int]]) -> I64:
    """Offsets chain by chain: of each chain those that all visited in step with the others, then those it has `alone`."""
    first = np.cumsum(count) - count
    visited = np.empty(int(count.sum()), np.int64)
    if steps:
        which, here = (np.concatenate(each) for each in zip(*steps, strict=True))
        visited[first[which] + np.repeat(np.arange(len(steps)), [len(each) for each, _ in steps])] = here
    for chain, found in alone.items():
        beyond = first[chain] + count[chain]
        visited[beyond - len(found) : beyond] = found
    return visited
