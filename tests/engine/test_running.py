import pandas as pd
import pytest

from flowkit.contract import provenance
from flowkit.contract.layout import write_layout
from flowkit.engine import DuckDB, collect, run
from flowkit.engine.query import Aggregate, Measure, Scan, Sort
from flowkit.errors import SourceError

PLAN = Sort(Aggregate(Scan(), ("SrcK8S_Namespace",), (Measure("value", "sum"),)), ("SrcK8S_Namespace",))
FLOWS = pd.DataFrame({"SrcK8S_Namespace": ["shop", "shop", None], "DstPort": [443, 53, 53]})


class Elsewhere:
    """An engine of someone else's."""

    def run(self, plan, flows):
        return pd.DataFrame({"asked": [type(plan).__name__]})


def test_the_engine_that_is_chosen_runs_the_plan():
    assert run(PLAN, FLOWS, Elsewhere())["asked"].tolist() == ["Sort"]
    expected = pd.DataFrame({"SrcK8S_Namespace": ["", "shop"], "value": [1, 2]})
    for engine in (None, DuckDB(), DuckDB(memory="100MB")):
        pd.testing.assert_frame_equal(run(PLAN, FLOWS, engine), expected)
        pd.testing.assert_frame_equal(collect(PLAN, FLOWS, engine), expected)


def test_flowkits_own_layout_is_read_as_such(tmp_path):
    write_layout(FLOWS, tmp_path)
    found = run(PLAN, tmp_path, DuckDB(memory="200MB"))
    pd.testing.assert_frame_equal(found, run(PLAN, FLOWS))
    assert provenance(found).sources == (str(tmp_path),)
    with pytest.raises(SourceError, match="flowkit's own layout, which DuckDB alone reads"):
        run(PLAN, tmp_path, Elsewhere())
