"""How fast JSON lines become flows: `python -m benchmarks.read [--flows 5000000] [--memory 1000000 20000000]`.

The claim: at least 0.9 times as fast as DuckDB's own `read_json` of all columns, 10 times pandas' `read_json(lines=True)`, by
CPU seconds; converting a file of 20 M flows takes no more memory than one of 1 M. Each case runs in a process of its own.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.flows import DATA, ROWS_A_MINUTE, minute

PANDAS_ROWS = 500_000  # pandas needs 8 kB a row


def lines(rows: int) -> Path:
    """A file of `rows` flows as NetObserv writes them, made if it is not there."""
    from flowkit.contract.at_rest import json_lines

    path = DATA / f"flows-{rows}.jsonl"
    if path.exists():
        return path
    path.parent.mkdir(exist_ok=True)
    part = path.with_suffix(".part")
    with part.open("w") as out:
        for start in range(0, rows, ROWS_A_MINUTE):
            out.writelines(json_lines(minute(start // ROWS_A_MINUTE, min(ROWS_A_MINUTE, rows - start))))
    return part.rename(path)


def flowkit(path):
    """Our reader, into a pandas frame."""
    import flowkit as fk

    return fk.read(path)


def duckdb(path):
    """DuckDB's own, into Arrow."""
    import duckdb as db

    db.execute("SET enable_progress_bar = false")
    return db.sql("FROM read_json($path)", params={"path": str(path)}).to_arrow_table()


def duckdb_table(path):
    """DuckDB's own, into a table of its own."""
    import duckdb as db

    db.execute("SET enable_progress_bar = false")
    return db.execute("CREATE TABLE flows AS FROM read_json($path)", {"path": str(path)})


def pandas(path):
    """What a notebook writes without us."""
    import pandas as pd

    return pd.read_json(path, lines=True)


def convert(path):
    """Into flowkit's own layout, in constant memory."""
    import flowkit as fk

    with tempfile.TemporaryDirectory(dir=DATA) as folder:
        return fk.convert(path, folder)


CASES = {case.__name__: case for case in (flowkit, duckdb, duckdb_table, pandas, convert)}


def cpu() -> float:
    """CPU seconds of this process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def alone(case: str, path: Path) -> tuple[float, float, int]:
    """CPU seconds, wall seconds and peak MB of a case in a process of its own, imports warm."""
    told = subprocess.run(
        [sys.executable, "-m", "benchmarks.read", "--case", case, "--file", str(path)],
        check=True,
        capture_output=True,
        text=True,
    )
    used, wall, peak = told.stdout.split()[-3:]
    return float(used), float(wall), int(peak)


def run(case: str, path: Path) -> None:
    """One case, once over a few lines for the imports, once timed."""
    import time

    with tempfile.TemporaryDirectory() as folder:
        few = Path(folder, "few.jsonl")
        with path.open() as whole:
            few.write_text("".join(line for line, _ in zip(whole, range(100), strict=False)))
        CASES["duckdb" if case == "duckdb_table" else case](few)
    began, used = time.perf_counter(), cpu()
    CASES[case](path)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    print(round(cpu() - used, 3), round(time.perf_counter() - began, 3), peak)


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--flows", type=int, default=5_000_000)
    parser.add_argument("--memory", type=int, nargs=2, default=[1_000_000, 20_000_000])
    parser.add_argument("--case", choices=sorted(CASES))
    parser.add_argument("--file", type=Path)
    given = parser.parse_args()
    if given.case:
        run(given.case, given.file)
        return
    rate = {}
    for case, rows in (
        ("flowkit", given.flows),
        ("duckdb", given.flows),
        ("duckdb_table", given.flows),
        ("pandas", min(PANDAS_ROWS, given.flows)),
    ):
        used, wall, peak = alone(case, lines(rows))
        rate[case] = rows / used
        print(f"  {case:<14} {rows:>12,} flows {used:8.2f} CPU s {wall:8.2f} s {peak:>8,} MB", flush=True)
    peaks = []
    for rows in given.memory:
        used, wall, peak = alone("convert", lines(rows))
        peaks.append(peak)
        print(f"  {'convert':<14} {rows:>12,} flows {used:8.2f} CPU s {wall:8.2f} s {peak:>8,} MB", flush=True)
    for what, found, mark in (
        ("× DuckDB into Arrow", rate["flowkit"] / rate["duckdb"], 0.9),
        ("× DuckDB into a table", rate["flowkit"] / rate["duckdb_table"], 0.9),
        ("× pandas", rate["flowkit"] / rate["pandas"], 10),
        ("memory of the small file / of the large", peaks[0] / peaks[1], 0.8),
    ):
        print(f"{'met   ' if found >= mark else 'missed'} {what}: {found:.2f} (mark {mark})")


if __name__ == "__main__":
    main()
