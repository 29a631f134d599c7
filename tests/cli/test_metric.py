"""``flowkit metric`` as time series and in Prometheus' text forms, and ``--where`` on every command that takes it."""

import json
import subprocess
import sys
from importlib import import_module

import pandas as pd
import pytest
from typer.testing import CliRunner

from tests.flows import exchange, table

FLOWS = table(*exchange("10.0.0.5:51000", "10.0.0.6:8080"), *exchange("10.0.0.5:51001", "10.0.0.7:53"))
DEFINITION = """
apiVersion: flows.netobserv.io/v1alpha1
kind: FlowMetric
metadata: {name: opened}
spec: {type: Counter, labels: [DstPort], flatten: [Flags], filters: [{field: Flags, value: SYN}]}
"""


@pytest.fixture
def place(tmp_path):
    import flowkit as fk

    fk.write(FLOWS, tmp_path / "flows.parquet")
    (tmp_path / "opened.yaml").write_text(DEFINITION)
    return tmp_path


def run(place, *arguments):
    command = [sys.executable, "-m", "flowkit", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, cwd=place)


def metric(place, *arguments):
    return run(place, "metric", "opened.yaml", "--flows", "flows.parquet", *arguments)


def test_a_step_gives_time_series(place):
    found = json.loads(metric(place, "--step", "1m", "--format", "json").stdout)
    assert found == [
        {"DstPort": "53", "time": "1970-01-01T00:01:00.000+00:00", "value": 1},
        {"DstPort": "8080", "time": "1970-01-01T00:01:00.000+00:00", "value": 1},
    ]


def test_prometheus_and_openmetrics(place):
    lines = ['netobserv_opened{DstPort="53"} 1', 'netobserv_opened{DstPort="8080"} 1']
    head = "# HELP netobserv_opened FlowMetric opened\n# TYPE netobserv_opened "
    assert metric(place, "--format", "prometheus").stdout == head + "counter\n" + "\n".join(lines) + "\n"
    done = metric(place, "--step", "1m", "-o", "opened.om")
    assert (done.returncode, done.stdout) == (0, "opened.om\n")
    expected = head + "unknown\n" + "".join(f"{line} 60.000\n" for line in lines) + "# EOF\n"
    assert (place / "opened.om").read_text() == expected
    assert metric(place, "-o", "opened.prom").returncode == 0
    assert metric(place, "-o", "opened.prom").stderr.startswith("flowkit: 'opened.prom' is there already")


def test_parquet_is_a_file_and_nothing_is_overwritten_unasked(place):
    assert metric(place, "-o", "opened.parquet").stdout == "opened.parquet\n"
    assert pd.read_parquet(place / "opened.parquet")["value"].tolist() == [1, 1]
    assert metric(place, "-o", "opened.parquet").returncode == 1
    assert metric(place, "-o", "opened.parquet", "--force").returncode == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--format", "parquet"), "parquet needs a file"),
        (("--format", "prometheus", "--step", "1m"), "openmetrics holds time series"),
        (("--format", "openmetrics", "--explain"), "--explain prints a table"),
    ],
)
def test_what_does_not_go_together_is_wrong_usage(place, arguments, message):
    done = metric(place, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in " ".join(done.stderr.replace("│", " ").split())


def test_a_wrong_step_is_one_line(place):
    done = metric(place, "--step", "soon")
    assert (done.returncode, done.stderr) == (1, "flowkit: 'soon' is no step: write it like 30s, 1m or 1h30m\n")


def test_a_metric_without_flows_says_once_why(place):
    done = metric(place, "--where", "DstPort=1")
    assert done.returncode == 0
    assert done.stderr.splitlines() == [
        "only flows where DstPort=1",
        'netobserv_opened matched nothing: 0 all flows; 0 Flags Equal "SYN"',
    ]


def test_where_chooses_the_flows_of_every_command(place):
    (row,) = json.loads(metric(place, "--where", "DstPort=53", "--format", "json").stdout)
    assert row == {"DstPort": "53", "value": 1}
    (edge,) = json.loads(
        run(place, "matrix", "flows.parquet", "--where", "DstPort=53 or SrcPort=53", "--format", "json").stdout
    )
    assert (edge["port"], edge["state"]) == (53, "answered")
    done = run(place, "report", "flows.parquet", "--where", "DstPort=53 or SrcPort=53", "-o", "page.html")
    assert (done.returncode, done.stdout) == (0, "page.html\n")
    wrong = run(place, "matrix", "flows.parquet", "--where", "DstPrt=53")
    assert (wrong.returncode, len(wrong.stderr.splitlines())) == (1, 1)
    assert "character 1, near 'DstPrt=53': no field 'DstPrt'. Did you mean 'DstPort'?" in wrong.stderr


def test_parquet_is_read_as_it_lies(tmp_path, root, monkeypatch):
    from flowkit.cli import app
    from flowkit.contract.layout import write_layout
    from tests.rollup.test_rollup import SPANNING

    write_layout(SPANNING, tmp_path / "flows")
    monkeypatch.setattr(import_module("flowkit.cli.metric"), "read_flows", None)
    definition = root / "data" / "metrics" / "workload-syn-in.yaml"
    done = CliRunner().invoke(app, ["metric", str(definition), "--flows", str(tmp_path / "flows"), "--format", "json"])
    assert done.exit_code == 0, done.output
    assert sum(row["value"] for row in json.loads(done.stdout)) == 3
