"""Run one definition on flows given as dicts, in every way flowkit has: each must give the reference's rows."""

import pandas as pd
import pyarrow as pa
import pytest

from flowkit.contract import FIELDS, conform
from flowkit.engine import run, run_as_is
from flowkit.manifests import parse_flowmetric
from flowkit.manifests.documents import Manifest
from flowkit.metric import FlowMetric
from flowkit.metric.plan import plan

WAYS = ("optimised", "naive", "conformed", "conformed naive", "arrow")


def metric(spec):
    body = {"apiVersion": "flows.netobserv.io/v1alpha1", "kind": "FlowMetric", "metadata": {"name": "m"}, "spec": spec}
    return FlowMetric(parse_flowmetric(Manifest(body, "test", "FlowMetric")))


def raw(flows):
    """The flows as a frame of Python objects, exactly as given."""
    names = list(dict.fromkeys(name for flow in flows for name in flow))
    columns = {name: pd.Series([flow.get(name) for flow in flows], dtype=object) for name in names}
    return pd.DataFrame(columns, index=range(len(flows)))


def answer(way, spec, flows):
    definition = plan(metric(spec).spec)
    runner = run_as_is if "naive" in way else run
    if way == "arrow":
        names = list(dict.fromkeys(name for flow in flows for name in flow))
        columns = {name: arrow([flow.get(name) for flow in flows]) for name in names}
        table = pa.table(columns or {"none": [0] * len(flows)})
        return rows(runner(definition, table))
    frame = raw(flows)
    return rows(runner(definition, conform(frame) if "conformed" in way else frame))


def arrow(values):
    try:
        return pa.array(values)
    except OverflowError:
        return pa.array(values, pa.uint64())


def rows(table):
    return [tuple(row) for row in table.itertuples(index=False, name=None)]


def same(found, expected):
    """Equal rows; floats to the last bits that the order of adding leaves open."""
    assert [row[:-1] for row in found] == [row[:-1] for row in expected]
    assert [row[-1] for row in found] == pytest.approx([row[-1] for row in expected], rel=1e-12)
    exact = [type(row[-1]) is int for row in expected]
    assert all(a[-1] == b[-1] for a, b, whole in zip(found, expected, exact, strict=True) if whole)


def conforms(flows):
    """Whether the contract's form holds these flows without loss."""
    frame = raw(flows)
    known = [name for name in frame.columns if name in FIELDS]
    after = conform(frame)
    return all(int(after[name].isna().sum()) == int(frame[name].isna().sum()) for name in known)
