"""The four verbs in a row on a Spark frame give what they give on pandas."""

import pandas as pd

from flowkit.contract import conform
from flowkit.engine.spark import collected
from flowkit.transform import Condition, aggregate, filter, flatten, remap  # noqa: A004
from tests.metric.test_flowmetric import FLOWS, definition


def verbs(flows, spec):
    by_hand = flatten(flows, ["Flags"])
    by_hand = filter(by_hand, [Condition("Flags", "SYN")])
    return aggregate(remap(by_hand, spec.remap), spec.targets)


def test_a_metric_by_hand(spark, tmp_path):
    conform(FLOWS).to_parquet(tmp_path / "a.parquet")
    spec = definition("workload-syn-in").spec
    found = verbs(spark.read.parquet(str(tmp_path)), spec)
    assert type(found).__module__.startswith("pyspark")
    pd.testing.assert_frame_equal(collected(found), verbs(conform(FLOWS), spec))
