"""flowkit rollup: what a run did goes to stdout, what it left out to stderr."""

from __future__ import annotations

import json
import shutil

import typer
from typer.testing import CliRunner

from flowkit.cli import app as flowkit
from flowkit.cli.rollup import rollup
from flowkit.contract.layout import write_layout
from flowkit.matrix.rolled import matrix_of_rollup
from flowkit.metric.rolled import metric_of_rollup
from tests.rollup.test_rollup import SPANNING


def run(*arguments):
    app = typer.Typer()
    app.command()(rollup)
    return CliRunner().invoke(app, [str(one) for one in arguments])


def test_a_run_and_one_that_comes_too_late(tmp_path, root):
    write_layout(SPANNING, tmp_path / "flows")
    definition = root / "data" / "metrics" / "workload-syn-in.yaml"
    done = run(tmp_path / "flows", tmp_path / "hours", "--metric", definition, "--finish")
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.count("made") == 4
    assert metric_of_rollup(tmp_path / "hours", "netobserv_workload_syn_in")["value"].sum() == 3
    shutil.rmtree(tmp_path / "flows")
    write_layout(SPANNING.head(1), tmp_path / "flows")
    late = run(tmp_path / "flows", tmp_path / "hours", "--metric", definition, "--finish")
    assert late.stderr.startswith("late flows of 1970-01-01 00:00 UTC left out")


def test_a_damaged_file_is_refused_or_left_out_and_named(tmp_path):
    write_layout(SPANNING, tmp_path / "flows")
    (tmp_path / "flows" / "zz.parquet").write_bytes(b"PAR1 no more")
    refused = run(tmp_path / "flows", tmp_path / "hours", "--finish")
    assert (refused.exit_code, "zz.parquet" in str(refused.exception)) == (1, True)
    done = run(tmp_path / "flows", tmp_path / "hours", "--finish", "--skip-damaged")
    assert (done.exit_code, done.stdout.count("made")) == (0, 4)
    assert "left out: cannot read" in done.stderr
    assert "zz.parquet" in done.stderr


def test_the_matrix_and_the_report_of_a_rollup(tmp_path):
    write_layout(SPANNING, tmp_path / "flows")
    run(tmp_path / "flows", tmp_path / "hours", "--finish")
    done = CliRunner().invoke(flowkit, ["matrix", str(tmp_path / "hours"), "--format", "json"])
    assert done.exit_code == 0, done.output
    assert len(json.loads(done.stdout)) == len(matrix_of_rollup(tmp_path / "hours").edges)
    page = CliRunner().invoke(flowkit, ["report", str(tmp_path / "hours"), "-o", str(tmp_path / "hours.html")])
    assert page.exit_code == 0, page.output
    refused = CliRunner().invoke(flowkit, ["matrix", str(tmp_path / "hours"), "--by", "pod"])
    assert (refused.exit_code, "a rollup was made with its names" in refused.output) == (2, True)
