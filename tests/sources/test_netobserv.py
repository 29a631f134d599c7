"""NetObserv's JSON: every wrapping read to the same flows, damage counted with examples, nothing of a flow lost."""

from __future__ import annotations

import gzip
import json

import pandas as pd
import pytest

import flowkit as fk
from flowkit.contract import provenance
from flowkit.errors import SourceError
from tests.sources import forms

LINES = """{"SrcAddr":"10.0.0.1","DstAddr":"10.0.0.2","SrcPort":1234,"DstPort":80,"Proto":6,"Flags":["SYN","ACK"],"X":{"a":1}}
{"SrcAddr":"10.0.0.1", broken
{"SrcAddr":"10.0.0.1","Flags":18,"DstPort":"443"}
not json

{"SrcAddr":"10.0.0.1","Flags":null,"DstPort":70000}
[1,2]
{"SrcAddr":"cut
"""
FLOWS = [
    {"SrcAddr": "10.0.0.1", "DstPort": 80, "Flags": ["SYN"], "Interfaces": ["eth0", "br0"], "TimeFlowEndMs": 1},
    {
        "SrcAddr": "10.0.0.2",
        "SrcK8S_Namespace": "shop",
        "Flags": ["ACK", "SYN_ACK"],
        "Bytes": 2**60,
        "TimeFlowEndMs": 2,
    },
    {
        "SrcAddr": "fd00::1",
        "NetworkEvents": [{"Action": "allow", "Name": "a b"}],
        "FlowDirection": 1,
        "TimeFlowEndMs": 3,
    },
]


def plain(flows):
    return flows.astype(object).where(flows.notna(), None).to_dict("list")


def by_field(flows):
    return {name: values for name, values in sorted(plain(flows).items()) if name != "app"}


def read(tmp_path, content, name="flows.json"):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return fk.read(path)


def losses(flows):
    return dict(provenance(flows).losses)


def test_good_rows_survive_and_losses_are_counted_with_examples(tmp_path):
    flows = read(tmp_path, LINES)
    assert plain(flows) == {
        "SrcAddr": ["10.0.0.1", "10.0.0.1", "10.0.0.1"],
        "Flags": [18, 18, None],
        "DstPort": [80, 443, None],
        "DstAddr": ["10.0.0.2", None, None],
        "Proto": [6, None, None],
        "SrcPort": [1234, None, None],
        "X": ['{"a":1}', None, None],
    }
    known = provenance(flows)
    assert known.sources == ("flows.json",)
    assert known.losses == {
        "broken JSON lines": 3,
        "array items that are no object": 2,
        "values of DstPort that are not its type": 1,
    }
    assert known.notes[:3] == (
        'broken JSON lines, first: flows.json:2 {"SrcAddr":"10.0.0.1", broken · flows.json:4 not json · '
        'flows.json:8 {"SrcAddr":"cut',
        "array items that are no object, first: flows.json, value 4: 1 · flows.json, value 4: 2",
        "values of DstPort that are not its type, first: 70000",
    )


@pytest.mark.parametrize("form", forms.TEXTS)
@pytest.mark.parametrize("pack", [str.encode, forms.packed], ids=["plain", "gzip"])
def test_every_wrapping_holds_the_same_flows(tmp_path, form, pack):
    expected = by_field(read(tmp_path, forms.lines(FLOWS), "expected.json"))
    assert by_field(read(tmp_path, pack(forms.TEXTS[form](FLOWS)))) == expected
    assert losses(read(tmp_path, pack(forms.TEXTS[form](FLOWS)))) == {}


@pytest.mark.parametrize(
    ("content", "ports", "broken"),
    [
        ('{"DstPort":1},\n{"DstPort":2},\n{"DstPort":3},\n', [1, 2, 3], 0),
        ('{"DstPort":1},\n{"DstPort":2},\n{"DstPort":3,"SrcAd', [1, 2], 1),
        ('[\n{"DstPort":1},\n{"DstPort":2},\n]', [1, 2], 0),
        ('[{"DstPort":1},{"DstPort":2},]', [1, 2], 0),
        ('[{"DstPort":1},{"DstPort":2},{"DstPo', [1, 2], 1),
        ('[{"DstPort":1},{"DstPort":2}][{"DstPort":3}]', [1, 2, 3], 0),
        ('[\n{"DstPort":1},\n{"DstPort":2}\n][\n{"DstPort":3}\n]\n', [1, 2, 3], 0),
        ('[{"DstPort":1}]\n[{"DstPort":2}]\n', [1, 2], 0),
        ('{"DstPort":1}{"DstPort":2}\n{"DstPort":3}\n', [1, 2, 3], 0),
        ('{"DstPort":1}\r\n\r\n{"DstPort":2}\r\n', [1, 2], 0),
        ('\ufeff{"DstPort":1}\n{"DstPort":2}', [1, 2], 0),
        ('{\n "DstPort": 1\n}\n{\n "DstPort": 2,\n "Fla', [1], 3),
        ('[{"DstPort":1},{"DstPort":,"NetworkEvents":[{"Name":"x"},{"Name":"y"}]},{"DstPort":3}]', [1, 3], 3),
        ('{"DstPort":1}\n\n{"DstPort":\n\x00\x00\n{"DstPort":3}\n', [1, 3], 2),
        ('{"DstPort":1,"Dscp":NaN}\n{"DstPort":2,}\n', [1, 2], 0),
    ],
)
def test_what_scripts_and_crashes_make_of_a_capture(tmp_path, content, ports, broken):
    flows = read(tmp_path, content)
    assert flows["DstPort"].tolist() == ports
    assert losses(flows).get("broken JSON lines", 0) <= broken
    assert bool(losses(flows).get("broken JSON lines")) == bool(broken)


def test_a_line_that_is_not_utf8_is_one_broken_line(tmp_path):
    flows = read(tmp_path, b'{"SrcAddr":"10.0.0.1"}\n{"SrcAddr":"\xff\xfe"}\n{"SrcAddr":"10.0.0.2"}\n')
    assert flows["SrcAddr"].tolist() == ["10.0.0.1", "10.0.0.2"]
    assert losses(flows) == {"broken JSON lines": 1}


def test_examples_cannot_move_the_cursor_and_are_short(tmp_path):
    flows = read(tmp_path, '{"DstPort":1}\n\x1b[31m' + "x" * 500 + "\n")
    (note,) = [note for note in provenance(flows).notes if "broken" in note]
    assert "\x1b" not in note
    assert len(note) < 120


def test_a_cut_gzip_gives_what_comes_before(tmp_path):
    rows = [{"SrcAddr": f"10.{n >> 8}.{n & 255}.{n * 7919 % 251}", "DstPort": n} for n in range(20_000)]
    packed = forms.packed(forms.lines(rows))
    flows = read(tmp_path, packed[: len(packed) // 2], "flows.json.gz")
    assert 1000 < len(flows) < 20_000
    assert flows["DstPort"].tolist() == list(range(len(flows)))
    assert losses(flows)["damaged gzip files"] == 1
    twice = read(tmp_path, packed + packed, "twice")
    assert (len(twice), losses(twice)) == (40_000, {})


@pytest.mark.parametrize("content", ["[1, 2]", "[{", "[", "{", "{]", "[]", '{"flow_logs": []}', "{}x", "[[[[["])
def test_what_holds_no_flow_is_one_clear_error(tmp_path, content):
    with pytest.raises(SourceError, match=r"x\.json'.*none of its JSON values is a flow"):
        read(tmp_path, content, "x.json")


def test_keys_with_odd_names_come_along(tmp_path):
    flows = read(tmp_path, json.dumps({"a/b": 1, "~c": "x", 'it\'s "quoted"': True, "SrcAddr": "10.0.0.1"}))
    assert plain(flows) == {"a/b": ["1"], "~c": ["x"], 'it\'s "quoted"': ["true"], "SrcAddr": ["10.0.0.1"]}


def test_keys_beyond_reason_are_counted(tmp_path):
    flows = read(tmp_path, json.dumps({"SrcAddr": "10.0.0.1", **{f"k{n}": n for n in range(800)}}))
    assert flows.shape == (1, 501)
    assert losses(flows) == {"keys that are no field, beyond 500": 300}


def test_lists_in_the_place_of_scalars_and_scalars_in_the_place_of_lists(tmp_path):
    rows = [
        {"Interfaces": "eth0", "IfDirections": ["1", "0"], "Flags": "18", "DstPort": [1]},
        {"Interfaces": [["a"]], "IfDirections": "up", "Flags": {"a": 1}, "NetworkEvents": "x", "SrcAddr": 7},
    ]
    flows = read(tmp_path, forms.lines(rows))
    assert plain(flows) == {
        "Flags": [18, None],
        "IfDirections": [[1, 0], None],
        "Interfaces": [["eth0"], None],
        "DstPort": [None, None],
        "NetworkEvents": [None, None],
        "SrcAddr": [None, "7"],
    }
    assert sum(losses(flows).values()) == 5


def test_s3_batches_say_their_period_and_what_is_no_flow(tmp_path):
    flows = read(
        tmp_path, '{"version":"v0.1","capture_start_time":"A","capture_end_time":"B","flow_logs":[{"DstPort":1},7]}'
    )
    assert provenance(flows).notes[0] == "1 S3 batches, captured from A to B"
    assert losses(flows) == {"flows of an S3 batch that are no object": 1}


def test_kafka_messages_that_are_no_flow_are_counted(tmp_path):
    messages = [{"topic": "t", "payload": payload} for payload in ('{"DstPort":1}', "oops", None, {"DstPort": 2})]
    flows = read(tmp_path, forms.lines(messages))
    assert flows["DstPort"].tolist() == [1, 2]
    assert losses(flows) == {"Kafka messages that are no flow": 2}


def test_a_flow_with_a_key_like_an_envelope_is_a_flow(tmp_path):
    rows = [{"SrcAddr": "10.0.0.1", "topic": "a", "payload": "b"}, {"SrcAddr": "10.0.0.2", "stream": 1, "values": []}]
    flows = read(tmp_path, forms.lines(rows))
    assert flows["SrcAddr"].tolist() == ["10.0.0.1", "10.0.0.2"]


def test_deep_nesting_neither_crashes_nor_hides_the_rest(tmp_path):
    deep = '{"a":' * 5000 + "1" + "}" * 5000
    flows = read(tmp_path, f'{{"DstPort":1}}\n{deep}\n{deep[:-1]}\n{{"DstPort":2}}\n')
    assert flows["DstPort"].dropna().tolist() == [1, 2]


def test_order_is_the_files_also_where_lines_had_to_be_saved(tmp_path):
    rows = "".join(f'{{"DstPort":{n}}}{"," if n % 7 == 0 else ""}\n' for n in range(1000))
    assert read(tmp_path, rows)["DstPort"].tolist() == list(range(1000))


def test_the_kafka_sample_and_the_clis_own(root):
    other = root / ".." / "shared" / "upstream" / "other"
    if not other.exists():
        pytest.skip("NetObserv's own samples are not beside the repository")
    kafka = fk.read(other / "kafka_export_3_flows.jsonl")
    assert kafka["Interfaces"].tolist() == [["br-ex"], ["8dda2b5704fb105"], ["br-ex"]]
    assert any(note.startswith("no TCP flags") for note in provenance(kafka).notes)
    flow = fk.read(other / "cli_sample_flow_all_features.json").iloc[0]
    assert (flow["Flags"], flow["Interfaces"], flow["IfDirections"]) == (16, ["f18b970c2ce8fdd"], [1])
    assert flow["NetworkEvents"] == [
        {"Feature": "acl", "Type": "NetpolNode", "Action": "allow", "Direction": "Ingress"}
    ]
    assert len(fk.read(other / "flp_goflow_ipfix_100.jsonl")) == 100


def test_gzip_is_known_by_content(tmp_path):
    assert read(tmp_path, gzip.compress(b'{"DstPort":1}'), "flows.txt")["DstPort"].tolist() == [1]
    assert isinstance(read(tmp_path, '{"DstPort":1}'), pd.DataFrame)
