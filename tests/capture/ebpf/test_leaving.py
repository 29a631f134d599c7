"""What is left behind (nothing), and what happens when an interface, a namespace or a process goes away under a capture."""

from __future__ import annotations

import json
import os
import signal
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

import capture
from capture.ebpf.namespaces import within
from capture.ebpf.syscalls import Command, address, bpf, memory
from flowkit.contract import provenance
from flowkit.errors import CaptureError
from tests.capture.ebpf.lab import Lab, ip, lab
from tests.capture.ebpf.needs import need

pytestmark = pytest.mark.privileged
HOLDING = """
import sys, time
import capture
handle = capture.ebpf("veth0", netns=sys.argv[1], hook=sys.argv[2])
print("ready", flush=True)
time.sleep(60)
"""


@pytest.fixture
def spaces():
    need("ip", "ping", "bpftool")
    with lab(ipv6=False) as each:
        yield each


def attached(spaces: Lab) -> int:
    """How many programs run on TCX of the interface."""

    def ask() -> int:
        found = 0
        for place in (46, 47):
            numbers = memory(64)
            asked = memory(struct.pack("<IIIIQI36x", socket.if_nametoindex("veth0"), place, 0, 0, address(numbers), 16))
            bpf(Command.PROGRAM_QUERY, asked)
            found += struct.unpack_from("<I", asked, 24)[0]
        return found

    return within(spaces.near, ask)


def numbers(kind: str) -> set[int]:
    said = subprocess.run(["bpftool", "-j", kind, "show"], capture_output=True, text=True, check=True).stdout
    return {each["id"] for each in json.loads(said or "[]")}


def still(kind: str, mine: set[int]) -> set[int]:
    """Those that the kernel still has a moment later: it frees maps after a grace period."""
    for _ in range(100):
        left = mine & numbers(kind)
        if not left:
            break
        time.sleep(0.05)
    return left


@pytest.mark.parametrize("hook", ["tcx", "socket"])
def test_a_killed_capture_leaves_nothing(spaces, root, hook):
    command = [sys.executable, "-c", HOLDING, spaces.near, hook]
    process = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(root)}, stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"ready\n"
    mine = {kind: descriptors(process.pid, kind) for kind in ("prog", "map", "link")}
    assert len(mine["prog"]) >= 1
    assert len(mine["map"]) >= 6
    assert attached(spaces) == len(mine["link"]) == (2 if hook == "tcx" else 0)
    process.kill()
    process.communicate()
    assert {kind: still(kind, each) for kind, each in mine.items()} == {"prog": set(), "map": set(), "link": set()}
    assert attached(spaces) == 0
    assert "clsact" not in spaces.run(spaces.near, "tc", "qdisc", "show", "dev", "veth0")


def descriptors(pid: int, kind: str) -> set[int]:
    """The numbers of the programs, maps or links behind a process's descriptors, as the kernel tells."""
    found = set()
    for path in Path(f"/proc/{pid}/fdinfo").iterdir():
        lines = dict(line.split(":\t", 1) for line in path.read_text().splitlines() if ":\t" in line)
        if kind == "link" and "link_id" in lines:
            found.add(int(lines["link_id"]))
        elif f"{kind}_id" in lines and "link_id" not in lines:
            found.add(int(lines[f"{kind}_id"]))
    return found


def pinged(spaces: Lab, times: int = 2) -> None:
    spaces.run(spaces.near, "ping", "-q", "-c", str(times), "-i", "0.1", "192.0.2.2")


@pytest.mark.parametrize("hook", ["tcx", "socket"])
def test_an_interface_that_vanishes_is_said_and_its_flows_are_kept(spaces, hook):
    with capture.ebpf("veth0", netns=spaces.near, hook=hook) as handle:
        pinged(spaces)
        assert handle.ledger().gone == ()
        ip(f"-n {spaces.near} link del veth0")
        flows = handle.drain()
        assert handle.ledger().gone == ("veth0",)
    assert flows.loc[flows["Proto"] == 1, "Packets"].tolist() == [2, 2]
    assert provenance(flows).notes == ("veth0 went away while it was captured",)


def test_a_recording_ends_with_what_was_there_when_the_interface_vanishes(spaces):
    handle = capture.ebpf("veth0", netns=spaces.near).record(every=60)
    pinged(spaces)
    ip(f"-n {spaces.near} link del veth0")
    with pytest.raises(CaptureError, match="veth0: no longer there"):
        handle.wait(10)
    flows = handle.flows
    assert flows.loc[flows["Proto"] == 1, "Packets"].tolist() == [2, 2]


def test_a_namespace_that_vanishes_takes_its_interface_with_it(spaces):
    with capture.ebpf("veth0", netns=spaces.near, hook="tcx") as handle:
        pinged(spaces)
        ip(f"netns del {spaces.near}")
        for _ in range(100):
            if handle.ledger().gone:
                break
            time.sleep(0.05)
        assert handle.ledger().gone == ("veth0",)
        flows = handle.drain()
    assert flows.loc[flows["Proto"] == 1, "Packets"].tolist() == [2, 2]
    with pytest.raises(CaptureError, match=f"no network namespace '{spaces.near}'"):
        capture.ebpf("veth0", netns=spaces.near)


def test_two_captures_of_one_interface_count_on_their_own(spaces):
    with capture.ebpf("veth0", netns=spaces.near) as one:
        with capture.ebpf("veth0", netns=spaces.near, hook="socket") as other:
            pinged(spaces)
        pinged(spaces, 1)
    counts = [each.drain().query("Proto == 1")["Packets"].sum() for each in (one, other)]
    assert counts == [6, 4]


def test_what_was_counted_when_the_capture_ends_can_be_drained_once_more(spaces):
    with capture.ebpf("veth0", netns=spaces.near) as handle:
        pinged(spaces)
    assert handle.drain().query("Proto == 1")["Packets"].sum() == 4
    assert "counted on veth0: " in repr(handle)
    with pytest.raises(CaptureError, match="this capture is closed, and has been drained"):
        handle.drain()


class TestCommand:
    """``capture ebpf`` in a process of its own."""

    @pytest.fixture
    def start(self, root, spaces, tmp_path):
        running = []

        def start_it(*arguments):
            command = [sys.executable, "-m", "capture", "ebpf", "-i", "veth0", "--netns", spaces.near]
            environment = {**os.environ, "PYTHONPATH": str(root), "NO_COLOR": "1"}
            process = subprocess.Popen(
                [*command, "-o", str(tmp_path / "flows"), *arguments],
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            running.append(process)
            for _ in range(600):
                if attached(spaces) == 2:
                    return process
                time.sleep(0.05)
            raise AssertionError("it did not attach")

        yield start_it
        for process in running:
            process.kill()
            process.communicate()

    @staticmethod
    def pings(folder) -> int:
        files = sorted(folder.glob("*.parquet"))
        return int(sum(pd.read_parquet(path).query("Proto == 1")["Packets"].sum() for path in files))

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_a_signal_closes_the_last_file_whole(self, spaces, start, tmp_path, number):
        process = start("--every", "60")
        pinged(spaces)
        process.send_signal(number)
        out, err = process.communicate(timeout=30)
        assert process.returncode == 0, err
        assert len(out.splitlines()) == 1
        assert "packets seen: " in err
        assert "0 waiting" in err
        assert self.pings(tmp_path / "flows") == 4

    def test_a_kill_loses_at_most_the_open_interval_and_a_restart_replaces_nothing(self, spaces, start, tmp_path):
        first = start("--every", "0.5")
        pinged(spaces)
        time.sleep(2.5)
        first.kill()
        first.communicate()
        assert self.pings(tmp_path / "flows") == 4
        files = set((tmp_path / "flows").glob("*"))
        second = start("--every", "0.5", "--duration", "1.5")
        pinged(spaces)
        err = second.communicate(timeout=30)[1]
        assert second.returncode == 0, err
        assert self.pings(tmp_path / "flows") == 8
        assert files < set((tmp_path / "flows").glob("*"))

    def test_without_privilege_it_is_one_line_and_exit_1(self, root, tmp_path):
        need("setpriv")
        drop = ["setpriv", "--inh-caps=-all", "--bounding-set=-all"]
        command = [*drop, sys.executable, "-m", "capture", "ebpf", "-i", "lo", "-o", str(tmp_path / "flows")]
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": str(root)}
        )
        assert done.returncode == 1
        assert len(done.stderr.splitlines()) == 1
        assert "CAP_BPF and CAP_NET_ADMIN" in done.stderr
        assert "sudo setcap cap_bpf,cap_net_admin=ep" in done.stderr

    def test_a_wrong_name_is_one_line_that_lists_the_others(self, root, tmp_path):
        need()
        command = [sys.executable, "-m", "capture", "ebpf", "-i", "no-such0", "-o", str(tmp_path / "flows")]
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": str(root)}
        )
        assert done.returncode == 1
        assert "no interface 'no-such0': there are " in done.stderr
