"""How fast PromQL is on a DataFrame: `python -m benchmarks.promql [--small] [--series N]`.

The claim: a range query to its DataFrame ten times faster than a real Prometheus on loopback, asked with prometheus-pandas,
over 5,000 series × 1,000 points and over 50,000 × 200. Both hold the same samples, made up from a seed. The mark is for both
queries: every series' rate, and the rate summed by namespace, where next to nothing has to travel. flowkit is measured cold,
from the table, which it lays out anew each time; and warm, over samples laid out once by `scrape`, as the server has its own:
the mark is for cold. Each is asked three times and the best counts, but for the long answers of the peer, which is asked once.
CPU seconds of the peer are those of its server and of the client.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import resource
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from prometheus_pandas.query import Prometheus

from flowkit.metric.promql import promql, scrape
from flowkit.sources.prometheus import read_metric
from tests.promql.server import prometheus

SEED, START, SCRAPE = 11, 1_700_000_000, 15
SHAPES = ((5_000, 1_000), (50_000, 200))
QUERIES = ("rate(syn[1m])", "sum by (namespace) (rate(syn[1m]))")
MARK = 10.0
_TICKS = os.sysconf("SC_CLK_TCK")


def make(series: int, points: int) -> pd.DataFrame:
    """Counters of `series` workloads, one sample a scrape."""
    dice = np.random.default_rng(SEED)
    values = np.cumsum(dice.integers(0, 9, (series, points)), axis=1).astype(float)
    number, times = np.repeat(np.arange(series), points), START * 1000 + 1000 * SCRAPE * np.arange(points)
    ids = {"namespace": number % 20, "workload": number // 20, "port": number % 7}
    labels = {
        name: pd.Categorical.from_codes(codes, [f"{name}{each}" for each in range(int(codes.max()) + 1)])
        for name, codes in ids.items()
    }
    name = pd.Categorical.from_codes(np.zeros(len(number), int), ["syn"])
    when = pd.Series(np.tile(times, series).astype("datetime64[ms]")).dt.tz_localize("UTC")
    return pd.DataFrame({"__name__": name, **labels, "time": when, "value": values.ravel()})


def exposed(table: pd.DataFrame):
    """The same as OpenMetrics."""
    seconds = table["time"].astype("int64") // 1000
    columns = (table[name].astype(str) for name in ("namespace", "workload", "port", "value"))
    lines = (
        f'syn{{namespace="{namespace}",workload="{workload}",port="{port}"}} {value} {second}\n'
        for namespace, workload, port, value, second in zip(*columns, seconds, strict=True)
    )
    return "".join(["# TYPE syn unknown\n", *lines, "# EOF\n"])


def measured(work, process=None):
    """Wall and CPU seconds of `work`, those of a server process included, and what it returns."""
    started, busy, served = time.perf_counter(), time.process_time(), ticks(process)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = work()
    return time.perf_counter() - started, time.process_time() - busy + ticks(process) - served, result


def best(work, process=None, times=3):
    """The quickest of some runs."""
    return min((measured(work, process) for _ in range(times)), key=lambda run: run[0])


def ticks(process):
    """CPU seconds a process has used."""
    if process is None:
        return 0.0
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def server_of(folder: Path) -> int:
    """The process whose storage is `folder`."""
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if f"--storage.tsdb.path={folder}/data".encode() in place.read_bytes().split(b"\0"):
                return int(place.parent.name)
    raise LookupError("the server is not there")


def compared(series: int, points: int) -> bool:
    """Print one shape's lines; whether all its marks are met."""
    table = make(series, points)
    end, met = START + SCRAPE * (points - 1), True
    print(f"{series:,} series × {points:,} points: {len(table):,} samples; load {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as place, prometheus(Path(place), exposed(table)) as address:
        process = server_of(Path(place))
        for query in QUERIES:
            asked = {"start": START, "end": end, "step": f"{SCRAPE}s"}
            cold = best(lambda: promql(query, table=table, **asked, rules=2))  # noqa: B023
            line("flowkit, from the table", query, cold)
            laid = scrape(table=table)
            warm = best(lambda: promql(query, table=laid, **asked, rules=2))  # noqa: B023
            line("flowkit, laid out before", query, warm)
            read = measured(lambda: read_metric(query, address, **asked), process)  # noqa: B023
            line("flowkit's read_metric, same server", query, read)
            times = 1 if query == QUERIES[0] else 3
            peer = best(lambda: Prometheus(address).query_range(query, START, end, SCRAPE), process, times)  # noqa: B023
            line("Prometheus + prometheus-pandas", query, peer)
            same = int(peer[2].notna().to_numpy().sum()) == len(cold[2]) == len(warm[2]) == len(read[2])
            met &= same and peer[0] / cold[0] >= MARK
            ratios = (
                f"{name} {peer[0] / ours[0]:.1f} × by wall, {peer[1] / ours[1]:.1f} × by CPU"
                for name, ours in (("cold", cold), ("warm", warm))
            )
            mark = f"mark {MARK:.0f} × {'met' if peer[0] / cold[0] >= MARK else 'missed'}"
            print(f"    {'; '.join(ratios)}; {'the same' if same else 'NOT the same'} values: {mark}")
    return met


def line(who, query, run):
    """One measurement."""
    print(f"  {query:<36} {who:<36} {run[0]:8.2f} s {run[1]:8.2f} CPU s {len(run[2]):>10,} rows")


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true", help="a tenth of the series")
    parser.add_argument("--series", type=int, help="only the shape of so many series")
    asked = parser.parse_args()
    tenth = 10 if asked.small else 1
    met = [compared(series // tenth, points) for series, points in SHAPES if asked.series in (None, series)]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(f"peak memory of this process {peak:.1f} GB; marks {'met' if all(met) else 'missed'}")


if __name__ == "__main__":
    main()
