"""Random flows at rest: as JSON lines, and as Parquet files that differ in columns and in the form of their flags."""

import json
import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import given, settings
from hypothesis import strategies as st

from flowkit.engine import run
from flowkit.metric.plan import plan
from tests.parity import reference
from tests.parity.running import arrow, metric, rows, same
from tests.parity.test_laws import flag_lists, flag_sets, flow, specs, thorough

# Each example opens a database of its own.
at_rest = settings(thorough, max_examples=40)


def bits(flow):
    """The same flow with its flags as the agent's number."""
    names = flow.get("Flags")
    if names is None:
        return flow
    return {**flow, "Flags": sum(1 << reference.FLAG_NAMES.index(name) for name in names)}


@at_rest
@given(specs(), st.lists(flow(flag_lists), min_size=1, max_size=6), st.lists(flow(flag_sets), max_size=3))
def test_json_lines(spec, named, numbered):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "flows.jsonl")
        lines = [json.dumps(one) for one in (*named, *map(bits, numbered))]
        path.write_text("\n".join(lines), encoding="utf-8")
        found = run(plan(metric(spec).spec), path)
    same(rows(found), reference.flowmetric(spec, [*named, *numbered]))


def write(path, flows, flags):
    names = list(dict.fromkeys(name for flow in flows for name in flow))
    columns = {name: arrow([flow.get(name) for flow in flows]) for name in names}
    events = pa.list_(pa.map_(pa.string(), pa.string()))
    if "NetworkEvents" in columns:
        pairs = [
            None if flow.get("NetworkEvents") is None else [list(e.items()) for e in flow["NetworkEvents"]]
            for flow in flows
        ]
        columns["NetworkEvents"] = pa.array(pairs, events)
    if "Flags" in columns:
        columns["Flags"] = columns["Flags"].cast(flags)
    pq.write_table(pa.table(columns or {"none": [0] * len(flows)}), path)


@at_rest
@given(specs(), st.lists(flow(flag_lists), min_size=1, max_size=4), st.lists(flow(flag_sets), min_size=1, max_size=4))
def test_parquet_files_that_differ(spec, named, numbered):
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder, "a.parquet"), named, pa.list_(pa.string()))
        write(Path(folder, "b.parquet"), [bits(one) for one in numbered], pa.uint16())
        found = run(plan(metric(spec).spec), folder)
    same(rows(found), reference.flowmetric(spec, [*named, *numbered]))
