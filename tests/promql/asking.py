"""Small tables asked small questions: how the tests of the evaluator's modules look at answers."""

import warnings

import pandas as pd

from flowkit.metric import NothingMatched
from flowkit.metric.promql import promql


def table(**series):
    """A table of ``name__label_text=[values]``: samples every 10 s from 1970 on, None where there is none."""
    rows = []
    for written, values in series.items():
        name, *labels = written.split("__")
        named = dict(label.split("_", 1) for label in labels)
        rows += [
            {"__name__": name, **named, "time": pd.Timestamp(10 * at, unit="s", tz="UTC"), "value": float(value)}
            for at, value in enumerate(values)
            if value is not None
        ]
    return pd.DataFrame(rows)


def answer(query, samples, rules=3, **options):
    """``{labels: values}``: labels as one text, values in the order of time, a lone one by itself."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NothingMatched)
        found = promql(query, table=samples, rules=rules, **options)
    names = [name for name in found.columns if name not in ("time", "value")]
    labelled = {}
    for row in found.to_dict("records"):
        labels = ",".join(f"{name}={row[name]}" for name in names if row[name])
        labelled.setdefault(labels, []).append(row["value"])
    return {labels: values[0] if len(values) == 1 else values for labels, values in labelled.items()}
