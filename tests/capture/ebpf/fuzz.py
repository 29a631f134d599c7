"""Mutated frames through the programs (BPF_PROG_TEST_RUN) and through the reference in Python: each must be read the same.

``python -m tests.capture.ebpf.fuzz --count 300000`` runs as many; the tests run a slice.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random

from capture.ebpf.counting import Counting
from capture.ebpf.objects import Object, Settings
from capture.ebpf.opening import object_of
from capture.ebpf.records import KEY, VALUE
from tests.capture.ebpf.parser import Parsed, found, parse, seeds

PROGRAMS = {"ethernet_ingress": True, "cgroup_ingress": False}
_TELLING = (0, 1, 6, 17, 43, 44, 51, 58, 60, 255)
_PAGE = 4096


@contextmanager
def loaded(programs=("ethernet_ingress",), max_flows: int = 16, overflow: int = _PAGE, **constants) -> Iterator:
    """An object in the kernel, its programs attached nowhere, and the reader of its maps."""
    here = object_of("flows", Settings({"flows": max_flows, "overflow": overflow}, constants, set(programs)))
    counting = Counting.of(here)
    try:
        yield here, counting
    finally:
        counting.close()
        here.close()


def runnable(frame: bytes) -> bool:
    """BPF_PROG_TEST_RUN refuses a frame shorter than the IP header that its type announces."""
    return len(frame) >= 15 + {b"\x08\0": 20, b"\x86\xdd": 40}.get(frame[12:14], 0)


def read_by(here: Object, name: str, frame: bytes) -> Parsed | None:
    """Straight out of the map in use, which is fit only where nothing else runs the program."""
    here.programs[name].run(frame)
    return found(*here.maps["flows"].drain(KEY, VALUE))


def mutated(random: Random, frame: bytes) -> bytes:
    octets = bytearray(frame)
    for _ in range(random.randrange(1, 6)):
        octets[random.randrange(12, len(octets))] = random.choice((*_TELLING, random.randrange(256)))
    if random.random() < 0.2:
        del octets[random.randrange(14, len(octets)) :]
    return bytes(octets)


def run(count: int, seed: int) -> int:
    """Read so many mutated frames; how many were counted in a flow. Raises `AssertionError` with the first that differs."""
    random, frames, counted = Random(seed), seeds(), 0
    with loaded(PROGRAMS) as (here, _):
        for number in range(count):
            frame = mutated(random, random.choice(frames))
            name = "cgroup_ingress" if number % 4 == 0 else "ethernet_ingress"
            if runnable(frame):
                expected = parse(frame, PROGRAMS[name])
                assert read_by(here, name, frame) == expected, f"{name}: {frame.hex()}"
                counted += expected is not None
    return counted


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    print(f"{options.count:,} frames, {run(options.count, options.seed):,} in flows, 0 differences")  # noqa: T201
