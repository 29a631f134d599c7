"""Flow tables at rest: what is written comes back, whole or not at all, and runs nowhere."""

from __future__ import annotations

import csv
import io

import pandas as pd
import pytest

import flowkit as fk
from flowkit.contract import Provenance, provenance, with_provenance
from flowkit.contract.at_rest import csv_text, json_records
from flowkit.contract.replacing import replacing
from flowkit.errors import ContractError
from tests.flows import exchange, pod, table

FLOWS = with_provenance(
    table(*exchange("10.0.0.1:50000", "10.0.0.2:80", **pod("Src", "web")), {"SrcAddr": "10.0.0.9"}),
    Provenance(("lab.pcap",)).losing({"frames that are not IP": 3}),
)


@pytest.mark.parametrize("name", ["flows.parquet", "flows.jsonl", "flows.json", "flows.json.gz"])
def test_what_is_written_is_read_back(tmp_path, name):
    path = fk.write(FLOWS, tmp_path / "new" / name)
    back = fk.read(path)
    pd.testing.assert_frame_equal(back[FLOWS.columns.tolist()], FLOWS, check_categorical=False)
    if name.endswith("parquet"):
        assert provenance(back) == provenance(FLOWS)


def test_json_is_netobservs_own_form(tmp_path):
    text = fk.write(
        table({"SrcAddr": "10.0.0.1", "Flags": ["SYN", "ACK"], "DstPort": None}), tmp_path / "f.jsonl"
    ).read_text()
    assert text == '{"SrcAddr":"10.0.0.1","Flags":["SYN","ACK"]}\n'


@pytest.mark.parametrize("hostile", ["=cmd()", "+1", "-1", "@x", "\tx", "\rx"])
def test_csv_cells_are_no_formulas(hostile):
    text = csv_text(pd.DataFrame({"SrcK8S_Name": [hostile, "shop"], "Bytes": [-1, 2]}))
    rows = list(csv.reader(io.StringIO(text)))
    assert rows[1][0] == "'" + hostile.replace("\r", "\n")
    assert rows[1][1] == "-1"


def test_results_as_json_keep_every_column():
    edges = pd.DataFrame({"port": pd.array([None], dtype="UInt16"), "first": pd.to_datetime([1], unit="ms", utc=True)})
    assert json_records(edges) == '[\n{"port": null, "first": "1970-01-01T00:00:00.001+00:00"}\n]'


def test_an_unknown_ending_is_refused_with_the_known_ones(tmp_path):
    with pytest.raises(ContractError, match=r"give it an ending of \.parquet, \.jsonl, \.json, \.csv"):
        fk.write(FLOWS, tmp_path / "flows.xlsx")


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "flows.json"
    path.write_text("old")
    with pytest.raises(RuntimeError), replacing(path) as stream:
        stream.write(b"half")
        raise RuntimeError
    assert [each.name for each in tmp_path.iterdir()] == ["flows.json"]
    assert path.read_text() == "old"
