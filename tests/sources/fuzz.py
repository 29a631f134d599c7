"""Mutated files for every reader: rows or one clear error, never a crash or a hang.

``python -m tests.sources.fuzz --count 50000 --reader lines`` runs the long one; the tests run a slice of each.
"""

from __future__ import annotations

import argparse
import gzip
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import flowkit as fk
from flowkit.contract import provenance
from flowkit.errors import SourceError
from tests.sources import forms, seeds_of_others

FLOWS = [
    {
        "SrcAddr": "10.0.0.1",
        "DstAddr": "10.0.0.2",
        "SrcPort": 40000,
        "DstPort": 80,
        "Proto": 6,
        "Flags": ["SYN", "ACK"],
    },
    {
        "SrcAddr": "fd00::1",
        "NetworkEvents": [{"Action": "allow", "Name": "a b"}],
        "Interfaces": ["eth0"],
        "IfDirections": [1],
    },
    {
        "SrcK8S_Namespace": "shop",
        "FlowDirection": 1,
        "Bytes": 2**40,
        "_RecordType": "flowLog",
        "TimeFlowEndMs": 1767225600000,
    },
    {"_RecordType": "endConnection", "_HashId": "a", "Bytes_AB": 1, "Bytes_BA": 2, "Packets_AB": 1, "Packets_BA": 1},
]
# Pieces that hit what readers look at.
TOKENS = [
    b'"',
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b"\n",
    b"\\",
    b":",
    b"null",
    b"\x00",
    b"\xff",
    b"\xef\xbb\xbf",
    b"1e999",
    b"-1",
]
TOKENS += [
    b'"flow_logs"',
    b'"payload"',
    b'"data"',
    b'"stream"',
    b'"values"',
    b'"Duplicate":true',
    b"\\ud800",
    b"[SYN ACK]",
]
TOKENS += [b"\x1f\x8b\x08", b"9" * 30, b'{"a":' * 50, b"map[a:b", b"<nil>", b"\r", b"SrcAddr", b"endConnection"]


def seeds() -> dict[str, bytes]:
    with tempfile.TemporaryDirectory() as folder:
        database = forms.cli_database(Path(folder, "capture.db"), FLOWS).read_bytes()
    texts = {**forms.TEXTS, **forms.CLI, "console csv": forms.console_csv}
    made = {name: form(FLOWS).encode() for name, form in texts.items()}
    return {**made, "gzip": gzip.compress(made["lines"]), "cli database": database, **seeds_of_others.SEEDS}


def mutated(dice: random.Random, seed: bytes) -> bytes:
    content = bytearray(seed)
    for _ in range(dice.randrange(1, 10)):
        place = dice.randrange(len(content) + 1)
        until = place + dice.randrange(0, 30)
        match dice.randrange(5):
            case 0:
                content[place : place + 1] = bytes([dice.randrange(256)])
            case 1:
                content[place:place] = dice.choice(TOKENS)
            case 2:
                del content[place:until]
            case 3:
                content[place:place] = content[until : until + dice.randrange(1, 200)]
            case _:
                content = content[: dice.randrange(len(content) + 1)] if dice.random() < 0.2 else content
    return bytes(content)


def tried(path: Path, content: bytes) -> str:
    """What became of one file: "rows" or "refused"; anything else is a finding and raises."""
    path.write_bytes(content)
    try:
        flows = fk.read(path)
    except SourceError as error:
        assert path.name in str(error), error
        assert str(error).isprintable(), error
        return "refused"
    known = provenance(flows)
    assert all(count > 0 for count in known.losses.values())
    assert all(note.isprintable() for note in known.notes)
    flows.memory_usage(deep=True)
    return "rows"


def run(reader: str, count: int, seed: int, folder: Path) -> Counter:
    dice, results, slowest = random.Random(f"{seed} {reader}"), Counter(), (0.0, 0)
    original = seeds()[reader]
    for number in range(count):
        content = mutated(dice, original)
        began = time.process_time()  # other programs, and a machine that stands still, are no hang of ours
        try:
            results[tried(folder / "mutated.bin", content)] += 1
        except BaseException:
            kept = Path(tempfile.gettempdir(), f"fuzz-{reader.replace(' ', '-')}-{seed}-{number}.bin")
            kept.write_bytes(content)
            sys.stderr.write(f"{reader}: input {number} is a finding, kept in {kept}\n")
            raise
        slowest = max(slowest, (time.process_time() - began, number))
    assert slowest[0] < 30, f"{reader}: input {slowest[1]} took {slowest[0]:.0f} CPU s, after {dict(results)}"
    return results


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--count", type=int, default=50_000)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--reader", choices=sorted(seeds()), action="append")
    given = options.parse_args()
    for reader in given.reader or sorted(seeds()):
        with tempfile.TemporaryDirectory() as folder:
            began = time.monotonic()
            results = run(reader, given.count, given.seed, Path(folder))
        sys.stdout.write(f"{reader}: {dict(results)} in {time.monotonic() - began:.0f} s\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
