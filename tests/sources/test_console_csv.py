"""The console's CSV: columns by name, Go's lists, what the first flow lacks is gone."""

from __future__ import annotations

import pandas as pd
import pytest

import flowkit as fk
from flowkit.contract import provenance
from tests.sources import forms

ROWS = [
    {
        "SrcAddr": "10.0.0.1",
        "DstPort": 80,
        "Flags": ["SYN", "ACK"],
        "Interfaces": ["eth0", "br-ex"],
        "IfDirections": [1, 0],
        "NetworkEvents": [{"Action": "allow", "Name": "my policy", "Feature": "acl"}],
        "SrcK8S_Namespace": 'a, "b"',
        "FlowDirection": 1,
        "_IsFirst": True,
    },
    {"SrcAddr": "fd00::1", "Flags": [], "DstPort": 443, "Bytes": 5, "FlowDirection": 0},
]


def read(tmp_path, content, name="export.csv"):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return fk.read(path)


@pytest.mark.parametrize("pack", [str.encode, forms.packed], ids=["plain", "gzip"])
def test_the_consoles_export(tmp_path, pack):
    flows = read(tmp_path, pack(forms.console_csv(ROWS)))
    first = flows.iloc[0].to_dict()
    assert first["Interfaces"] == ["eth0", "br-ex"]
    assert first["IfDirections"] == [1, 0]
    assert first["NetworkEvents"] == [{"Action": "allow", "Feature": "acl", "Name": "my policy"}]
    assert (first["Flags"], first["SrcK8S_Namespace"], first["_IsFirst"], first["FlowDirection"]) == (
        18,
        'a, "b"',
        True,
        1,
    )
    assert flows["DstPort"].tolist() == [80, 443]
    assert flows["Flags"].tolist() == [18, 0]
    assert flows["SrcK8S_Namespace"].isna().tolist() == [False, True]
    assert "Bytes" not in flows.columns
    assert provenance(flows).losses == {}
    assert provenance(flows).notes[0].startswith("the console exports the fields of its first flow only")


def test_numbers_as_go_prints_floats(tmp_path):
    flows = read(tmp_path, "SrcAddr,TimeFlowEndMs,Bytes,DstPort\na,1.708011867121e+12,6.6e+01,443\nb,1.5,x,70000\n")
    assert flows["TimeFlowEndMs"].tolist()[0] == 1708011867121
    assert flows["Bytes"].tolist()[0] == 66
    assert flows[["TimeFlowEndMs", "Bytes", "DstPort"]].isna().sum().tolist() == [1, 1, 1]
    assert sum(provenance(flows).losses.values()) == 3


def test_flowkits_own_csv_comes_back(tmp_path):
    flows = read(tmp_path, forms.console_csv(ROWS))
    back = fk.read(fk.write(flows.drop(columns="NetworkEvents"), tmp_path / "own.csv"))
    assert back["Flags"].tolist() == [18, pd.NA]  # CSV has one way to say nothing
    assert back["Interfaces"].tolist() == [["eth0", "br-ex"], None]
    assert back["DstPort"].tolist() == [80, 443]


def test_rows_of_other_columns_are_counted_with_examples(tmp_path):
    flows = read(tmp_path, "SrcAddr,DstPort\n10.0.0.1,80\n10.0.0.2\n1,2,3\n10.0.0.3,81\n")
    assert flows["DstPort"].tolist() == [80, 81]
    known = provenance(flows)
    assert known.losses == {"CSV rows that have other columns than the header": 2}
    assert "10.0.0.2" in known.notes[0]


def test_a_header_with_a_name_twice_and_one_without(tmp_path):
    flows = read(tmp_path, "SrcAddr,DstPort,SrcAddr,\n10.0.0.1,80,x,y\n")
    assert flows["SrcAddr"].tolist() == ["10.0.0.1"]


@pytest.mark.parametrize(
    ("content", "count"),
    [(b"SrcAddr,DstPort\n\xff\xfe,1\n", 1), (b'SrcAddr,DstPort\n"a,1\n', 0), (b"SrcAddr,DstPort\n", 0)],
)
def test_damage_costs_its_row_only(tmp_path, content, count):
    assert len(read(tmp_path, content)) == count
