"""docs/samples.md says what NetObserv's sample metrics give on NetObserv's recorded flows: its numbers hold."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import flowkit as fk

ROOT = Path(__file__).parents[2]
UPSTREAM = ROOT / ".." / "shared" / "upstream"
ROWS = re.findall(
    r"^\| ([\w-]+) \| (\d+) \| (\d+) \| (.{20,}) \|$", (ROOT / "docs/samples.md").read_text(), re.MULTILINE
)
pytestmark = [
    pytest.mark.skipif(not UPSTREAM.is_dir(), reason="NetObserv's samples are not beside the repository"),
    pytest.mark.filterwarnings("ignore::flowkit.metric.flowmetric.NothingMatched"),
]


@pytest.fixture(scope="module")
def flows():
    return fk.read(sorted((UPSTREAM / "loki_mock").glob("flow_records*.json")))


def test_every_sample_has_its_note():
    assert [name for name, *_ in ROWS] == sorted(path.stem for path in (UPSTREAM / "flowmetric_samples").glob("*.yaml"))
    assert len(ROWS) == 24


@pytest.mark.parametrize(("name", "rows", "total"), [row[:3] for row in ROWS], ids=[row[0] for row in ROWS])
def test_the_numbers_of_the_page_are_what_comes_out(name, rows, total, flows):
    table = fk.FlowMetric.load(UPSTREAM / "flowmetric_samples" / f"{name}.yaml").apply(flows)
    counted = table[table["series"] == "_count"] if "series" in table.columns else table
    assert (len(table), int(counted["value"].sum())) == (int(rows), int(total))


def test_the_event_and_the_kernels_drops_of_the_recorded_flows(flows):
    events = fk.network_events(flows)
    assert events["policy"].value_counts().to_dict() == {"NetpolNode (Ingress)": 1}
    assert int(events["dropped"].sum()) == 54
    assert events.loc[events["dropped"], "PktDropLatestDropCause"].notna().all()
