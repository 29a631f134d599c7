"""The recording shows the truth: the committed one, and a new short one."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
import yaml

from data.lab.__main__ import main
from data.lab.network import FOLDER, PREFIX, RESOLV, ROOT, left_overs, maker, standing
from data.lab.recording import check_nothing_lost
from data.lab.scenario import SCENARIO
from tests.lab.observed import relations

needs_tshark = pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


def differences(folder: Path) -> tuple[set[str], set[str]]:
    """Give the relations that are only in the truth, and those only on the wire; Service copies must be explained."""
    custom = yaml.safe_load((folder / "flowcollector.yaml").read_text())["spec"]["processor"]["subnetLabels"]
    seen, lone = relations(folder, custom["customLabels"])
    assert {c.server for c in lone} <= {s.address for s in SCENARIO.services if s.nodes_serve}
    truth, wire = json.loads((folder / "truth.json").read_text()), {json.dumps(row) for row in seen}
    return {json.dumps(row) for row in truth} - wire, wire - {json.dumps(row) for row in truth}


def assert_shows_the_truth(folder: Path) -> None:
    missing, extra = differences(folder)
    assert not extra
    # A connection older than the recording shows no SYN, so nobody can tell its client by one.
    assert [json.loads(row)["from_workload"] for row in missing] == ["reporting"]


def assert_nothing_is_left_of(lab: int) -> None:
    assert left_overs() == []
    files = [*RESOLV.glob(f"{PREFIX}*"), *Path(tempfile.gettempdir()).glob(f"{FOLDER}*")]
    assert [path for path in files if maker(path.name) == lab] == []


def standing_of(lab: int) -> list[str]:
    return [place for place in standing() if maker(place) == lab]


@pytest.mark.tshark
@needs_tshark
def test_the_committed_recording_shows_the_truth(recorded: Path) -> None:
    assert_shows_the_truth(recorded)


@pytest.mark.privileged
@pytest.mark.slow
@needs_root
@needs_tshark
def test_a_new_recording_shows_the_truth_and_leaves_nothing_behind(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "data.lab", "--seconds", "18", "-o", str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as lab:
        _, said = lab.communicate()
    assert lab.returncode == 0, said
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"cluster.json", "flowcollector.yaml", "truth.json", *(f"{n.name}.pcap.gz" for n in SCENARIO.nodes)}
    assert_nothing_is_left_of(lab.pid)
    assert_shows_the_truth(tmp_path)


@pytest.mark.privileged
@pytest.mark.slow
@needs_root
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_an_interrupted_recording_leaves_nothing_behind(tmp_path: Path, how: signal.Signals) -> None:
    command = [sys.executable, "-m", "data.lab", "--seconds", "60", "-o", str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, start_new_session=True) as lab:
        deadline = time.monotonic() + 60
        while len(standing_of(lab.pid)) < len(SCENARIO.workloads) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert standing_of(lab.pid)
        lab.send_signal(how)
        assert lab.wait(90) == 130
    assert_nothing_is_left_of(lab.pid)


def test_a_lost_packet_is_an_error() -> None:
    fine = "10 packets captured\n10 packets received by filter\n0 packets dropped by kernel\n"
    check_nothing_lost("n1-br0", fine)
    with pytest.raises(RuntimeError, match="n1-br0"):
        check_nothing_lost("n1-br0", fine.replace("0 packets dropped", "3 packets dropped"))
    with pytest.raises(RuntimeError, match="n1-br0"):
        check_nothing_lost("n1-br0", "")


def test_without_root_the_lab_says_so(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.setattr("sys.argv", ["python -m data.lab"])
    assert main() == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "root" in said
