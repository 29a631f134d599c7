"""Finding the reader: by content, never by name; clear words for what nobody can read."""

from __future__ import annotations

import gzip

import pytest

import flowkit as fk
from flowkit.errors import SourceError


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "it is empty"),
        (b"hello", "its content is none of these"),
        (gzip.compress(b"hello", mtime=0)[:15], "none of these|empty"),
    ],
)
def test_content_nobody_knows(tmp_path, content, what):
    path = tmp_path / "flows.bin"
    path.write_bytes(content)
    with pytest.raises(SourceError, match=rf"cannot read '.*flows\.bin': {what}|cannot read '.*flows\.bin'.*({what})"):
        fk.read(path)


def test_nothing_there(tmp_path):
    with pytest.raises(SourceError, match="no such file, folder or match"):
        fk.read(tmp_path / "nowhere*.json")
    with pytest.raises(SourceError, match="nothing to read"):
        fk.read()


def test_the_name_does_not_matter(tmp_path):
    path = tmp_path / "flows.parquet"
    path.write_text('{"SrcAddr": "10.0.0.1"}')
    assert fk.read(path)["SrcAddr"].tolist() == ["10.0.0.1"]


def test_the_largest_sampling_is_said(tmp_path):
    path = tmp_path / "flows.json"
    path.write_text('{"SrcAddr": "10.0.0.1", "Sampling": 50}\n{"SrcAddr": "10.0.0.2"}\n')
    assert fk.provenance(fk.read(path)).sampling == 50
