"""`flowkit demo` does the whole job: its last line is the proof of the policies, its report lies where it says."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from pathlib import Path

import pytest
from typer.testing import CliRunner

from flowkit.cli import app


@pytest.mark.slow
def test_the_demo_ends_with_the_verification(tmp_path):
    done = CliRunner().invoke(app, ["demo", "-o", str(tmp_path / "out")])
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("70,066 packets of 2 nodes are ")
    assert "netobserv calls (netobserv_workload_syn_out)" in done.stdout
    assert done.stdout.splitlines()[-1].startswith("verified: every observed connection allowed")
    assert (tmp_path / "out" / "cluster.html").stat().st_size > 30_000
    assert list((tmp_path / "out" / "policies").glob("*.yaml"))


def test_the_lab_opens_jupyter_on_copied_notebooks(tmp_path, monkeypatch):
    asked = tmp_path / "asked"
    program = tmp_path / "python"
    program.write_text(f'#!/bin/sh\necho "$@" > {asked}\nexit 3\n')
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", os.fspath(program))
    done = CliRunner().invoke(app, ["lab", str(tmp_path / "mine"), "--no-browser"])
    assert done.exit_code == 3
    assert asked.read_text().split() == ["-m", "jupyterlab", str(tmp_path / "mine" / "notebooks"), "--no-browser"]
    assert Path(tmp_path / "mine" / "notebooks" / "01-who-talks-to-whom.ipynb").exists()


def test_a_lab_without_jupyterlab_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setattr(import_module("flowkit.cli.lab"), "find_spec", lambda name: None)
    done = CliRunner().invoke(app, ["lab", str(tmp_path / "mine")])
    assert str(done.exception) == "JupyterLab is not installed: pip install 'flowkit-net[capture,notebook]'"
    assert not (tmp_path / "mine").exists()
