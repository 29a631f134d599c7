"""The command line: data to stdout, one line to stderr, exit codes, and no table library for --help."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys

import pandas as pd
import pytest
from typer.testing import CliRunner

from capture.cli import main
from tests.capture.craft import Frame, ether, ip4, pcap, save, udp

WHOLE = pcap([Frame(ether(ip4(udp(), 17)))] * 2)


def run(*arguments):
    """The command in this process: quick, its stdout is no terminal."""
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture
def start(root):
    """The command in a process of its own."""

    def start_it(*arguments, **streams):
        command = [sys.executable, "-m", "capture", *map(str, arguments)]
        environment = {**os.environ, "PYTHONPATH": str(root), "COLUMNS": "100", "NO_COLOR": "1"}
        return subprocess.run(command, text=True, env=environment, check=False, **streams)

    return start_it


def test_a_pipe_gets_json_lines_and_nothing_else(tmp_path):
    done = run("pcap", save(tmp_path, "n1.pcap", WHOLE))
    assert (done.exit_code, done.stderr) == (0, "")
    assert [json.loads(line)["Packets"] for line in done.stdout.splitlines()] == [2]


def test_a_terminal_gets_a_summary(tmp_path, start):
    ours, terminal = pty.openpty()
    done = start("pcap", save(tmp_path, "n1.pcap", WHOLE), stdout=terminal)
    os.close(terminal)
    shown = os.read(ours, 10_000).decode()
    os.close(ours)
    assert done.returncode == 0
    assert "n1.pcap" in shown
    assert "1 one-way flows" in shown


def test_an_output_is_written_once_and_again_with_force(tmp_path):
    path, out = save(tmp_path, "n1.pcap", WHOLE), tmp_path / "new" / "flows.parquet"
    assert run("pcap", path, "-o", out).exit_code == 0
    refused = run("pcap", path, "-o", out)
    assert (refused.exit_code, refused.stderr.splitlines()) == (
        1,
        [f"capture: '{out}' is there already: give another name, or --force to replace it"],
    )
    assert run("pcap", path, "-o", out, "--force").exit_code == 0
    assert pd.read_parquet(out)["Packets"].tolist() == [2]


@pytest.mark.parametrize("data", [b"", b"text\n", bytes(50), WHOLE[:20]])
def test_a_bad_file_is_one_line_and_exit_1(tmp_path, data):
    done = run("pcap", save(tmp_path, "bad\x1b.pcap", data))
    assert (done.exit_code, done.stdout) == (1, "")
    assert len(done.stderr.splitlines()) == 1
    assert "bad·.pcap" in done.stderr


def test_losses_are_one_line_and_the_rows_survive(tmp_path):
    done = run("pcap", save(tmp_path, "cut.pcap", WHOLE[:-1]))
    assert (done.exit_code, len(done.stdout.splitlines())) == (0, 1)
    assert done.stderr == ("capture: warning: 65 bytes left over at the end of cut.pcap (cut record at offset 90)\n")


@pytest.mark.parametrize("arguments", [["pcap"], ["pcap", "a.pcap", "--format"], ["nothing"]])
def test_wrong_usage_is_exit_2(arguments):
    done = run(*arguments)
    assert done.exit_code == 2
    assert "Traceback" not in done.stderr


def test_an_ending_nobody_knows_is_refused_before_reading(tmp_path):
    done = run("pcap", tmp_path / "not there.pcap", "-o", "flows.xls")
    assert (done.exit_code, done.stderr) == (
        1,
        "capture: cannot write 'flows.xls': give it an ending of .parquet, .jsonl, .json, .csv\n",
    )


def test_a_reader_that_stops_early_causes_no_complaint(tmp_path, start):
    reading, writing = os.pipe()
    os.close(reading)
    done = start("pcap", save(tmp_path, "n1.pcap", WHOLE), stdout=writing, stderr=subprocess.PIPE)
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, "")


def test_help_has_an_example_and_loads_no_table_library(start, root):
    done = start("pcap", "--help", stdout=subprocess.PIPE)
    assert (done.returncode, "Example: capture pcap" in done.stdout) == (0, True)
    code = (
        "import sys; from capture.cli import main\n"
        "try: main(['pcap', '--help'])\n"
        "except SystemExit: print([name for name in ('numpy', 'pandas') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root)
    assert done.stdout.splitlines()[-1] == "[]"
