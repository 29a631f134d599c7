"""Live capture read by Wireshark's dissectors: the flows of the fast meter, in a namespace of its own."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys

import pandas as pd
import pytest

import capture
from capture.live.capturing import Limits, LiveCapture, Plan
from capture.live.dissected import UNSEEN, Dissected
from capture.live.interval import DROPPED, Interval
from flowkit.contract import provenance
from flowkit.errors import CaptureError
from tests.capture.tables import as_dict
from tests.capture.test_dissect import needs_pyshark, needs_tshark
from tests.capture.test_live import Played, block

pytestmark = [pytest.mark.tshark, needs_tshark, needs_pyshark]

TALK = """
import json, socket, sys, time, warnings
import capture
def talk():
    listener = socket.create_server(("127.0.0.1", 8080))
    for size in (1, 3000):
        with socket.create_connection(("127.0.0.1", 8080)) as peer:
            peer.sendall(bytes(size))
            listener.accept()[0].close()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(b"x", ("127.0.0.1", 9))
    time.sleep(0.3)
both = [capture.live("lo", engine=engine, every=1) for engine in ("numpy", "pyshark")]
talk()
told = [handle.stop() for handle in both]
sums = [handle.flows.groupby(["SrcAddr", "DstAddr", "Proto", "SrcPort", "DstPort"], dropna=False, observed=True).agg(
    packets=("Packets", "sum"), octets=("Bytes", "sum"), flags=("Flags", "max")).reset_index().astype("str") for handle in both]
print(json.dumps([[each.packets for each in told], *[each.values.tolist() for each in sums]]))
"""

COMMAND = """
import socket, threading, time
def send():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        while " 0003 " not in open("/proc/net/packet").read():
            time.sleep(0.05)
        for _ in range(30):
            sender.sendto(b"x", ("127.0.0.1", 9))
threading.Thread(target=send, daemon=True).start()
from capture.cli import main
main()
"""


def test_an_interval_is_the_fast_meters():
    fast, slow = Interval(0.0), Dissected(0.0)
    for interval in (fast, slow):
        for size in (2, 3):
            interval.add(block(size))
    ours, theirs = (interval.table("eth0", "10.0.0.11", 7) for interval in (fast, slow))
    assert as_dict(theirs) == as_dict(ours)
    assert theirs["AgentIP"].tolist() == ["10.0.0.11"]
    assert theirs["CaptureFile"].tolist() == ["eth0"]
    assert provenance(theirs) == provenance(ours)
    assert provenance(theirs).losses == {DROPPED: 7}
    assert capture.report(theirs).total("packets") == capture.report(ours).total("packets") == 5


def test_packets_that_tshark_does_not_show_are_counted():
    interval = Dissected(0.0)
    interval.add(block(2))
    interval.packets = 5
    assert provenance(interval.table("eth0", None, 0)).losses == {UNSEEN: 3}


def test_it_works_inside_a_running_event_loop():
    async def cell():
        with LiveCapture(Played(block(2)), Plan("eth0", None, 60.0, Limits(), None, Dissected)) as handle:
            await asyncio.sleep(0.2)
        return handle.flows

    assert asyncio.run(cell())["Packets"].tolist() == [2]


def test_another_engine_is_an_error():
    with pytest.raises(CaptureError, match="engine is 'scapy': it can be numpy or pyshark"):
        capture.live("lo", engine="scapy")


@pytest.mark.privileged
@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("ip"), reason="not root, or ip is absent")
class TestInNamespace:
    """Real traffic on the loopback of a new network namespace, where nobody else speaks."""

    @pytest.fixture
    def inside(self, root):
        def run(*command):
            up = ["unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh", sys.executable]
            environment = {**os.environ, "PYTHONPATH": str(root), "NO_COLOR": "1"}
            return subprocess.Popen(
                [*up, *command], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
            )

        return run

    def test_the_same_flows_as_the_fast_meter(self, inside):
        process = inside("-c", TALK)
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
        packets, ours, theirs = json.loads(out)
        assert packets[0] == packets[1] > 10
        assert theirs == ours
        assert len(ours) == 6  # four of TCP, one of UDP, and the ICMP error about it

    def test_the_command(self, inside, tmp_path):
        process = inside(
            "-c", COMMAND, "live", "-i", "lo", "--engine", "pyshark", "-o", str(tmp_path), "--duration", "2"
        )
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
        flows = pd.read_parquet(out.strip())
        assert flows.loc[flows["DstPort"] == 9, "Packets"].tolist() == [30]
