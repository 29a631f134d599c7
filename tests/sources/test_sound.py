"""Sound JSON lines: the short way gives what the careful way gives, or steps back; blocks change nothing."""

from __future__ import annotations

import json
import random

import pandas as pd
import pyarrow as pa
import pytest

import flowkit as fk
from flowkit.contract import conform, provenance
from flowkit.sources.losses import added
from flowkit.sources.objects import blocks, reading
from flowkit.sources.objects.blocks import Block
from flowkit.sources.objects.coded import coded
from flowkit.sources.objects.sound import sound_objects
from tests.sources import forms, fuzz

ODD = [
    {"DstPort": "443", "Bytes": 443.0, "Flags": ["SYN", "ACK"]},
    {"DstPort": 70000, "Bytes": 443.5, "Flags": 18},
    {"DstPort": "0x10", "Bytes": 2**63, "Flags": ["SYN", "SYN"], "_IsFirst": True},
    {"DstPort": True, "Bytes": -1, "Interfaces": ["a", "b"], "NetworkEvents": [{"Name": 'x":y', "Action": "drop"}]},
    {"DstPort": [1], "SrcAddr": 7, "Extra": {"a": 1}, "Flags": []},
    {"DstPort": None, "IfDirections": [1, 0], "SrcK8S_Name": "é\u202e"},
]


def ways(path):
    """The file read the short way (None where it steps back) and the careful way."""
    block = Block(0, path.stat().st_size)
    short = reading._sound(path, block, "newline_delimited", set())
    careful = reading._careful(path, block, path.name)
    return short, careful


def same(short, careful):
    names = list(careful.flows.columns)
    pd.testing.assert_frame_equal(conform(short.flows)[names], conform(careful.flows))
    assert set(short.flows.columns) == set(names)
    assert {loss.reason: loss.count for loss in added(short.losses)} == {
        loss.reason: loss.count for loss in added(careful.losses)
    }


def test_odd_values_are_the_same_either_way(tmp_path):
    path = tmp_path / "flows.json"
    for row in [*ODD, *fuzz.FLOWS]:
        path.write_text(json.dumps(row, separators=(",", ":")) + "\n")
        short, careful = ways(path)
        if short is not None:
            same(short, careful)
    path.write_text(forms.lines(row for row in [*ODD[:2], *fuzz.FLOWS] if "_RecordType" not in row))
    short, careful = ways(path)
    assert short is not None
    same(short, careful)


def test_whatever_the_short_way_takes_it_takes_as_the_careful_way_does(tmp_path):
    dice, path, taken = random.Random(5), tmp_path / "flows.json", 0
    seed = forms.lines(ODD[:2]).encode() + forms.lines(fuzz.FLOWS).encode()
    for _ in range(120):
        path.write_bytes(fuzz.mutated(dice, seed))
        try:
            short, careful = ways(path)
        except fk.FlowkitError:
            continue
        if short is not None:
            same(short, careful)
            taken += 1
    assert taken > 5


@pytest.mark.parametrize(
    "content",
    ['{"a":1}\nnull\n', '{"a":1}\n{"a":', '{"a":1}{"a":2}\n', '{"a":1,"a":2}\n', '{"flow_logs":[]}\n', '{"a" :1}\n'],
)
def test_what_is_not_sound_is_left_to_the_careful_way(tmp_path, content):
    path = tmp_path / "flows.json"
    path.write_text(content)
    assert sound_objects(path, "newline_delimited", set(), coded) is None


def test_a_key_that_only_one_line_has_is_not_lost(tmp_path):
    path = tmp_path / "flows.json"
    rows = [{"SrcAddr": "10.0.0.1", "Bytes": n, "Pad": "x" * 300} for n in range(20_000)]
    rows[9_000]["IcmpType"] = 8
    rows[9_001]["Rare"] = "kept"
    path.write_text(forms.lines(rows))
    flows = fk.read(path)
    assert flows["IcmpType"].dropna().tolist() == [8]
    assert flows["Rare"].dropna().tolist() == ["kept"]


def test_values_that_say_null_are_no_unknown_keys(tmp_path):
    path = tmp_path / "flows.json"
    path.write_text('{"SrcAddr":"10.0.0.1","DstPort":null}\n{"SrcAddr":null,"DstPort":1}\n')
    found = sound_objects(path, "newline_delimited", set(), lambda table: table)
    assert found.keys == ("DstPort", "SrcAddr")
    assert pa.concat_tables(found.batches)["DstPort"].to_pylist() == [None, "1"]


def test_blocks_are_whole_lines_and_damage_stays_in_its_own(tmp_path, monkeypatch):
    path = tmp_path / "flows.json"
    rows = [forms.lines([{"SrcAddr": f"10.0.0.{n % 250}", "Bytes": n}]) for n in range(2_000)]
    rows[700], rows[1_500] = '{"SrcAddr":\n', "cut\n"
    path.write_text("".join(rows))
    whole = fk.read(path)
    cut = list(blocks.blocks(path, 10_000))
    assert [one.end for one in cut[:-1]] == [other.start for other in cut[1:]]
    assert (cut[0].start, cut[-1].end) == (0, path.stat().st_size)
    monkeypatch.setattr(reading, "blocks", lambda path, size=0: blocks.blocks(path, size or 10_000))
    by_block = fk.read(path)
    pd.testing.assert_frame_equal(by_block, whole)
    assert provenance(by_block) == provenance(whole)
    assert provenance(whole).losses == {"broken JSON lines": 2}
    assert "flows.json:701" in provenance(by_block).notes[0]
    assert "flows.json:1501" in provenance(by_block).notes[0]


@pytest.mark.parametrize("form", ["array", "CLI running", "CLI copied"])
def test_arrays_and_cli_captures_take_the_short_way(tmp_path, monkeypatch, form):
    path = tmp_path / "capture"
    rows = [{"SrcAddr": f"10.0.0.{n % 250}", "DstPort": 443, "Bytes": n} for n in range(300)]
    path.write_text({**forms.TEXTS, **forms.CLI}[form](rows))
    monkeypatch.setattr(reading, "columns", None)
    flows = fk.read(path)
    assert flows["Bytes"].tolist() == list(range(300))
    assert flows["DstPort"].dtype == "UInt16"
    assert not provenance(flows).losses


def test_a_cut_capture_loses_only_its_last_line(tmp_path):
    path = tmp_path / "capture.txt"
    path.write_text(forms.cli_running([{"SrcAddr": "10.0.0.1", "Bytes": n} for n in range(100)]) + '{"SrcAddr":"10.')
    flows = fk.read(path)
    assert flows["Bytes"].tolist() == list(range(100))
    assert provenance(flows).losses == {"broken JSON lines": 1}
    assert "capture.txt:101" in provenance(flows).notes[0]


@pytest.mark.parametrize(
    "value", ["443", "443.0", "443.5", "1e3", '"1e3"', '"5."', '" 7 "', "true", '"up"', str(2**53 + 1)]
)
def test_a_number_is_one_either_way(tmp_path, value):
    path = tmp_path / "flows.json"
    path.write_text(f'{{"SrcAddr":"10.0.0.1","Bytes":{value}}}\n' + '{"SrcAddr":"10.0.0.1","Bytes":1}\n' * 2)
    flows, careful = fk.read(path), reading._careful(path, Block(0, path.stat().st_size), path.name)
    assert flows["Bytes"].tolist() == conform(careful.flows)["Bytes"].tolist()
    assert provenance(flows).losses == {loss.reason: loss.count for loss in added(careful.losses)}


def test_a_boolean_far_from_every_sample_is_no_number(tmp_path):
    path = tmp_path / "flows.json"
    lines = ['{"SrcAddr":"10.0.0.1","Bytes":7}\n'] * 60_000
    lines[31_234] = '{"SrcAddr":"10.0.0.1","Bytes":true}\n'
    path.write_text("".join(lines))
    flows = fk.read(path)
    assert flows["Bytes"].isna().sum() == 1
    assert provenance(flows).losses == {"values of Bytes that are not its type": 1}
