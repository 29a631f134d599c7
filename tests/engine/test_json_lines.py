"""NetObserv's JSON lines through the engine: the contract's types, what is left out, and a metric equal to the reader's."""

import gzip
import json

import pandas as pd
import pytest

from flowkit.contract import conform, provenance
from flowkit.contract.at_rest import write
from flowkit.engine import DuckDB, run
from flowkit.engine.query import Aggregate, Flatten, Measure, Scan, Sort
from flowkit.errors import SourceError


def labels(flows, *names, flatten=(), children=()):
    below = Flatten(Scan(), tuple(flatten), tuple(children)) if flatten else Scan()
    return run(Sort(Aggregate(below, names, (Measure("value", "sum"),)), names), flows)


def lines(path, *values):
    texts = [one if isinstance(one, str) else json.dumps(one, ensure_ascii=False) for one in values]
    opener = gzip.open if path.name.endswith(".gz") else open
    with opener(path, "wt", encoding="utf-8") as stream:
        stream.write("\n".join(texts))
    return path


def rows(table):
    return [tuple(row) for row in table.itertuples(index=False, name=None)]


@pytest.mark.parametrize("name", ["flows.json", "flows.jsonl.gz"])
def test_every_type_of_the_contract(tmp_path, name):
    path = lines(
        tmp_path / name,
        {
            "SrcAddr": "é",
            "DstPort": 443,
            "Bytes": 2**64 - 1,
            "Flags": ["SYN", "NEW", "SYN"],
            "IfDirections": [0, 1],
            "x/~": 1,
        },
        {"SrcAddr": None, "DstPort": 443.0, "Flags": 18, "Interfaces": ["eth0"]},
        {"Flags": []},
    )
    assert rows(labels(path, "SrcAddr", "DstPort", "Bytes", "IfDirections", "Interfaces", "x/~")) == [
        ("", "", "", "", "", "", 1),
        ("", "443", "", "", "[eth0]", "", 1),
        ("é", "443", "18446744073709551615", "[0 1]", "", "1", 1),
    ]
    assert rows(labels(path, "Flags", flatten=["Flags"])) == [("", 1), ("ACK", 1), ("NEW", 1), ("SYN", 3)]


def test_nested_events(tmp_path):
    path = lines(
        tmp_path / "a.json", {"NetworkEvents": [{"Name": "deny", "N": 1}, {"Name": None}]}, {"NetworkEvents": "odd"}
    )
    found = labels(
        path,
        "NetworkEvents>Name",
        "NetworkEvents>N",
        flatten=["NetworkEvents"],
        children=["NetworkEvents>N", "NetworkEvents>Name"],
    )
    assert rows(found) == [("", "", 2), ("deny", "1", 1)]


def test_what_is_left_out_is_counted(tmp_path):
    path = lines(
        tmp_path / "a.json",
        {"DstPort": 443.5},
        "{broken",
        "[1]",
        "",
        {"DstPort": 70000},
        {"DstPort": "x"},
        {"DstPort": 53},
    )
    found = labels(path, "DstPort")
    assert rows(found) == [("", 3), ("53", 1)]
    assert provenance(found).losses == {"broken JSON lines": 2, "values of DstPort that are not its type": 3}
    assert provenance(found).sources == (str(path),)


def test_a_table_of_no_wanted_field_keeps_its_rows(tmp_path):
    assert rows(labels(lines(tmp_path / "a.json", {"x": 1}, {"x": 2}))) == [(2,)]


def test_what_holds_no_flow_is_an_error(tmp_path):
    path = lines(tmp_path / "a.json", "[", '{"DstPort": 1},', "]")
    with pytest.raises(SourceError, match=r"a\.json': none of 3 lines is a JSON object, so there is no flow"):
        labels(path, "DstPort")


def test_a_damaged_file_is_named_and_left_out_on_request(tmp_path):
    lines(tmp_path / "a.json", {"DstPort": 1})
    whole = lines(tmp_path / "b.json.gz", *({"DstPort": n} for n in range(5000))).read_bytes()
    (tmp_path / "b.json.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(SourceError, match=r"b\.json\.gz"):
        labels(tmp_path, "DstPort")
    plan = Aggregate(Scan(), ("DstPort",), (Measure("value", "sum"),))
    found = run(plan, tmp_path, DuckDB(damaged="skip"))
    assert (rows(found), provenance(found).losses) == ([("1", 1)], {"damaged files": 1})


def test_a_table_written_as_lines_is_the_table(tmp_path):
    flows = conform(
        pd.DataFrame(
            {
                "SrcK8S_Zone": ["a", None, "b"],
                "DstPort": pd.array([1, None, 2], dtype="UInt16"),
                "Flags": pd.array([18, 0, None], dtype="UInt16"),
                "IfDirections": pd.Series([[0, 1], None, []], dtype=object),
            }
        )
    )
    path = write(flows, tmp_path / "flows.jsonl")
    for flatten in ((), ("Flags",), ("IfDirections", "Flags")):
        assert rows(labels(path, *flows.columns, flatten=flatten)) == rows(
            labels(flows, *flows.columns, flatten=flatten)
        )
