"""Files converted part by part hold what reading them at once gives."""

from __future__ import annotations

import pandas as pd
import pytest

import flowkit as fk
from flowkit.contract import provenance
from flowkit.errors import SourceError
from flowkit.sources import converting
from flowkit.sources.objects import blocks, reading
from tests.sources import forms


def test_part_by_part_is_what_reading_at_once_gives(tmp_path, monkeypatch):
    rows = [{"SrcAddr": f"10.0.0.{n % 250}", "Bytes": n, "TimeFlowEndMs": n, "Flags": ["SYN"]} for n in range(3_000)]
    path = tmp_path / "flows.json"
    path.write_text(forms.lines(rows) + '{"SrcAddr":"cut')
    monkeypatch.setattr(reading, "blocks", lambda path, size=10_000: blocks.blocks(path, size))
    monkeypatch.setattr(converting, "ROWS_A_FILE", 500)
    folder = fk.convert(path, tmp_path / "out")
    assert len(list(folder.glob("*.parquet"))) > 4
    back, whole = fk.read(folder), fk.read(path)
    columns = ["SrcAddr", "Bytes", "TimeFlowEndMs", "Flags"]
    pd.testing.assert_frame_equal(
        back[columns].astype({"SrcAddr": "str"}), whole[columns].astype({"SrcAddr": "str"}), check_dtype=False
    )
    assert provenance(back).losses == provenance(whole).losses == {"broken JSON lines": 1}


def test_conversation_records_are_refused_with_the_way_out(tmp_path):
    path = tmp_path / "flows.json"
    path.write_text('{"SrcAddr":"10.0.0.1","_RecordType":"endConnection"}')
    with pytest.raises(SourceError, match="write what fk.read gives"):
        fk.convert(path, tmp_path / "out")


def test_only_files_are_converted(tmp_path):
    with pytest.raises(SourceError, match="'loki://' is no file"):
        fk.convert("loki://user:secret@host", tmp_path)
