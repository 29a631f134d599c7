"""``flowkit show`` as a user runs it."""

import csv
import io
import json
import subprocess
import sys

import pytest

ROWS = [
    {"SrcAddr": "10.0.0.1", "DstAddr": "10.0.0.2", "SrcPort": 4000, "DstPort": 443, "Proto": 6, "TimeFlowEndMs": 1_000},
    {"SrcAddr": "10.0.0.2", "DstAddr": "10.0.0.1", "SrcPort": 443, "DstPort": 4000, "Proto": 6, "TimeFlowEndMs": 2_000},
    {"SrcAddr": "10.0.0.1", "DstAddr": "8.8.8.8", "SrcPort": 4, "DstPort": 53, "Proto": 17, "SrcK8S_Name": "x\x1b[2J"},
]


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "flows.json"
    path.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    return path


def run(*arguments):
    command = [sys.executable, "-m", "flowkit", "show", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_a_table_and_what_is_to_be_known(file):
    done = run(
        file,
        "--filters",
        "dst_port=https",
        "--back-and-forth",
        "--columns",
        "SrcAddrPort,DstAddrPort,Proto",
        "--limit",
        1,
    )
    assert done.stdout.splitlines() == ["src IP & port  dst IP & port  protocol", "10.0.0.2:443   10.0.0.1:4000  TCP"]
    assert done.stderr.splitlines()[0] == "the 1 newest flow of 2 that match, of 3 in the table"
    assert done.returncode == 0


def test_csv_to_a_file_has_all_rows(file, tmp_path):
    out = tmp_path / "flows.csv"
    assert run(file, "--limit", 1, "--columns", "addresses", "-o", out).returncode == 0
    assert len(list(csv.DictReader(io.StringIO(out.read_text())))) == 3


def test_a_misspelt_filter_is_one_line(file):
    done = run(file, "--filters", "dst_prt=1")
    assert (done.returncode, done.stdout) == (1, "")
    assert "did you mean 'dst_port'?" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_no_control_characters_on_a_terminal(file):
    assert "\x1b" not in run(file, "--columns", "SrcK8S_Name").stdout
