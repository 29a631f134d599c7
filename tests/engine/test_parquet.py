"""Parquet as a table: files that differ, partitions, damage, and a limit on memory."""

import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from flowkit.contract import provenance
from flowkit.engine import Condition, DuckDB, run
from flowkit.engine.query import Aggregate, Filter, Flatten, Measure, Scan, Sort
from flowkit.errors import FlowkitError, SourceError


def counted(*names, flatten=(), engine=None, value=""):
    below = Flatten(Scan(), tuple(flatten)) if flatten else Scan()
    plan = Sort(Aggregate(below, names, (Measure("value", "sum", value),)), names)
    return lambda flows: run(plan, flows, engine)


def rows(table):
    return [tuple(row) for row in table.itertuples(index=False, name=None)]


def write(path, **columns):
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), path)


def test_columns_may_appear_later_and_grow_wider(tmp_path):
    write(tmp_path / "a.parquet", DstPort=pa.array([443], pa.uint16()))
    write(tmp_path / "b.parquet", DstPort=pa.array([2**40], pa.int64()), SrcK8S_Zone=["z"])
    assert rows(counted("DstPort", "SrcK8S_Zone")(tmp_path)) == [("1099511627776", "z", 1), ("443", "", 1)]


def test_flags_as_bits_in_one_file_and_as_names_in_another(tmp_path):
    write(tmp_path / "a.parquet", Flags=pa.array([18, 0, None], pa.uint16()), Proto=[6, 6, 6])
    write(tmp_path / "b.parquet", Flags=[["SYN", "SYN"], ["NEW"], []], Zone=["z"] * 3)
    write(tmp_path / "c.parquet", Proto=[17])
    assert rows(counted("Flags", flatten=["Flags"])(tmp_path)) == [("", 4), ("ACK", 1), ("NEW", 1), ("SYN", 3)]
    assert rows(counted("Flags")(tmp_path)) == [("", 2), ("[NEW]", 1), ("[SYN ACK]", 1), ("[SYN SYN]", 1), ("[]", 2)]


def test_partitions_are_columns_of_text_as_their_folders_spell_them(tmp_path):
    write(tmp_path / "SrcK8S_Zone=007" / "Proto=6" / "a.parquet", Bytes=[1])
    write(tmp_path / "SrcK8S_Zone=__HIVE_DEFAULT_PARTITION__" / "Proto=17" / "a.parquet", Bytes=[2])
    found = counted("SrcK8S_Zone", "Proto", value="Bytes")(tmp_path)
    assert rows(found) == [("", "17", 2), ("007", "6", 1)]
    kept = run(Filter(Scan(("Bytes",)), Condition("Proto", "6")), tmp_path)
    assert kept["Bytes"].tolist() == [1]


def test_whole_decimals_are_integers_as_spark_writes_them(tmp_path):
    write(tmp_path / "a.parquet", Bytes=pa.array([2**63, 2**63], pa.decimal128(20, 0)))
    assert rows(counted(value="Bytes")(tmp_path)) == [(2**64,)]


def large(path):
    pq.write_table(
        pa.table({"SrcAddr": [f"10.0.{n // 256}.{n % 256}" for n in range(20_000)]}), path, compression="zstd"
    )
    return path.read_bytes()


def footer(whole):
    return len(whole) - 8 - int.from_bytes(whole[-8:-4], "little")


DAMAGE = {
    "empty": lambda whole: b"",
    "text": lambda whole: b"no parquet at all, only words",
    "cut": lambda whole: whole[: len(whole) // 2],
    "page": lambda whole: whole[:500] + b"\xff" * 3000 + whole[3500:],
    "footer": lambda whole: whole[: footer(whole)] + b"\xff" * 60 + whole[footer(whole) + 60 :],
}


@pytest.fixture(params=DAMAGE)
def with_damage(request, tmp_path):
    whole = large(tmp_path / "whole.parquet")
    (tmp_path / "bad 'file'.parquet").write_bytes(DAMAGE[request.param](whole))
    return tmp_path


def test_a_damaged_file_is_named(with_damage):
    with pytest.raises(SourceError, match=r"cannot read '.*bad 'file'\.parquet': \w+") as error:
        counted("SrcAddr")(with_damage)
    assert "\n" not in str(error.value)


def test_the_others_are_used_on_request_and_the_damaged_counted_by_name(with_damage):
    found = counted("SrcAddr", engine=DuckDB(damaged="skip"))(with_damage)
    origin = provenance(found)
    assert (len(found), origin.losses, len(origin.notes)) == (20_000, {"damaged files": 1}, 1)
    assert origin.notes[0].startswith(f"left out: cannot read '{with_damage}/bad 'file'.parquet': ")
    assert origin.sources == (str(with_damage),)


def test_nothing_but_damage_is_an_error(tmp_path):
    for name in "ab":
        (tmp_path / f"{name}.parquet").write_text("x")
    with pytest.raises(SourceError, match=r"a\.parquet'.*and 1 more damaged file"):
        counted("SrcAddr", engine=DuckDB(damaged="skip"))(tmp_path)


def test_a_file_without_any_wanted_column_has_rows_all_the_same(tmp_path):
    write(tmp_path / "a.parquet", x=[1, 2])
    assert rows(counted("SrcAddr")(tmp_path)) == [("", 2)]


def spilled_into(monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    return tmp_path / "tmp"


def test_what_does_not_fit_is_spilled_and_removed(tmp_path, monkeypatch):
    """Four million groups of two texts, some 600 MB in memory, in a limit of 200 MB."""
    numbers = pa.array(np.arange(4_000_000))
    address = pa.compute.binary_join_element_wise("10.0.0.", pa.compute.cast(numbers, pa.string()), "")
    pq.write_table(pa.table({"SrcAddr": address, "SrcPort": numbers}), tmp_path / "a.parquet")
    plan = Aggregate(
        Aggregate(Scan(), ("SrcAddr", "SrcPort"), (Measure("n", "sum"),)), (), (Measure("value", "sum", "n"),)
    )
    folder = spilled_into(monkeypatch, tmp_path)
    assert DuckDB(memory="200MB").run(plan, tmp_path / "a.parquet")["value"].tolist() == [4_000_000]
    assert list(folder.iterdir()) == []
    assert not Path(".tmp").exists()


def test_tables_in_memory_obey_a_limit_too():
    flows = pd.DataFrame({"SrcAddr": ["a", "b", "a"]})
    assert rows(counted("SrcAddr", engine=DuckDB(memory="100MB"))(flows)) == [("a", 2), ("b", 1)]


def test_a_limit_too_small_says_so(tmp_path):
    large(tmp_path / "a.parquet")
    with pytest.raises(FlowkitError, match="memory='1MB' does not suffice: allow more"):
        counted("SrcAddr", engine=DuckDB(memory="1MB"))(tmp_path)
    with pytest.raises(FlowkitError, match="memory='a lot' is no amount such as '1GB'"):
        counted("SrcAddr", engine=DuckDB(memory="a lot"))(tmp_path)


def test_nothing_is_fetched_that_is_not_installed():
    with pytest.raises(SourceError, match=r"cannot read 's3://bucket/x\.parquet'"):
        counted("SrcAddr")("s3://bucket/x.parquet")


def test_no_file_name_becomes_sql(tmp_path):
    name = 'a\'; DROP TABLE x; -- "$files".parquet'
    write(tmp_path / name, Proto=[6])
    assert rows(counted("Proto")(tmp_path / name)) == [("6", 1)]
    assert rows(counted("Proto")([tmp_path / name, tmp_path / name])) == [("6", 2)]
    assert [path.name for path in tmp_path.iterdir()] == [name]
