"""Every FlowMetric that NetObserv ships runs on the recorded cluster, and gives what the plain reference gives."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
import yaml

import flowkit as fk
from tests.parity import reference

SAMPLES = Path(__file__).parents[3] / "shared" / "upstream" / "flowmetric_samples"
pytestmark = [
    pytest.mark.skipif(not SAMPLES.is_dir(), reason="upstream's samples are not beside the repository"),
    pytest.mark.filterwarnings("ignore::flowkit.metric.flowmetric.NothingMatched"),
]


@pytest.fixture(scope="module")
def plain(flows):
    named = flows.assign(Flags=fk.flag_names(flows["Flags"])).astype(object)
    rows = named.where(named.notna(), None).to_dict("records")
    return [{name: value for name, value in row.items() if value is not None} for row in rows]


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*.yaml")), ids=lambda path: path.stem)
def test_it_runs_on_the_cluster_as_the_reference_does(path, flows, plain):
    (spec,) = [body["spec"] for body in yaml.safe_load_all(path.read_text()) if body]
    found = fk.FlowMetric.load(path).apply(flows)
    expected = reference.flowmetric(spec, plain)
    assert sorted(map(str, found.iloc[:, :-1].itertuples(index=False, name=None))) == sorted(
        str(row[:-1]) for row in expected
    )
    total = pd.Series([row[-1] for row in expected], dtype="float64").sum()
    assert found["value"].astype("float64").sum() == pytest.approx(total)
