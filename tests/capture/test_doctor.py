"""The doctor, as root and without a single capability, in processes of their own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

from capture import doctor


def run(root, *before):
    command = [*before, sys.executable, "-m", "capture", "doctor"]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


@pytest.mark.privileged
@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("setpriv"), reason="not root, or setpriv is absent")
def test_without_capabilities_each_is_named_with_the_command_that_grants_it(root):
    done = run(root, "setpriv", "--inh-caps=-all", "--bounding-set=-all")
    assert done.returncode == 1
    assert "missing  capture live: CAP_NET_RAW: 'sudo setcap cap_net_raw=ep " in done.stdout
    assert (
        "missing  capture ebpf by TCX: CAP_BPF and CAP_NET_ADMIN: 'sudo setcap cap_bpf,cap_net_admin=ep " in done.stdout
    )
    assert "CAP_PERFMON" in done.stdout
    assert done.stderr == ""


@pytest.mark.privileged
@pytest.mark.skipif(os.geteuid() != 0, reason="not root")
def test_root_lacks_no_capability(root):
    assert "setcap" not in run(root).stdout


def test_old_kernels_and_lacking_files_are_named(monkeypatch, tmp_path):
    monkeypatch.setattr(doctor.platform, "release", lambda: "5.4.0-generic")
    monkeypatch.setattr(doctor.shutil, "which", lambda name: None)
    found = {each.feature: each.missing for each in doctor.findings()}
    assert any("Linux 6.6 (this is Linux 5.4.0-generic)" in each for each in found["capture ebpf by TCX"])
    assert found["deep fields"] == ("tshark to dissect packets: 'sudo apt install tshark'",)
