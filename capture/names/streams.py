"""TCP streams whose beginning wants more bytes: a hello, a request's head or a DNS message over several segments.

Bounded in number and length; the oldest is given up first. A table of source ports lets numpy pass over all other packets.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from capture.names.candidates import SOURCE, Candidate, Ends
from capture.names.pieces import Pieces
from capture.pcap.octets import Bool

MOST = 4096
LONGEST = 1 << 16
_WRAP = 1 << 32


@dataclass(frozen=True)
class _Stream:
    kind: int
    sequence: int
    pieces: Pieces


class Streams:
    """The streams that wait, by their ends; `given_up` counts those that never became whole."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._streams: dict[Ends, _Stream] = {}
        self._waiting: dict[int, int] = {}  # how many by source port
        self.given_up = 0

    def __len__(self) -> int:
        return len(self._streams)

    @property
    def ports(self) -> Bool:
        """Which source ports wait for more."""
        waiting = np.zeros(65536, np.bool_)
        waiting[list(self._waiting)] = True
        return waiting

    def waits(self, source: int) -> bool:
        """Whether a stream from this port waits for more."""
        return source in self._waiting

    def wait(self, candidate: Candidate) -> None:
        """Begin a stream with a segment that is not enough."""
        self.forget(candidate.ends)
        pieces = Pieces(LONGEST)
        pieces.add(0, candidate.payload)
        self._streams[candidate.ends] = _Stream(candidate.kind, candidate.sequence, pieces)
        self._waiting[candidate.source] = self._waiting.get(candidate.source, 0) + 1
        if len(self._streams) > self._most:
            self._give_up(next(iter(self._streams)))

    def more(self, candidate: Candidate) -> tuple[int, bytes] | None:
        """Add a segment: what the stream began as and its bytes so far; None if it is no part of one that waits."""
        stream = self._streams.get(candidate.ends)
        if stream is None:
            return None
        offset = (candidate.sequence - stream.sequence) % _WRAP
        if not stream.pieces.add(offset, candidate.payload):
            self._give_up(candidate.ends)
            return None
        return stream.kind, stream.pieces.begin()

    def forget(self, ends: Ends) -> None:
        """The stream is read."""
        if self._streams.pop(ends, None):
            source = ends[SOURCE]
            self._waiting[source] -= 1
            if not self._waiting[source]:
                del self._waiting[source]

    def rest(self) -> int:
        """How many never became whole, now that nothing more comes."""
        return self.given_up + len(self._streams)

    def _give_up(self, ends: Ends) -> None:
        self.forget(ends)
        self.given_up += 1
