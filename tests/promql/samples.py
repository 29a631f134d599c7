"""Samples that look like scraped flow metrics, seeded: jitter, missed scrapes, resets, series that come and go; and their text."""

import numpy as np
import pandas as pd

START = 1_700_000_000_000
STEPS = 120
NAMESPACES = ("netobserv", "shop", "data")
PORTS = ("53", "443", "8080", "9090")
BOUNDS = ("0.5", "1.0", "2.5", "10.0", "+Inf")


def sampled(seed=3):
    """Counters `syn_in` and `syn_out`, the gauge `gauge`, the histogram `rtt`: labels, ``time``, ``value``."""
    rng = np.random.default_rng(seed)
    counters = [_counter(rng, number) for number in range(60)]
    gauges = [
        _series(rng, np.round(rng.normal(50, 30, STEPS), 3), __name__="gauge", workload=f"w{n}", namespace="shop")
        for n in range(8)
    ]
    return pd.concat([*counters, *gauges, *_histogram(rng)], ignore_index=True).fillna("")


def _counter(rng, number):
    values = np.cumsum(rng.integers(0, 9, STEPS)).astype(float)
    if number % 5 == 0:
        reset = rng.integers(40, 80)
        values[reset:] -= values[reset] - 1
    labels = {
        "__name__": "syn_in" if number % 2 else "syn_out",
        "workload": f"w{number % 10}",
        "port": PORTS[number % 4],
        "namespace": NAMESPACES[number % 3],
        "instance": f"i{number}" if number % 4 else "",
    }
    table = _series(rng, values, jitter=2_000 if number % 3 == 0 else 0, **labels)
    kept = rng.random(STEPS) > 0.05
    if number % 7 == 0:
        kept &= (np.arange(STEPS) > 30) & (np.arange(STEPS) < 80)
    return table[kept]


def _histogram(rng):
    for number in range(4):
        counts = np.zeros(STEPS)
        for bound in BOUNDS:
            counts = counts + np.cumsum(rng.integers(0, 3, STEPS))
            yield _series(rng, counts, __name__="rtt_bucket", workload=f"w{number}", namespace="data", le=bound)


def _series(rng, values, jitter=0, **labels):
    times = START + 15_000 * np.arange(STEPS) + (rng.integers(-jitter, jitter, STEPS) if jitter else 0)
    return pd.DataFrame({**labels, "time": pd.to_datetime(times, unit="ms", utc=True), "value": values})


ESCAPES = str.maketrans({"\\": "\\\\", "\n": "\\n", '"': '\\"'})


def number(value):
    return repr(value).replace("inf", "Inf").replace("nan", "NaN")


def openmetrics(table):
    """The samples as a text that promtool fills into a server."""
    names = [name for name in table.columns if name not in ("__name__", "time", "value")]
    lines = []
    for metric, rows in table.groupby("__name__"):
        lines.append(f"# TYPE {metric} unknown")
        for row in rows.sort_values([*names, "time"]).to_dict("records"):
            labels = ",".join(f'{name}="{row[name].translate(ESCAPES)}"' for name in names if row[name])
            lines.append(f"{metric}{{{labels}}} {number(row['value'])} {row['time'].value // 1_000_000 / 1000:.3f}")
    return "\n".join([*lines, "# EOF", ""])
