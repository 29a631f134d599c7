"""Parquet: own files, foreign ones, damaged ones."""

from __future__ import annotations

import pandas as pd
import pytest

import flowkit as fk
from flowkit.contract import provenance
from flowkit.errors import SourceError


def test_foreign_parquet_with_plain_columns_conforms(tmp_path):
    path = tmp_path / "foreign.parquet"
    pd.DataFrame(
        {"SrcAddr": ["10.0.0.1", None], "DstPort": [443.0, None], "Flags": [["SYN"], []], "other": [1, 2]}
    ).to_parquet(path)
    flows = fk.read(path)
    assert flows.dtypes.astype(str).to_dict() == {
        "SrcAddr": "category",
        "DstPort": "UInt16",
        "Flags": "UInt16",
        "other": "Int64",
    }
    assert provenance(flows).sources == ("foreign.parquet",)


def test_a_file_without_flow_fields_is_refused(tmp_path):
    path = tmp_path / "other.parquet"
    pd.DataFrame({"a": [1]}).to_parquet(path)
    with pytest.raises(SourceError, match=r"other\.parquet': none of its columns is a flow field"):
        fk.read(path)


def test_a_damaged_file_is_named(tmp_path):
    path = tmp_path / "cut.parquet"
    pd.DataFrame({"SrcAddr": ["10.0.0.1"]}).to_parquet(path)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(SourceError, match=r"cannot read '.*cut\.parquet'"):
        fk.read(path)


def test_a_folder_is_its_files_in_order(tmp_path):
    for name, address in (("b", "10.0.0.2"), ("a", "10.0.0.1")):
        pd.DataFrame({"SrcAddr": [address]}).to_parquet(tmp_path / f"{name}.parquet")
    assert fk.read(tmp_path)["SrcAddr"].tolist() == ["10.0.0.1", "10.0.0.2"]
    assert fk.read(str(tmp_path / "*.parquet"))["SrcAddr"].tolist() == ["10.0.0.1", "10.0.0.2"]
