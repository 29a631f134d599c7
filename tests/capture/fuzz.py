"""Mutated captures through the reader: rows and counted reasons, or one `CaptureError`; never a crash, a hang or a loss in silence.

``python -m tests.capture.fuzz --count 200000`` runs as many; the tests run a slice.
"""

from __future__ import annotations

import argparse
import gzip
import lzma
import resource
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from random import Random

import pandas as pd

import capture
from capture.pcap.decode import View
from capture.pcap.meter import Cuts
from capture.pcap.pieces import LEAST_PIECES
from capture.pcap.plan import Plan
from flowkit.errors import CaptureError
from tests.capture.craft import pcap, random_frames
from tests.capture.craft_more import random_files
from tests.capture.tables import read_quietly

# Of CPU: on a busy machine nothing can be told from the wall clock.
LONGEST_S = 5.0
# Files of so many bytes are read in pieces by two processes now and then, which is slow.
LONG, IN_PIECES = 6000, 0.3


def mutated(random: Random, data: bytes) -> bytes:
    """The same bytes with some flipped, set to extremes, left out, put in or cut off."""
    octets = bytearray(data)
    for _ in range(random.choice((1, 1, 2, 5, 20))):
        place = random.randrange(len(octets) + 1)
        match random.randrange(50) % 9:
            case 0:
                octets[place : place + 1] = random.randbytes(1)
            case 1:
                octets[place : place + 4] = random.choice((b"\xff\xff\xff\xff", b"\0\0\0\0", b"\xff\xff\xff\x7f"))
            case 2:
                del octets[place : place + random.randrange(1, 9)]
            case 3:
                octets[place:place] = random.randbytes(random.randrange(1, 9))
            case 4:
                del octets[place + 200 :]
            case _:
                octets[place : place + 1] = bytes(
                    octet ^ 1 << random.randrange(8) for octet in octets[place : place + 1]
                )
    return bytes(octets)


def plan(random: Random) -> Plan:
    """Some way of reading."""
    view = View(random.choice(("inner", "outer")), random.choice(("ignore", "key")))
    return Plan(
        view, random.choice((Cuts(), Cuts(), Cuts(export=10**9), Cuts(idle=10**8))), heap=random.choice((7, 10**6))
    )


def long_files(random: Random) -> list[bytes]:
    """Plain classic captures that are long enough for pieces."""
    return [pcap(random_frames(random, 140), order=order, nano=nano) for order in "<>" for nano in (False, True)]


def packed(random: Random, data: bytes) -> bytes:
    """The same bytes, now and then compressed."""
    pack = random.choice(
        (None,) * 8 + (lambda raw: gzip.compress(raw, 1, mtime=0), lambda raw: lzma.compress(raw, preset=0))
    )
    return pack(data) if pack else data


def check(folder: Path, data: bytes, random: Random) -> int:
    """Read mutated bytes; the packets read, or -1 where they were refused. Raises for whatever must not be."""
    path, begun = folder / "a.pcap", time.process_time()
    path.write_bytes(data)
    chunk, how = random.choice((64, 1000, 1 << 22)), plan(random)
    try:
        flows = read_quietly(path, chunk=chunk, plan=how)
        if len(data) >= LONG and random.random() < IN_PIECES:
            same_in_pieces(path, len(data) // random.randrange(LEAST_PIECES, 20), how)
    except CaptureError as error:
        if "\n" in str(error):
            raise
        return -1
    found = capture.report(flows).files["a.pcap"]
    counted = int(flows["Packets"].sum()) + found.not_ip_packets + found.undecoded_packets
    octets = int(flows["Bytes"].sum()) + found.not_ip_bytes + found.undecoded_bytes
    if (counted, octets) != (found.packets, found.bytes):
        raise AssertionError(f"{found.packets} packets of {found.bytes} bytes in, {counted} of {octets} out")
    if time.process_time() - begun > LONGEST_S:
        raise AssertionError(f"took {time.process_time() - begun:.1f} s of CPU")
    return found.packets


def same_in_pieces(path: Path, size: int, how: Plan) -> None:
    """Read in pieces of some size and from end to end; raises where that is not the same."""
    together = read_quietly(path, chunk=size, plan=replace(how, helpers=1))
    alone = read_quietly(path, chunk=size, plan=how)
    pd.testing.assert_frame_equal(together, alone)
    if capture.report(together) != capture.report(alone):
        raise AssertionError(f"in pieces {capture.report(together)}, else {capture.report(alone)}")


def run(count: int, seed: int, folder: Path) -> dict[str, int]:
    """Mutate `count` files and read them; how many were read, refused, and with how many packets."""
    random, done = Random(seed), {"read": 0, "refused": 0, "packets": 0}
    bases = [*random_files(random, 12), *long_files(random) * 2]
    for number in range(count):
        if number and number % 10_000 == 0:
            print(f"seed {seed}: {number} files so far: {done}", file=sys.stderr, flush=True)  # noqa: T201
        data = mutated(random, packed(random, random.choice(bases)))
        try:
            packets = check(folder, data, random)
        except Exception:
            kept = Path(tempfile.gettempdir()) / f"fuzz-{seed}-{number}.pcap"
            kept.write_bytes(data)
            print(f"file {number} of seed {seed} is kept as {kept}", file=sys.stderr)  # noqa: T201
            raise
        done["refused" if packets < 0 else "read"] += 1
        done["packets"] += max(packets, 0)
    return done


def main() -> None:
    """Run as many as the command line says, and tell how it went."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        done = run(given.count, given.seed, Path(folder))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    print(f"{given.count} files of seed {given.seed}: {done}, {time.monotonic() - begun:.0f} s, peak memory {peak} MB")  # noqa: T201


if __name__ == "__main__":
    main()
