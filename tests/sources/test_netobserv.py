"""NetObserv's JSON: lines, arrays, gzip, broken lines counted, nothing of a flow lost."""

from __future__ import annotations

import gzip
import json
import random

import pandas as pd
import pytest

import flowkit as fk
from flowkit.contract import provenance
from flowkit.errors import SourceError

LINES = """{"SrcAddr":"10.0.0.1","DstAddr":"10.0.0.2","SrcPort":1234,"DstPort":80,"Proto":6,"Flags":["SYN","ACK"],"X":{"a":1}}
{"SrcAddr":"10.0.0.1", broken
{"SrcAddr":"10.0.0.1","Flags":18,"DstPort":"443"}
not json

{"SrcAddr":"10.0.0.1","Flags":null,"DstPort":70000}
[1,2]
{"SrcAddr":"cut
"""


def plain(flows):
    return flows.astype(object).where(flows.notna(), None).to_dict("list")


def test_good_rows_survive_and_losses_are_counted(tmp_path):
    path = tmp_path / "flows.json"
    path.write_text(LINES)
    flows = fk.read(path)
    assert plain(flows) == {
        "SrcAddr": ["10.0.0.1", "10.0.0.1", "10.0.0.1"],
        "Flags": [18, 18, None],
        "DstPort": [80, 443, None],
        "DstAddr": ["10.0.0.2", None, None],
        "Proto": [6, None, None],
        "SrcPort": [1234, None, None],
        "X": ['{"a":1}', None, None],
    }
    assert provenance(flows).sources == ("flows.json",)
    assert provenance(flows).losses == {"broken JSON lines": 4, "values of DstPort that are not its type": 1}


def test_an_array_and_gzip_read_the_same(tmp_path):
    rows = [{"SrcAddr": "10.0.0.1", "Bytes": 2**60}, {"SrcAddr": "10.0.0.2", "Interfaces": ["eth0", "br0"]}]
    (tmp_path / "array.json").write_text(json.dumps(rows))
    (tmp_path / "lines.json.gz").write_bytes(gzip.compress("\n".join(map(json.dumps, rows)).encode()))
    array, lines = fk.read(tmp_path / "array.json"), fk.read(tmp_path / "lines.json.gz")
    assert plain(array) == plain(lines)
    assert array["Bytes"].tolist() == [2**60, pd.NA]
    assert array["Interfaces"].iloc[1] == ["eth0", "br0"]


@pytest.mark.parametrize("content", ["[1, 2]", "[{", "[", "{", "{]", "[]"])
def test_what_holds_no_flow_is_one_clear_error(tmp_path, content):
    path = tmp_path / "x.json"
    path.write_text(content)
    with pytest.raises(SourceError, match="x.json"):
        fk.read(path)


def test_keys_with_odd_names_come_along(tmp_path):
    path = tmp_path / "odd.json"
    path.write_text(json.dumps({"a/b": 1, "~c": "x", 'it\'s "quoted"': True, "SrcAddr": "10.0.0.1"}))
    assert plain(fk.read(path)) == {"a/b": ["1"], "~c": ["x"], 'it\'s "quoted"': ["true"], "SrcAddr": ["10.0.0.1"]}


def test_mutated_files_give_rows_or_one_error(tmp_path):
    dice = random.Random(7)
    path = tmp_path / "mutated.json"
    for _ in range(150):
        text = bytearray(LINES.encode())
        for _ in range(dice.randrange(1, 12)):
            text[dice.randrange(len(text))] = dice.randrange(256)
        path.write_bytes(bytes(text[: dice.randrange(1, len(text))]))
        try:
            assert len(fk.read(path)) >= 0
        except SourceError as error:
            assert "mutated.json" in str(error)
