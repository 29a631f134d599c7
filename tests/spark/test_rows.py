"""The verbs on Spark frames: rows keep the columns they have, types and names included."""

import pyarrow as pa
import pytest

from flowkit.engine import Condition, Either
from flowkit.engine.spark import rows_flattened, rows_renamed, rows_where

EVENTS = pa.array([[[("Name", "deny"), ("x.`y", "1")]], [], None], pa.list_(pa.map_(pa.string(), pa.string())))


@pytest.fixture
def flows(spark):
    lists = {"Flags": pa.array([18, 0, None], pa.int32()), "Interfaces": [["eth0", "br"], ["tap"], []]}
    table = pa.table(
        {"Proto": [6, 17, 6], **lists, "NetworkEvents": EVENTS, "rate": pa.array([0.5, 1, 2], pa.float32())}
    )
    return spark.createDataFrame(table).withColumnRenamed("rate", "a `rate`.x")


def test_where_keeps_columns_and_types(flows):
    test = Either((Condition("Proto", "17"), Condition("Flags", "SYN", "MatchRegex")))
    found = rows_where(flows, test)
    assert found.schema == flows.schema
    assert [row["Proto"] for row in found.collect()] == [6, 17]


def test_lists_are_opened_and_the_first_varies_fastest(flows):
    found = rows_flattened(flows, ["Flags", "Interfaces"])
    assert found.columns == flows.columns
    assert [tuple(row)[:3] for row in found.collect()] == [
        (6, "SYN", "eth0"),
        (6, "ACK", "eth0"),
        (6, "SYN", "br"),
        (6, "ACK", "br"),
        (17, None, "tap"),
        (6, None, None),
    ]


def test_maps_become_columns_and_what_a_table_lacks_is_missing(flows):
    found = rows_flattened(flows, ["NetworkEvents", "Udns"])
    assert found.columns == [*flows.columns, "Udns", "NetworkEvents>Name", "NetworkEvents>x.`y"]
    assert [tuple(row)[-3:] for row in found.collect()] == [(None, "deny", "1"), (None, None, None), (None, None, None)]


def test_columns_are_renamed_all_at_once(flows):
    found = rows_renamed(flows, {"Proto": "Flags", "Flags": "Proto", "DstPort": "port"})
    assert found.columns == ["Flags", "Proto", *flows.columns[2:], "port"]
    assert [row["Flags"] for row in found.collect()] == [6, 17, 6]
