"""What goes in and comes out: frames, tables, paths; types that Spark has not; names and values that mean something to it."""

import datetime

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from flowkit.contract import conform, provenance
from flowkit.engine import Condition, DuckDB, collect, run
from flowkit.engine.query import Aggregate, Filter, Flatten, Measure, Scan, Sort
from flowkit.engine.spark import Spark, collected
from flowkit.errors import ContractError, FlowkitError, SourceError
from tests.metric.test_flowmetric import FLOWS, definition, metric

COUNT = (Measure("value", "sum"),)
METRIC = definition("workload-syn-in")


@pytest.fixture
def parquet(tmp_path):
    conform(FLOWS)[:5].to_parquet(tmp_path / "a.parquet")
    conform(FLOWS)[5:].assign(Extra="x").to_parquet(tmp_path / "b.parquet")
    return tmp_path


def test_a_spark_frame_gives_a_spark_frame_and_pandas_on_request(spark, parquet):
    frame = spark.read.parquet(str(parquet))
    found = METRIC.apply(frame)
    assert type(found).__name__ == "DataFrame"
    assert found.sparkSession is spark
    expected = METRIC.apply(conform(FLOWS))
    assert found.columns == expected.columns.tolist()
    pd.testing.assert_frame_equal(collected(found), expected)
    pd.testing.assert_frame_equal(METRIC.explain(frame), METRIC.explain(conform(FLOWS)))


def test_a_path_a_table_and_a_table_in_memory_give_pandas(spark, parquet):
    expected = METRIC.apply(conform(FLOWS))
    engine = Spark(spark)
    spark.read.parquet(str(parquet)).createOrReplaceTempView("observed")
    for flows in (
        parquet,
        f"{parquet}/*.parquet",
        [parquet / "a.parquet", parquet / "b.parquet"],
        "observed",
        FLOWS,
        conform(FLOWS),
    ):
        found = METRIC.apply(flows, engine=engine)
        pd.testing.assert_frame_equal(found, expected)
    assert provenance(METRIC.apply(parquet, engine=engine)).sources == (str(parquet),)
    spark.catalog.dropTempView("observed")
    assert spark.catalog.listTables() == []


def test_columns_that_appear_later_are_missing_before(spark, parquet):
    found = metric(labels=["SrcAddr", "DstPort"]).apply(parquet, engine=Spark(spark))
    pd.testing.assert_frame_equal(found, metric(labels=["SrcAddr", "DstPort"]).apply(conform(FLOWS)))


def test_partitions_and_the_files_spark_writes_itself(spark, tmp_path):
    flows = pd.DataFrame({"SrcK8S_Zone": ["a", "b", "b"], "Bytes": pd.array([2**63, 2, 2**63], dtype="UInt64")})
    flows.to_parquet(tmp_path / "in.parquet")
    spark.read.parquet(str(tmp_path / "in.parquet")).write.partitionBy("SrcK8S_Zone").parquet(str(tmp_path / "out"))
    sums = metric(labels=["SrcK8S_Zone"], valueField="Bytes")
    expected = sums.apply(flows)
    assert expected["value"].tolist() == [2**63, 2**63 + 2]
    for engine in (Spark(spark), DuckDB()):
        pd.testing.assert_frame_equal(sums.apply(tmp_path / "out", engine=engine), expected)


def test_what_cannot_be_read_is_named(spark, tmp_path):
    (tmp_path / "bad.parquet").write_text("no parquet")
    for path in (tmp_path / "bad.parquet", tmp_path / "none.parquet"):
        with pytest.raises(SourceError, match=f"cannot read '{path}'"):
            METRIC.apply(path, engine=Spark(spark))
    with pytest.raises(FlowkitError, match="is Spark's to run"):
        METRIC.apply(spark.range(1), engine=DuckDB())


def labels(flows, name="SrcK8S_Zone", engine=None):
    return collect(Sort(Aggregate(Scan(), (name,), COUNT), (name,)), flows, engine)[name].tolist()


@pytest.mark.parametrize(
    "column",
    [
        pa.array(["b", None, ""]),
        pa.array(["x", None]).dictionary_encode(),
        pa.array([2**64 - 1, None], pa.uint64()),
        pa.array([1, 255], pa.uint8()),
        pa.array([True, None]),
        pa.array([1.0, 2.5, 1e21, -1e-7, np.inf, -np.inf, 0.1, 8.41e21, 2e-3, -0.0, 0.0]),
        pa.array([["a", None], [], None]),
        pa.array([[["a"], []], None]),
        pa.array([{"b": 1, "a": "x"}, None]),
        pa.array([[{"b": 1, "a": True}], []]),
        pa.array([[("k", "v"), ("b", None)], None, []], pa.map_(pa.string(), pa.string())),
        pa.array([[[("z", 1), ("b", 2)]]], pa.list_(pa.map_(pa.string(), pa.int64()))),
        pa.array([datetime.date(2026, 1, 2), None]),
        pa.array([None, None]),
    ],
    ids=lambda column: str(column.type),
)
def test_the_text_of_every_type_is_duckdbs(spark, column):
    table = pa.table({"SrcK8S_Zone": column})
    assert labels(table, engine=Spark(spark)) == labels(table)


def test_floats_of_32_bits_and_decimals_have_their_own_digits(spark):
    frame = spark.sql("SELECT CAST(0.1 AS FLOAT) AS f, CAST(1.50 AS DECIMAL(5, 2)) AS d")
    assert (labels(frame, "f"), labels(frame, "d")) == (["0.1"], ["1.5"])


@pytest.mark.parametrize("type_", [pa.uint16(), pa.uint64(), pa.float64(), pa.decimal128(20, 0)])
def test_flags_are_names_whatever_number_holds_them(spark, type_):
    table = pa.table({"Flags": pa.array([18, 0, None]).cast(type_)})
    assert labels(table, "Flags", Spark(spark)) == ["", "[SYN ACK]", "[]"]


def test_names_that_differ_only_in_case_or_stand_twice(spark):
    frame = spark.createDataFrame(pa.table({"Proto": [1, 2], "other": [2, 2]})).toDF("Proto", "proto")
    assert [labels(frame, name) for name in ("Proto", "proto")] == [["1", "2"], ["2"]]
    with pytest.raises(ContractError, match="column 'a' stands twice"):
        labels(frame.toDF("a", "a"), "a")


@pytest.mark.parametrize(
    "text", ["${spark.app.name}", "${env:PATH}", "{flows}", "{", "`", "'; DROP TABLE x", "\\", ":p0", "\x00", '"']
)
def test_no_value_and_no_name_becomes_sql(spark, text):
    flows = pd.DataFrame({"SrcK8S_Zone": ["a", text], text: ["b", text]})
    plan = Sort(Aggregate(Filter(Scan(), Condition("SrcK8S_Zone", text)), (text,), COUNT), (text,))
    assert run(plan, flows, Spark(spark))[text].tolist() == [text]
    child = f"NetworkEvents>{text}"
    nested = Aggregate(Flatten(Scan(), ("NetworkEvents",), (child,)), (child,), COUNT)
    for events in ([[{text: "x"}]], [[{text: "x", text.upper() + "X": 1}]]):
        assert run(nested, pd.DataFrame({"NetworkEvents": events}), Spark(spark))[child].tolist() == ["x"]


def test_text_that_only_java_takes_for_a_number_is_none(spark):
    flows = pd.DataFrame({"Bytes": ["5", "1f", "0x1p3", "2.5", "-1", "x", None, " 1e1 ", ".5", "nan", "Infinity"]})
    sums = metric(valueField="Bytes")
    assert sums.apply(flows, engine=Spark(spark))["value"].tolist() == sums.apply(flows)["value"].tolist() == [18.0]


def test_the_printed_query_is_the_one_that_runs(spark):
    frame = spark.createDataFrame(pa.table({"DstPort": [443, 53], "SrcK8S_Zone": ["a$", "${x}"]}))
    frame.createOrReplaceTempView("flows")
    asked = metric(
        labels=["SrcK8S_Zone"], filters=[{"field": "SrcK8S_Zone", "value": "[$]$", "matchType": "MatchRegex"}]
    )
    found = [tuple(row) for row in spark.sql(asked.to_sql("spark")).collect()]
    spark.catalog.dropTempView("flows")
    assert found == [("a$", 1)]


def test_parquet_columns_that_no_plan_mentions_are_not_read(spark, tmp_path):
    pq.write_table(pa.table({"DstPort": [1], "SrcAddr": ["x"]}), tmp_path / "a.parquet")
    found = metric(labels=["DstPort"]).apply(spark.read.parquet(str(tmp_path)))
    assert "SrcAddr" not in found._jdf.queryExecution().executedPlan().toString()
