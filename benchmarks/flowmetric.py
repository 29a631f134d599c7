"""FlowMetric's speed and memory: the seed's ``workload-syn-in`` against the best that can be written by hand.

python -m benchmarks.flowmetric --rows 1000000 20000000 [100000000] [--repeat 5]

Every case runs in a process of its own (its first run is not counted) and all give the same table. Data are made once, by
`benchmarks.flows`. Ratios are of CPU seconds (all threads), which others on the machine blur least; Spark works in a process
of Java's, whose CPU is not seen.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import pandas as pd

from benchmarks import flows

ROOT = Path(__file__).parent.parent
DEFINITION = ROOT / "data" / "metrics" / "workload-syn-in.yaml"
MILLION = 1_000_000
KEYS = {
    "SrcSubnetLabel": "from_subnet_label",
    "SrcK8S_Namespace": "from_namespace",
    "SrcK8S_OwnerName": "from_workload",
    "SrcK8S_OwnerType": "from_kind",
    "DstSubnetLabel": "subnet_label",
    "DstK8S_Namespace": "namespace",
    "DstK8S_OwnerName": "workload",
    "DstK8S_OwnerType": "kind",
    "DstPort": "port",
}


def metric():
    from flowkit.metric import FlowMetric

    return FlowMetric.load(DEFINITION)


def flowkit_on(table):
    return partial(metric().apply, table)


def flowkit_on_own(path):
    from flowkit.engine.layout import run_on_layout
    from flowkit.metric.plan import plan

    return partial(run_on_layout, plan(metric().spec), path)


def by_hand(path):
    """The best query that knows the data: bit test, grouping by the columns as they lie, text once a group."""
    import duckdb

    keys = ", ".join(f'"{name}"' for name in KEYS)
    shown = ", ".join(f'coalesce(CAST("{name}" AS VARCHAR), \'\') AS "{label}"' for name, label in KEYS.items())
    query = (
        f"SELECT {shown}, 'SYN' AS \"Flags\", n AS value FROM (SELECT {keys}, count(*) AS n "
        f"FROM read_parquet('{path}/*.parquet') WHERE \"Flags\" & 2 <> 0 GROUP BY ALL) ORDER BY ALL"
    )

    def run():
        with duckdb.connect() as connection:
            return connection.sql(query).df()

    return run


def polars_streaming(path):
    import polars as pl

    labels = [pl.col(name).cast(pl.String).fill_null("").alias(label) for name, label in KEYS.items()]
    grouped = pl.scan_parquet(f"{path}/*.parquet").filter(pl.col("Flags") & 2 != 0).group_by(list(KEYS)).len("value")
    return lambda: (
        grouped.select(*labels, pl.lit("SYN").alias("Flags"), "value").collect(engine="streaming").to_pandas()
    )


def pandas_explode(frame):
    def run():
        syn = frame.explode("Flags")
        syn = syn[syn["Flags"] == "SYN"]
        counted = syn.groupby(list(KEYS), dropna=False, observed=True).size().reset_index(name="value")
        texts = {name: counted[name].astype("str").fillna("") for name in KEYS}
        return counted.assign(**texts, Flags="SYN").rename(columns=KEYS)

    return run


def spark_local(path):
    from pyspark.sql import SparkSession
    from pyspark.sql import functions as f

    session = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false").getOrCreate()
    labels = [f.coalesce(f.col(name).cast("string"), f.lit("")).alias(label) for name, label in KEYS.items()]

    def run():
        found = session.read.parquet(str(path)).where(f.col("Flags").bitwiseAND(2) != 0).groupBy(*KEYS).count()
        return found.select(*labels, f.lit("SYN").alias("Flags"), f.col("count").alias("value")).toPandas()

    return run


def rollup_matrix(path):
    from flowkit.matrix.rolled import matrix_of_rollup

    return lambda: matrix_of_rollup(path).edges


def frame(rows):
    return flows.minute(0, rows)


CASES = {
    "flowkit, own layout": lambda rows: flowkit_on_own(flows.folder("own", rows)),
    "flowkit, plain Parquet": lambda rows: flowkit_on(flows.folder("plain", rows)),
    "hand-written DuckDB, plain Parquet": lambda rows: by_hand(flows.folder("plain", rows)),
    "polars streaming, plain Parquet": lambda rows: polars_streaming(flows.folder("plain", rows)),
    "Spark local[2], plain Parquet": lambda rows: spark_local(flows.folder("plain", rows)),
    "rollup, whole matrix": lambda rows: rollup_matrix(rolled(rows)),
    "flowkit, categorical frame": lambda rows: flowkit_on(frame(rows)),
    "flowkit, str frame, lists": lambda rows: flowkit_on(flows.plain_texts(frame(rows))),
    "pandas explode, str frame, lists": lambda rows: pandas_explode(flows.plain_texts(frame(rows))),
}
IN_MEMORY = ("flowkit, categorical frame", "flowkit, str frame, lists", "pandas explode, str frame, lists")


def rolled(rows):
    """The rollup of the own layout in periods of a minute, made if it is not there."""
    from flowkit.matrix.rollup import rollup

    path = flows.DATA / f"rollup2-{rows}"
    if not path.is_dir():
        part = path.with_suffix(".part")
        rollup(flows.folder("own", rows), part, [metric()], every="1m", finish=True)
        part.rename(path)
    return path


def measure(case, rows, repeat):
    """Run one case here; what it took in seconds, the most memory held, and a digest of its table."""
    run = CASES[case](rows)
    table = run()
    took, worked = [], []
    for _ in range(repeat):
        start, cpu = time.perf_counter(), time.process_time()
        run()
        took.append(time.perf_counter() - start)
        worked.append(time.process_time() - cpu)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return {
        "best": min(took),
        "median": statistics.median(took),
        "cpu": min(worked),
        "peak": peak,
        "table": digest(table),
    }


def digest(table):
    """Rows and a hash of the table, whatever the order of its rows and columns."""
    names = [name for name in (*KEYS.values(), "Flags", "value") if name in table.columns]
    plain = table[names].astype(object).astype(str).sort_values(names, ignore_index=True)
    return f"{len(table)} rows, {int(pd.util.hash_pandas_object(plain, index=False).sum()):016x}"


def apart(case, rows, repeat):
    command = [
        sys.executable,
        "-m",
        "benchmarks.flowmetric",
        "--case",
        case,
        "--rows",
        str(rows),
        "--repeat",
        str(repeat),
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"{rows:>11,} {case:38} failed: {done.stderr.strip().splitlines()[-1][:120]}", flush=True)
        return None
    found = json.loads(done.stdout.splitlines()[-1])
    times = "  ".join(f"{name} {found[name]:8.3f} s" for name in ("best", "median", "cpu"))
    line = f"{rows:>11,} {case:38} {times}  peak {found['peak']:6} MB  load {os.getloadavg()[0]:.1f}"
    print(line, f" {found['table'].split(',')[0]}", flush=True)
    return found


def chosen(rows, skip):
    for case in CASES:
        if any(word in case for word in skip):
            continue
        if case in IN_MEMORY and rows > MILLION:
            continue
        if (case.startswith("polars") and not find_spec("polars")) or (
            case.startswith("Spark") and not find_spec("pyspark")
        ):
            continue
        yield case


def prepare(rows, skip):
    """Make the data before anything is measured, each folder in a process of its own."""
    codes = [f"flows.folder('own', {rows})", f"flows.folder('plain', {rows})"]
    for code in codes if "rollup" in skip else [*codes, f"flowmetric.rolled({rows})"]:
        subprocess.run(
            [sys.executable, "-c", f"from benchmarks import flows, flowmetric; {code}"], cwd=ROOT, check=True
        )


def marks(results):
    """Each mark of the issue that these results can decide: what is asked, what was found, whether it is met."""

    def ratio(rows, one, other):
        pair = [results.get((rows, case)) for case in (one, other)]
        return tuple(pair[0][key] / pair[1][key] for key in ("cpu", "best")) if all(pair) else None

    def take(rows, case, key):
        found = results.get((rows, case))
        return found[key] if found else None

    own, plain, hand = list(CASES)[:3]
    categorical, texts, explode = IN_MEMORY
    for rows in (20 * MILLION, 100 * MILLION):
        yield f"plain ≤ 1.15 × hand-written at {rows:,}", ratio(rows, plain, hand), lambda x: x <= 1.15
        yield f"own layout ≤ 0.4 × hand-written at {rows:,}", ratio(rows, own, hand), lambda x: x <= 0.4
    for case in (own, plain):
        yield f"peak < 350 MB at 100 M, {case}", take(100 * MILLION, case, "peak"), lambda x: x < 350
    yield (
        "whole matrix of 100 M from a rollup < 0.05 s",
        take(100 * MILLION, "rollup, whole matrix", "best"),
        lambda x: x < 0.05,
    )
    yield "≥ 12 × pandas explode, str and lists", ratio(MILLION, explode, texts), lambda x: x >= 12
    yield "≥ 20 × pandas explode, categoricals and bits", ratio(MILLION, explode, categorical), lambda x: x >= 20
    yield "categorical frame of 1 M < 0.1 s", take(MILLION, categorical, "best"), lambda x: x < 0.1


def judged(value, met):
    """A mark in a line; a ratio is one of CPU seconds, which decide, and one of wall seconds beside it."""
    if value is None:
        return "not measured"
    first, wall = value if isinstance(value, tuple) else (value, None)
    beside = "" if wall is None else f" (wall {wall:.3f})"
    return f"{'met   ' if met(first) else 'MISSED'} {first:8.3f}{beside}"


def extrapolated(results):
    """CPU seconds for a billion flows, by the line through the two largest sizes measured."""
    for case in list(CASES)[:4]:
        sizes = sorted(rows for rows, name in results if name == case)[-2:]
        if len(sizes) == 2:
            low, high = (results[rows, case]["cpu"] for rows in sizes)
            slope = (high - low) / (sizes[1] - sizes[0])
            print(
                f"{case}: {slope * 1e9:.1f} CPU s for 10⁹ flows ({slope * 1e6:.4f} a million), memory as at {sizes[1]:,}"
            )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[MILLION, 20 * MILLION])
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument(
        "--skip", nargs="*", default=[], help="Leave out cases with these words, such as Spark or rollup."
    )
    parser.add_argument("--case", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.case:
        print(json.dumps(measure(options.case, options.rows[0], options.repeat)))
        return
    results = {}
    for rows in options.rows:
        prepare(rows, options.skip)
        found = {(rows, case): apart(case, rows, options.repeat) for case in chosen(rows, options.skip)}
        results |= {key: value for key, value in found.items() if value}
        tables = {value["table"] for (_, case), value in results.items() if _ == rows and not case.startswith("rollup")}
        print(f"{rows:>11,} tables equal: {'yes' if len(tables) == 1 else f'NO: {tables}'}", flush=True)
    for text, value, met in marks(results):
        print(judged(value, met), text)
    extrapolated(results)


if __name__ == "__main__":
    main()
