"""Flows as the programs have counted them: two maps that are swapped, the ring for what found no room, the counters.

Draining the map in use would lose what other CPUs add between copy and delete; writing the other map into the slot returns
after a grace period, so that nobody writes to the full one any more.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from capture.ebpf.maps import Map, Records
from capture.ebpf.objects import Object
from capture.ebpf.records import COUNTERS, DNS, KEY, OVERFLOW, VALUE
from capture.ebpf.ring import Ring

# What a reader needs; `spare` is the second of the two maps.
NAMES = ("flows", "spare", "active", "overflow", "dns", "counters")


class Counting:
    """The reader's side of a program's maps; needs no privilege once it holds them."""

    def __init__(self, maps: Mapping[str, Map]) -> None:
        self._maps, self._lock = dict(maps), threading.Lock()
        self._full, self._empty = maps["flows"], maps["spare"]
        self._overflow, self._dns = Ring(maps["overflow"], OVERFLOW), Ring(maps["dns"], DNS)
        self._cpus = _possible_cpus()
        self.begin()

    @classmethod
    def of(cls, loaded: Object) -> Counting:
        """The reader of a loaded object."""
        loaded.maps["spare"] = loaded.twin("flows")
        return cls({name: loaded.maps[name] for name in NAMES})

    def begin(self) -> None:
        """Have packets counted in the one map."""
        self._maps["active"].update(self._full.descriptor.to_bytes(4, "little"))

    def drain(self) -> tuple[Records, Records]:
        """Take out what was counted since the last time: keys and values, those that found no room behind the others."""
        with self._lock:
            self._full, self._empty = self._empty, self._full
            self.begin()
            keys, values = self._empty.drain(KEY, VALUE)
            late = self._overflow.drain()
        if len(late):
            keys, values = np.concatenate([keys, late["key"]]), np.concatenate([values, late["value"]])
        return keys, values

    def dns(self) -> Records:
        """Take out the DNS messages that have passed."""
        with self._lock:
            return self._dns.drain()

    def counters(self) -> dict[str, int]:
        """The programs' counters, summed over CPUs."""
        raw = self._maps["counters"].first(8 * len(COUNTERS) * self._cpus)
        sums = np.frombuffer(raw, np.uint64).reshape(self._cpus, -1).sum(axis=0)
        return dict(zip(COUNTERS, sums.tolist(), strict=True))

    def close(self) -> None:
        """Give the rings' memory back."""
        self._overflow.close()
        self._dns.close()


def _possible_cpus() -> int:
    last = Path("/sys/devices/system/cpu/possible").read_text().strip().rpartition("-")[2]
    return int(last) + 1
