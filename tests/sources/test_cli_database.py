"""The CLI's SQLite database: what it has comes back, what it lacks is said."""

from __future__ import annotations

import gzip
import sqlite3

import pytest

import flowkit as fk
from flowkit.contract import provenance
from flowkit.errors import SourceError
from tests.sources import forms

ROWS = [
    {
        "SrcAddr": "10.0.0.2",
        "SrcPort": 51000,
        "DstAddr": "10.0.0.1",
        "DstPort": 443,
        "Proto": 6,
        "Bytes": 120,
        "Packets": 2,
    },
    {
        "SrcAddr": "10.0.0.1",
        "SrcPort": 443,
        "DstAddr": "10.0.0.2",
        "DstPort": 51000,
        "Proto": 6,
        "TimeFlowRttNs": 10**7,
    },
]


def test_what_it_has_and_what_it_lacks(tmp_path):
    flows = fk.read(forms.cli_database(tmp_path / "capture.db", ROWS))
    assert flows["DstPort"].tolist() == [443, 51000]
    assert flows["TimeFlowRttNs"].tolist()[1] == 10**7
    assert "DnsErrno" not in flows.columns
    assert "Interfaces" not in flows.columns
    notes = " ".join(provenance(flows).notes)
    assert "no TCP flags" in notes
    assert "no times" in notes
    assert "no Kubernetes names" in notes
    edge = fk.matrix(flows).edges.iloc[0]
    assert (edge["to_workload"], edge["port"], edge["direction_by"]) == ("10.0.0.1", 443, "inferred: ephemeral port")


def test_gzipped_and_named_oddly(tmp_path):
    made = forms.cli_database(tmp_path / "a #?.db", ROWS)
    assert len(fk.read(made)) == 2
    packed = tmp_path / "capture.db.gz"
    packed.write_bytes(gzip.compress(made.read_bytes()))
    assert len(fk.read(packed)) == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a #?.db", "capture.db.gz"]


def test_values_that_do_not_fit_are_counted(tmp_path):
    odd = {"SrcAddr": b"\xff\xfe", "DstPort": "http", "Proto": 6.5, "Bytes": -1, "Packets": 2**62}
    flows = fk.read(forms.cli_database(tmp_path / "capture.db", [ROWS[0], odd]))
    assert flows["DstPort"].tolist()[0] == 443
    assert {name.split()[2] for name in provenance(flows).losses} == {"DstPort", "Proto", "Bytes"}


@pytest.mark.parametrize("statement", ["CREATE TABLE other (a)", "CREATE TABLE flow (a)", ""])
def test_a_database_without_flows(tmp_path, statement):
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as database:
        database.execute(statement or "CREATE TABLE flow (SrcAddr)")
    database.close()
    if not statement:
        path.write_bytes(path.read_bytes()[:3000])
    with pytest.raises(SourceError, match=r"cannot read '.*other\.db': "):
        fk.read(path)
